import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterEach, describe, it } from 'node:test'
import type { Logger } from '../../../framework/model/logger.ts'
import { HttpServer, type HttpServerOptions } from '../../../framework/observability/http-server.ts'
import { socketLimits } from '../../../framework/observability/http-sockets.ts'
import { OperatorPages, type OperatorPagesOptions } from '../../../framework/observability/operator-pages.ts'
import { aGroup, aScale, aSystem } from './snapshots.ts'

const open: HttpServer[] = []
const errors: object[] = []

type Settings = OperatorPagesOptions & Omit<HttpServerOptions, 'pages'>

async function serve(over: Partial<Settings> = {}): Promise<string> {
  const log: Logger = { debug() {}, info() {}, warn() {}, error: (fields) => errors.push(fields), child: () => log }
  const pages = new OperatorPages({
    names: [],
    stallAfterMs: 60_000,
    snapshot: () => aSystem(),
    scale: () => aScale({ processesNeeded: 1.7 }),
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4', text: 'pyrallel_up 1\n' }),
    log,
    ...over,
  })
  const server = new HttpServer({ host: '127.0.0.1', port: 0, log, ...over, pages })
  open.push(server)
  return await server.listen()
}

/** What a request is answered that names the server so; `fetch` would not let a test choose. */
function statusFor(url: string, host: string, path = '/snapshot'): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(`${url}${path}`, { agent: false, headers: { host } }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode))
    })
    asked.once('error', reject).end()
  })
}

/** Of this machine, where others reach it; none on a machine without a network. */
function ownAddresses(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  return all.filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address)
}

describe('the HTTP server', () => {
  afterEach(async () => {
    await Promise.all(open.splice(0).map((server) => server.close()))
    errors.length = 0
  })

  it('listens at the address and port that it is told, and says where', async () => {
    assert.match(await serve(), /^http:\/\/127\.0\.0\.1:\d+$/)
    const url = await serve({ host: '::1' }).catch(() => undefined)
    if (url !== undefined) assert.match(url, /^http:\/\/\[::1\]:\d+$/)
  })

  it('answers with the snapshot as JSON, which nobody may keep', async () => {
    const response = await fetch(`${await serve()}/snapshot?pretty`)
    assert.equal(response.headers.get('cache-control'), 'no-store')
    assert.deepEqual(await response.json(), aSystem())
  })

  it('answers an autoscaler with the figures of scaling out, as JSON', async () => {
    const response = await fetch(`${await serve()}/scale`)
    assert.deepEqual([response.status, await response.json()], [200, aScale({ processesNeeded: 1.7 })])
  })

  it('answers with the metrics page under the content type of its version', async () => {
    const response = await fetch(`${await serve()}/metrics`)
    assert.deepEqual(
      [response.status, response.headers.get('content-type'), await response.text()],
      [200, 'text/plain; version=0.0.4', 'pyrallel_up 1\n'],
    )
  })

  it('says 503 and why when it is not well, for probes that look at the status only', async () => {
    const url = await serve({ snapshot: () => aSystem({ state: 'failed', groups: [aGroup()] }) })
    for (const [path, why] of [
      ['livez', 'a consumer cannot go on, see the log'],
      ['readyz', 'the runtime is failed'],
    ] as const) {
      const response = await fetch(`${url}/${path}`)
      assert.deepEqual([response.status, await response.json()], [503, { status: 'unavailable', why: [why] }])
    }
  })

  it('takes stallAfterMs into account', async () => {
    const url = await serve({ stallAfterMs: 1, snapshot: () => aSystem({ groups: [aGroup({ sincePollMs: 2 })] }) })
    assert.equal((await fetch(`${url}/readyz`)).status, 503)
  })

  it('answers HEAD as GET, without a body', async () => {
    const response = await fetch(`${await serve()}/readyz`, { method: 'HEAD' })
    assert.deepEqual([response.status, await response.text()], [200, ''])
    assert.equal(response.headers.get('content-length'), String(Buffer.byteLength('{"status":"ok","why":[]}\n')))
  })

  it('refuses every other method', async () => {
    const url = await serve()
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const response = await fetch(`${url}/snapshot`, { method })
      assert.deepEqual([response.status, response.headers.get('allow')], [405, 'GET, HEAD'], method)
    }
  })

  it('gives the snapshot at the loopback address to localhost and IP addresses only, so that no web page can read it by DNS rebinding', async () => {
    const url = await serve()
    const { port } = new URL(url)
    for (const host of ['localhost', `localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, '10.1.2.3']) {
      assert.equal(await statusFor(url, host), 200, host)
    }
    for (const host of [`rebound.example:${port}`, 'localhost.rebound.example', '127.0.0.1.rebound.example', 'a:b']) {
      assert.equal(await statusFor(url, host), 421, host)
    }
    for (const path of ['/metrics', '/scale']) assert.equal(await statusFor(url, 'pods.internal', path), 200, path)
  })

  it('guards each connection by the address that it came in at, also where it listens at all of them', async () => {
    const url = new URL(await serve({ host: '0.0.0.0' }))
    assert.equal(await statusFor(`http://127.0.0.1:${url.port}`, 'rebound.example'), 421)
    for (const address of ownAddresses()) {
      assert.equal(await statusFor(`http://${address}:${url.port}`, 'shop.internal'), 200, address)
    }
  })

  it('gives it to the names that are listed, and then to no other name at any address', async () => {
    const url = new URL(await serve({ host: '0.0.0.0', names: ['shop.internal'] }))
    for (const address of ['127.0.0.1', ...ownAddresses()]) {
      const at = `http://${address}:${url.port}`
      assert.deepEqual(
        [
          await statusFor(at, `Shop.Internal:${url.port}`),
          await statusFor(at, 'rebound.example'),
          await statusFor(at, address),
        ],
        [200, 421, 200],
        address,
      )
    }
  })

  it('says at any other path what there is', async () => {
    const response = await fetch(`${await serve()}/`)
    assert.equal(response.status, 404)
    assert.match(await response.text(), /\/livez, \/readyz, \/metrics, \/scale and \/snapshot/)
  })

  it('outlives a page that cannot be made, logs why, and shows no details', async () => {
    const url = await serve({ metrics: () => Promise.reject(new Error('secret of the inside')) })
    const response = await fetch(`${url}/metrics`)
    assert.equal(response.status, 500)
    assert.doesNotMatch(await response.text(), /secret/)
    assert.equal(errors.length, 1)
    assert.equal((await fetch(`${url}/livez`)).status, 200)
  })

  it('says of a port in use which it is and what to do', async () => {
    const port = Number(new URL(await serve()).port)
    await assert.rejects(serve({ port }), {
      code: 'PYR_PORT_IN_USE',
      message: `Another process listens at 127.0.0.1:${port}, where this one should answer operators. End that process, or set http.port in pyrallel.config.ts to a port that is free (0 takes any).`,
    })
  })

  it('says of an address that is not of this machine which option it is', async () => {
    await assert.rejects(serve({ host: '192.0.2.1' }), { code: 'PYR_CONFIG_INVALID', message: /Set http\.host/ })
  })

  it('closes while connections are open, and twice', async () => {
    const url = new URL(await serve())
    const socket = connect(Number(url.port), url.hostname)
    await new Promise<void>((resolve) => socket.once('connect', resolve))
    const kept = request(url, { agent: false })
    kept.on('error', () => {})
    kept.flushHeaders()
    const cut = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    socket.on('error', () => {})
    const [server] = open
    await Promise.all([server?.close(), server?.close(), cut])
    await assert.rejects(fetch(url))
  })
})

describe('an HTTP client that hurts', () => {
  const cuts = new EventEmitter()
  const log: Logger = {
    debug: (fields) => cuts.emit('cut', (fields as { readonly why: string }).why),
    info() {},
    warn() {},
    error() {},
    child: () => log,
  }
  const sockets: Socket[] = []
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    await Promise.all(open.splice(0).map((server) => server.close()))
  })

  async function connected(url: string): Promise<Socket> {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.on('error', () => {})
    sockets.push(socket)
    await once(socket, 'connect')
    return socket
  }

  const closed = (socket: Socket) => once(socket.resume(), 'close')
  const ask = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`

  it('by a thousand requests at once is cut off, and has one page made', async () => {
    let made = 0
    const url = await serve({
      log,
      snapshot: () => {
        made += 1
        return aSystem()
      },
    })
    const socket = await connected(url)
    socket.write(ask('/snapshot').repeat(1_000))
    await closed(socket)
    assert.equal(made, 1)
  })

  it('by request after request shares a page for 250 ms, also one that cannot be made', async () => {
    let [now, made] = [0, 0]
    const url = await serve({
      now: () => now,
      metrics: async () => {
        made += 1
        if (made > 1) throw new Error('broken')
        return { contentType: 'text/plain', text: 'up 1\n' }
      },
    })
    const statuses: number[] = []
    for (const at of [0, 100, 249, 250, 499, 500]) {
      now = at
      statuses.push((await fetch(`${url}/metrics`)).status)
    }
    assert.deepEqual([made, statuses], [3, [200, 200, 200, 500, 500, 500]])
  })

  it('by not reading its answer is cut off, and what it was sent is let go', async () => {
    const text = 'x'.repeat(32 * 1_048_576)
    const url = await serve({
      log,
      limits: { maxSockets: 64, answerMs: 100 },
      metrics: async () => ({ contentType: 'text/plain', text }),
    })
    const socket = await connected(url)
    const cut = once(cuts, 'cut')
    socket.pause().write(ask('/metrics'))
    assert.deepEqual(await cut, ['it has not taken its answer in time'])
  })

  it('by 65 silent connections loses the first of them, and has 10 s to take an answer', async () => {
    assert.deepEqual(socketLimits, { maxSockets: 64, answerMs: 10_000 })
    const url = await serve({ log })
    const all = [await connected(url)]
    const gone = closed(all[0]!)
    while (all.length < 65) all.push(await connected(url))
    await gone
    assert.equal(all.filter(({ destroyed }) => !destroyed).length, 64)
  })

  it('by silent connections loses the one that was silent for longest: others are still answered', async () => {
    const url = await serve({ log, limits: { maxSockets: 2, answerMs: 10_000 } })
    const [first, second] = [await connected(url), await connected(url)]
    const gone = closed(first)
    assert.equal(await statusFor(url, 'localhost', '/livez'), 200)
    await gone
    assert.equal(second.destroyed, false)
  })
})
