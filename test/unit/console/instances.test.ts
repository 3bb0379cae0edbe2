/** Several processes, and the console of one that shows the others. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { Router } from '../../../framework/console/http/router.ts'
import type { ErrorAnswer } from '../../../framework/console/protocol-errors.ts'
import type { InstancesAnswer } from '../../../framework/console/protocol-groups.ts'
import { aWatchedHandler, serveConsole, TOKEN } from './served-console.ts'

const hostOf = (url: string) => new URL(url).host

/** Two processes; the first one knows of the second, and of what else is named. */
async function two(t: TestContext, more: readonly string[] = [], token = TOKEN) {
  const other = await serveConsole(t)
  other.runtime.handlers = [aWatchedHandler({ group: 'other' })]
  const id = hostOf(other.url)
  const first = await serveConsole(t, { peers: { addresses: [id, ...more], token } })
  const list = async () => ((await (await first.get('/api/instances')).json()) as InstancesAnswer).instances
  return { first, other, id, list }
}

/** Somebody who answers in this way. */
async function aStranger(t: TestContext, answer: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function codeOf(response: Response): Promise<string> {
  return ((await response.json()) as ErrorAnswer).error.code
}

describe('several processes in the console', { timeout: 60_000 }, () => {
  it('are listed with what they are and how they are, this one first', async (t) => {
    const { list, id } = await two(t)
    const rows = await list()
    assert.deepEqual(
      rows.map((row) => [row.id, row.state, row.about?.groups[0]?.group, row.verdict?.kind]),
      [
        ['self', 'answers', 'shop', 'healthy'],
        [id, 'answers', 'other', 'healthy'],
      ],
    )
  })

  it('hands a question on, a change, and a stream, and gives back what that process says', async (t) => {
    const { first, other, id } = await two(t)
    const handlers = await (await first.get(`/api/instances/${id}/handlers`)).json()
    assert.deepEqual(handlers, await (await other.get('/api/handlers')).json())
    const paused = await first.post(`/api/instances/${id}/handlers/bill/pause`, {})
    assert.deepEqual([paused.status, other.runtime.paused, first.runtime.paused], [200, ['bill'], []])
    assert.equal((await first.post(`/api/instances/${id}/handlers/none/pause`, {})).status, 404)
    assert.equal((await first.get(`/api/instances/${id}/history?of=none`)).status, 400)
    const stream = await first.get(`/api/instances/${id}/stream`)
    assert.equal(stream.headers.get('content-type'), 'text/event-stream; charset=utf-8')
    while (other.console.readers === 0) await new Promise(setImmediate)
    await stream.body?.cancel()
    while (other.console.readers > 0) await new Promise(setImmediate)
  })

  it('asks nobody but whom the config names, whatever a request says', async (t) => {
    let asked = 0
    const stranger = await aStranger(t, (_, response) => {
      asked += 1
      response.end('{}')
    })
    const { first } = await two(t)
    for (const id of [stranger, encodeURIComponent(`x@${stranger}`), '127.0.0.1', 'self']) {
      assert.equal((await first.get(`/api/instances/${id}/snapshot`)).status, 404, id)
    }
    assert.equal(asked, 0)
  })

  it('hands nothing on that was handed on before', async (t) => {
    const { first, id } = await two(t)
    const headers = { authorization: `Bearer ${TOKEN}`, 'pyrallel-hop': '1' }
    assert.equal(await codeOf(await first.get(`/api/instances/${id}/snapshot`, headers)), 'forbidden')
    assert.equal(await codeOf(await first.get('/api/instances', headers)), 'forbidden')
    assert.equal((await first.get('/api/snapshot', headers)).status, 200)
  })

  it('tells one that does not listen, or never answers, as dead, and the others at once', async (t) => {
    const silent = await aStranger(t, () => {})
    const { first, list, id } = await two(t, ['127.0.0.1:1', silent])
    const rows = await list()
    assert.deepEqual(
      rows.map((row) => [row.id, row.state]),
      [
        ['self', 'answers'],
        [id, 'answers'],
        ['127.0.0.1:1', 'dead'],
        [silent, 'dead'],
      ],
    )
    assert.match(rows[2]?.why ?? '', /ECONNREFUSED/)
    const dead = await first.get('/api/instances/127.0.0.1:1/snapshot')
    assert.deepEqual([dead.status, await codeOf(dead)], [503, 'instance-dead'])
  })

  it('tells one with another token as refused, and does not take that for its own', async (t) => {
    const { first, list, id } = await two(t, [], 'another-token-of-the-others')
    assert.deepEqual((await list()).at(-1)?.state, 'refused')
    const refused = await first.get(`/api/instances/${id}/snapshot`)
    assert.deepEqual([refused.status, await codeOf(refused)], [503, 'instance-refused'])
  })

  it('passes no page on of somebody who is no console, nor follows him elsewhere', async (t) => {
    const page = await aStranger(t, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/html', 'set-cookie': 'a=b', 'access-control-allow-origin': '*' })
      response.end('<script>alert(1)</script>')
    })
    const elsewhere = await aStranger(t, (_, response) => {
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()
    })
    const { first, list } = await two(t, [page, elsewhere])
    assert.deepEqual(
      (await list()).slice(2).map(({ state }) => state),
      ['refused', 'refused'],
    )
    const given = await first.get(`/api/instances/${page}/snapshot`)
    assert.equal(given.headers.get('content-type'), 'application/octet-stream')
    for (const name of ['set-cookie', 'access-control-allow-origin']) assert.equal(given.headers.get(name), null)
    assert.match(given.headers.get('content-security-policy') ?? '', /default-src 'none'/)
    assert.equal(await codeOf(await first.get(`/api/instances/${elsewhere}/snapshot`)), 'instance-refused')
  })

  it('looks a name up, and shows itself once where that leads to itself', async (t) => {
    const own = await serveConsole(t)
    const { port } = new URL(own.url)
    const addresses = [`localhost:${port}`, 'no-such-name.invalid:9464']
    const asking = await serveConsole(t, { peers: { addresses, token: TOKEN } })
    const answer = (await (await asking.get('/api/instances')).json()) as InstancesAnswer
    const states = answer.instances.map(({ id, state }) => [id, state])
    assert.ok(
      states.some(([id, state]) => id === `127.0.0.1:${port}` && state === 'answers'),
      JSON.stringify(states),
    )
    assert.deepEqual(states.at(-1), ['no-such-name.invalid:9464', 'dead'])
    const self: string[] = []
    const mirrored = await serveConsole(t, { peers: { addresses: self, token: TOKEN } })
    self.push(hostOf(mirrored.url))
    const { instances } = (await (await mirrored.get('/api/instances')).json()) as InstancesAnswer
    assert.deepEqual(
      instances.map(({ id }) => id),
      ['self'],
    )
  })
})

describe('a path with a rest', () => {
  it('takes all segments that follow, encoded as they came', () => {
    const router = new Router([{ method: 'GET', path: '/api/instances/{instance}/{rest...}', run: () => undefined }])
    const { params } = router.find('GET', '/api/instances/a%3A1/records/g/t%2Fx/1/2')
    assert.deepEqual(params, { instance: 'a:1', rest: 'records/g/t%2Fx/1/2' })
    assert.throws(() => router.find('GET', '/api/instances/a'), { code: 'not-found' })
    assert.throws(() => router.find('GET', '/api/instances/a/'), { code: 'not-found' })
  })
})
