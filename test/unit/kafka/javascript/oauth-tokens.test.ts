/** How tokens for SASL OAUTHBEARER are fetched, kept, and asked for anew; what is said where none can be had. */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import { OauthTokens } from '../../../../framework/kafka/javascript/oauth-tokens.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'

const clientSecret = 'the secret: of all'

async function anEndpoint(t: TestContext, answer: (response: ServerResponse, asked: number) => void) {
  const requests: { readonly authorization: string | undefined; readonly body: string }[] = []
  const server = createServer((request: IncomingMessage, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += String(chunk)
    })
    request.on('end', () => {
      requests.push({ authorization: request.headers.authorization, body })
      answer(response, requests.length)
    })
  })
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const clock = new ManualClock()
  const sasl = { mechanism: 'OAUTHBEARER', username: undefined, password: undefined } as const
  const tokenEndpoint = `http://127.0.0.1:${port}/token`
  const tokens = new OauthTokens({ ...sasl, clientId: 'app', clientSecret, tokenEndpoint, scope: 'a b' }, clock)
  return { tokens, requests, clock }
}

const json = (response: ServerResponse, answer: object) => response.end(JSON.stringify(answer))

describe('tokens of SASL OAUTHBEARER', { timeout: 20_000 }, () => {
  it('are asked for with the id and the secret of the client, once for all who need one at the same time', async (t) => {
    const { tokens, requests } = await anEndpoint(t, (response) =>
      json(response, { access_token: 't1', expires_in: 60 }),
    )
    assert.deepEqual(await Promise.all([tokens.token(), tokens.token()]), ['t1', 't1'])
    const authorization = `Basic ${Buffer.from(`app:${encodeURIComponent(clientSecret)}`).toString('base64')}`
    assert.deepEqual(requests, [{ authorization, body: 'grant_type=client_credentials&scope=a+b' }])
  })

  it('are used for four fifths of their life, and then asked for anew', async (t) => {
    const { tokens, clock } = await anEndpoint(t, (response, asked) =>
      json(response, { access_token: `t${asked}`, expires_in: 100 }),
    )
    assert.equal(await tokens.token(), 't1')
    clock.advance(79_000)
    assert.equal(await tokens.token(), 't1')
    clock.advance(2_000)
    assert.equal(await tokens.token(), 't2')
  })

  for (const [what, answer, reason] of [
    ['refuses', (response: ServerResponse) => response.writeHead(401).end(clientSecret), /it answers with status 401$/],
    [
      'answers something else',
      (response: ServerResponse) => response.end(clientSecret),
      /its answer has no access_token$/,
    ],
    [
      'is not there',
      (response: ServerResponse) => response.destroy(),
      /no token could be had from kafka\.security\.sasl\.tokenEndpoint: /,
    ],
  ] as const) {
    it(`are not had from an endpoint that ${what}, which is said without a secret`, async (t) => {
      const { tokens } = await anEndpoint(t, (response) => void answer(response))
      await assert.rejects(tokens.token(), (error: Error) => {
        assert.match(error.message, reason)
        return !`${error.message} ${error.stack}`.includes(clientSecret)
      })
    })
  }
})
