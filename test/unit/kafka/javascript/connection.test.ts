/** What the client in JavaScript says of whatever stands at a broker's address and is none. */
import assert from 'node:assert/strict'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { connectJavascript, LIBRARY_VERSION } from '../../../../framework/kafka/javascript/client.ts'
import type { Logger } from '../../../../framework/model/logger.ts'
import type { SecuritySettings } from '../../../../framework/model/settings.ts'
import packageJson from '../../../../package.json' with { type: 'json' }

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
const LIMIT_MS = 1_500
const noSecurity: SecuritySettings = {
  tls: false,
  ca: undefined,
  cert: undefined,
  key: undefined,
  keyPassphrase: undefined,
  verifyHostname: true,
  allowPlaintext: false,
  sasl: {
    mechanism: undefined,
    username: undefined,
    password: undefined,
    clientId: undefined,
    clientSecret: undefined,
    tokenEndpoint: undefined,
    scope: undefined,
  },
}

async function portOf(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function connected(t: TestContext, port: number) {
  const lines: string[] = []
  const write = (fields: object, message: string) => lines.push(`${message} ${JSON.stringify(fields)}`)
  const log: Logger = { debug: write, info: write, warn: write, error: write, child: () => log }
  const connection = await connectJavascript({ brokers: `127.0.0.1:${port}`, clientId: 'test', log })
  t.after(() => connection.close())
  return { connection, lines }
}

/** Answers each request with the same bytes behind its own correlation id. */
const answering = (answer: (correlationId: Buffer) => Buffer) =>
  createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (bytes) => socket.write(answer(bytes.subarray(8, 12))))
  })

describe('the client in JavaScript', { timeout: 30_000 }, () => {
  it('says what to run when its library is not installed', async () => {
    const missing = () => Promise.reject(new Error("Cannot find package '@platformatic/kafka'\nat somewhere"))
    await assert.rejects(connectJavascript({ brokers: 'b:1', clientId: 'test', log: quiet }, missing), {
      code: 'PYR_CLIENT_MISSING',
      message:
        /Cannot find package '@platformatic\/kafka'\. Run `npm install --save-exact @platformatic\/kafka@2\.12\.1`/,
    })
  })

  it('has transactions, but not behind the embedded broker, which drops their offsets', async () => {
    const on = (createTopicsBy: 'admin' | 'metadata') =>
      connectJavascript({ brokers: 'b:1', clientId: 'test', createTopicsBy, log: quiet })
    const made = await Promise.all((['admin', 'metadata'] as const).map(on))
    assert.deepEqual(
      made.map(({ transactionalProducer }) => transactionalProducer !== undefined),
      [true, false],
    )
    await Promise.all(made.map((each) => each.close()))
  })

  it('is made for the version of its library that the package asks for', () => {
    assert.equal(packageJson.optionalDependencies['@platformatic/kafka'], LIBRARY_VERSION)
  })

  it('says at once that a proxy that answers in HTTP is no Kafka broker', async (t) => {
    const port = await portOf(t, createHttpServer())
    const { connection } = await connected(t, port)
    const startedAt = performance.now()
    await assert.rejects(connection.check(LIMIT_MS), {
      code: 'PYR_BROKER_UNREACHABLE',
      message: new RegExp(`127.0.0.1:${port}.*it answers in HTTP, so it is no Kafka broker`),
      retriable: true,
    })
    assert.ok(performance.now() - startedAt < 8_000)
  })

  it('waits no longer than asked for a broker that takes the connection and says nothing', async (t) => {
    const { connection } = await connected(t, await portOf(t, createServer()))
    const startedAt = performance.now()
    await assert.rejects(connection.check(300), {
      code: 'PYR_BROKER_UNREACHABLE',
      message: /within 300 ms \(no answer in time\)/,
    })
    assert.ok(performance.now() - startedAt < 5_000)
  })

  it('closes a producer in the time that it is given though its broker never answers, and gives its records back', async (t) => {
    const { connection } = await connected(t, await portOf(t, createServer()))
    const producer = await connection.producer()
    const produced = producer.produce({ topic: 'orders', key: null, value: null, headers: [] })
    const refused = assert.rejects(produced, { code: 'PYR_CLIENT_CLOSED' })
    const startedAt = performance.now()
    await producer.close(200)
    assert.ok(performance.now() - startedAt < 5_000)
    await refused
  })

  it('tells of an answer that is cut in the middle, and makes a new connection after it', async (t) => {
    let connections = 0
    const server = createServer((socket) => {
      connections++
      socket.on('error', () => {})
      // A length of 100 bytes, and then ten.
      socket.on('data', (bytes) =>
        socket.end(Buffer.concat([Buffer.from([0, 0, 0, 100]), bytes.subarray(8, 12), Buffer.alloc(6)])),
      )
    })
    const { connection } = await connected(t, await portOf(t, server))
    await assert.rejects(connection.check(LIMIT_MS), { code: 'PYR_BROKER_UNREACHABLE', message: /Connection closed/ })
    assert.ok(connections > 1, `${connections} connections`)
  })

  it('tells of an answer that it cannot read by the name of the request', async (t) => {
    // Whole, by its length, and with a list of ranges that is not there.
    const nonsense = (id: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, 10]), id, Buffer.from([0, 0, 0, 0, 0, 9])])
    const { connection, lines } = await connected(t, await portOf(t, answering(nonsense)))
    await assert.rejects(connection.check(LIMIT_MS), { message: /its answer to ApiVersions cannot be read/ })
    assert.match(lines.join('\n'), /the Kafka client reports an error.*"code":-199/)
  })

  it('says that a broker before 4.0 is too old, by what it lacks, and does not ask it again', async (t) => {
    let asked = 0
    // Metadata in versions 0 to 7: as Kafka 2.1 has it.
    const old = (id: Buffer) => {
      asked++
      const body = Buffer.from([0, 0, 0, 0, 0, 1, 0, 3, 0, 0, 0, 7, 0, 0, 0, 0])
      return Buffer.concat([Buffer.from([0, 0, 0, 4 + body.length]), id, body])
    }
    const { connection } = await connected(t, await portOf(t, answering(old)))
    await assert.rejects(connection.check(LIMIT_MS), {
      code: 'PYR_KAFKA',
      message:
        /takes Metadata in versions 0 to 7, and this client needs version 12\. Update the brokers to Apache Kafka 4\.0/,
    })
    assert.equal(asked, 1)
  })

  it('says that nothing listens at an address', async (t) => {
    const server = createServer()
    const port = await portOf(t, server)
    await new Promise((resolve) => server.close(resolve))
    const { connection } = await connected(t, port)
    await assert.rejects(connection.check(LIMIT_MS), { code: 'PYR_BROKER_UNREACHABLE', message: /ECONNREFUSED/ })
  })

  it('refuses a password in clear, and security that is not whole, before it loads anything', async () => {
    const neverLoaded = () => Promise.reject(new Error('loaded'))
    const options = { brokers: 'broker:9092', clientId: 'test', log: quiet }
    const plain = {
      ...noSecurity,
      sasl: { ...noSecurity.sasl, mechanism: 'PLAIN', username: 'a', password: 'b' },
    } as const
    await assert.rejects(connectJavascript({ ...options, security: plain }, neverLoaded), {
      code: 'PYR_CONFIG_INVALID',
      message: /allowPlaintext/,
    })
    const part = { ...noSecurity, tls: true, cert: 'a.pem' }
    await assert.rejects(connectJavascript({ ...options, security: part }, neverLoaded), { code: 'PYR_CONFIG_INVALID' })
  })

  it('says which file of its security cannot be read, and shows no text of it', async () => {
    const security = { ...noSecurity, tls: true, ca: '/nowhere/secret-path.pem' }
    await assert.rejects(
      connectJavascript({ brokers: 'b:1', clientId: 'test', log: quiet, security }),
      (error: Error) => {
        assert.match(error.message, /option kafka\.security\.ca names a file that cannot be read \(ENOENT\)/)
        return !error.message.includes('secret-path')
      },
    )
  })
})
