/** What the client in JavaScript says of certificates that should not be believed, and of listeners of the other kind. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createPlainServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it, type TestContext } from 'node:test'
import { createServer } from 'node:tls'
import { connectJavascript } from '../../framework/kafka/javascript/client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import type { SecuritySettings } from '../../framework/model/settings.ts'
import { type BrokenChains, type KeyPair, makeBrokenChains } from './certificates.ts'

/** For those who never answer, and for those who refuse. */
const LIMIT_MS = { whole: 500, refused: 2_000 } as const

export function tlsSuite(): void {
  const folder = mkdtempSync(join(tmpdir(), 'pyrallel-chains-'))
  const chains = makeBrokenChains(folder)
  const tls = (pair: KeyPair) => () => createServer({ key: readFileSync(pair.key), cert: readFileSync(pair.cert) })
  const refused: readonly (readonly [what: string, server: () => Server, reason: RegExp])[] = [
    ['a certificate whose time is over', tls(chains.expired), /expired/i],
    ['a certificate that has issued itself', tls(chains.selfSigned), /self.signed/i],
    ['a chain without the certificate in its middle', tls(chains.gap), /issuer|first certificate/i],
    ['a listener without TLS', () => createPlainServer((socket) => socket.end('no TLS')), /SSL/i],
  ]

  describe('a broker, to the client in JavaScript', { timeout: 60_000 }, () => {
    after(() => rmSync(folder, { recursive: true }))

    for (const [what, server, reason] of refused) {
      it(`with ${what} is refused, with the reason and where to look`, async (t) => {
        const { thrown, lines } = await checked(t, server(), trusting(chains))
        assert.equal(thrown.code, 'PYR_AUTH_FAILED', thrown.message)
        assert.match(thrown.message, reason)
        assert.match(thrown.message, /Check kafka\.security/)
        assert.match(lines.join('\n'), /"code":-181/)
      })
    }

    it('with the whole chain is believed, and then waited for', async (t) => {
      const { thrown } = await checked(t, tls(chains.whole)(), trusting(chains), LIMIT_MS.whole)
      assert.equal(thrown.code, 'PYR_BROKER_UNREACHABLE', thrown.message)
    })

    it('closes the connection to whoever speaks no TLS, and what may be missing is told', async (t) => {
      const { thrown } = await checked(t, tls(chains.whole)(), undefined)
      assert.equal(thrown.code, 'PYR_BROKER_UNREACHABLE', thrown.message)
      assert.match(thrown.message, /Connection closed.*set kafka\.security/)
    })
  })
}

interface Told extends Error {
  readonly code?: unknown
}

async function checked(
  t: TestContext,
  server: Server,
  security: SecuritySettings | undefined,
  limitMs: number = LIMIT_MS.refused,
) {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  server.on('tlsClientError', () => {})
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const lines: string[] = []
  const write = (fields: object, message: string) => lines.push(`${message} ${JSON.stringify(fields)}`)
  const log: Logger = { debug: write, info: write, warn: write, error: write, child: () => log }
  const at = { brokers: `127.0.0.1:${port}`, clientId: 'tls', log }
  const connection = await connectJavascript(security === undefined ? at : { ...at, security })
  t.after(() => connection.close())
  const thrown = await connection.check(limitMs).then(
    () => assert.fail('it is no broker'),
    (error: Told) => error,
  )
  return { thrown, lines }
}

function trusting({ ca }: BrokenChains): SecuritySettings {
  const noToken = { clientId: undefined, clientSecret: undefined, tokenEndpoint: undefined, scope: undefined }
  return {
    tls: true,
    ca,
    cert: undefined,
    key: undefined,
    keyPassphrase: undefined,
    verifyHostname: true,
    allowPlaintext: false,
    sasl: { mechanism: undefined, username: undefined, password: undefined, ...noToken },
  }
}
