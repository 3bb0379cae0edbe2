import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, it, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { batchHandler, type HandlerFunction, handler, type Services } from '../../../framework/api/handler.ts'
import type { KafkaConnection } from '../../../framework/kafka/kafka-client.ts'
import { memoryCluster } from '../../../framework/kafka/memory/client.ts'
import { PyrallelError } from '../../../framework/model/errors.ts'
import type { RuntimeEvent } from '../../../framework/model/events.ts'
import { type Pyrallel, type PyrallelOptions, startPyrallel } from '../../../framework/runtime/start-pyrallel.ts'
import { withLoadableEntry } from '../../../framework/runtime/worker-entry.ts'
import { recordedLog } from '../kafka/recorded-log.ts'
import { gate } from './running-app.ts'

const limits = { timeout: 60_000 }
const route = { id: 'bill', file: 'handlers/bill.ts', topic: 'orders', group: null }

/** A cluster with the topics of one handler, and what the call needs to run it there. */
function anApp(run: HandlerFunction<unknown>, connectionOf = (connection: KafkaConnection) => connection) {
  const cluster = memoryCluster()
  for (const topic of ['orders', 'orders.shop.dlq', 'invoices']) cluster.createTopic(topic, 1)
  const { log, lines } = recordedLog()
  const closed = { count: 0 }
  const inner = connectionOf(cluster.connection())
  const connection: KafkaConnection = {
    description: inner.description,
    sessionTimeoutMs: inner.sessionTimeoutMs,
    check: (timeoutMs) => inner.check(timeoutMs),
    missingTopics: (topics) => inner.missingTopics(topics),
    createTopics: (topics, partitions) => inner.createTopics(topics, partitions),
    consumer: (options) => inner.consumer(options),
    producer: () => inner.producer(),
    close: () => {
      closed.count += 1
      return inner.close()
    },
  }
  const options: PyrallelOptions = {
    config: { group: 'shop', handlers: { retry: { attempts: 1 } } },
    routes: [{ ...route, handler: handler('orders', run) }],
    log,
    env: {},
    connection,
  }
  const send = (value: unknown) =>
    cluster.append({ topic: 'orders', key: null, value: Buffer.from(JSON.stringify(value)), headers: [] })
  return { cluster, options, lines, closed, send }
}

/** What an application mounts, asked over HTTP. */
async function mounted(t: TestContext, listener: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(listener ?? (() => {}))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Asked under a name of the test's choice, which `fetch` does not allow. */
async function statusFor(url: string, host: string): Promise<number | undefined> {
  const asked = request(url, { headers: { host } }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  response.resume()
  return response.statusCode
}

/** Of this test. One that runs on after a failure would keep the process, and with it all files that share it. */
const running: Pyrallel[] = []

async function started(options: PyrallelOptions): Promise<Pyrallel> {
  const pyrallel = await startPyrallel(options)
  running.push(pyrallel)
  return pyrallel
}

async function stopAll(): Promise<void> {
  await Promise.allSettled(running.splice(0).map((each) => each.stop()))
}

const services = (given: object): Services => given as Services

describe('Pyrallel inside a process of the user', limits, () => {
  afterEach(stopAll)

  it('hands its services to handlers on the event loop, publishes over its own connection, and stops once', async () => {
    const called = gate()
    const given = services({ bill: called.open })
    let seen: Services | undefined
    const { options, send, cluster, closed } = anApp((_record, context) => {
      seen = context.services
      called.open()
    })
    const pyrallel = await started({ ...options, services: given })
    send({ id: 1 })
    await called.opened
    assert.equal(seen, given)
    const { publish } = pyrallel
    await publish('invoices', { id: 1 })
    assert.equal(cluster.log('invoices', 0).end, 1)
    await Promise.all([pyrallel.stop(), pyrallel.stop()])
    assert.deepEqual([pyrallel.snapshot().state, closed.count], ['stopped', 1])
    await assert.rejects(publish('invoices', { id: 2 }), { code: 'PYR_CLIENT_CLOSED' })
  })

  it('fails the attempt of a handler that asks for services where none were given, and says where they come from', async () => {
    const over = gate()
    const { options, send } = anApp((_record, { services: none }) => none)
    const failures: string[] = []
    const onEvent = (event: RuntimeEvent) => {
      if (event.kind !== 'record.dead') return
      failures.push(JSON.stringify(event))
      over.open()
    }
    const pyrallel = await started({ ...options, onEvent })
    send({ id: 1 })
    await over.opened
    await pyrallel.stop()
    assert.match(failures[0] ?? '', /startPyrallel\(\{ services \}\)/)
  })

  it('has no services for handlers on threads, and the compiler says so', () => {
    // @ts-expect-error: what a thread gets has no services.
    const definition = handler('orders', { engine: 'worker' }, (_record, { services: none }) => none)
    assert.equal(definition.options.engine, 'worker')
    // @ts-expect-error: the same for batches.
    batchHandler('orders', { engine: 'worker' }, (_batch, { services: none }) => void none)
  })

  it('listens to no signals and to nothing else of the process', async () => {
    const names = ['SIGINT', 'SIGTERM', 'SIGHUP', 'uncaughtException', 'unhandledRejection', 'beforeExit', 'exit']
    const counts = () => names.map((name) => process.listenerCount(name))
    const before = counts()
    const { options } = anApp(() => {})
    const pyrallel = await started(options)
    assert.deepEqual(counts(), before)
    await pyrallel.stop()
    assert.deepEqual(counts(), before)
  })

  it('leaves nothing open when its start fails, and tells why', async () => {
    const unreachable = new PyrallelError('PYR_BROKER_UNREACHABLE', 'Nobody is there.')
    const { options, closed } = anApp(
      () => {},
      (connection) => Object.assign(connection, { check: () => Promise.reject(unreachable) }),
    )
    await assert.rejects(startPyrallel(options), unreachable)
    assert.equal(closed.count, 1)
  })

  it('closes the connection that it was handed when the config is wrong', async () => {
    const { options, closed } = anApp(() => {})
    const config = { group: '' }
    await assert.rejects(startPyrallel({ ...options, config }), { code: 'PYR_CONFIG_INVALID' })
    assert.equal(closed.count, 1)
  })

  it('ends its start when the signal aborts meanwhile, or before', async () => {
    const controller = new AbortController()
    const { options, closed } = anApp(
      () => {},
      (connection) =>
        Object.assign(connection, {
          check: async () => {
            controller.abort()
          },
        }),
    )
    const { signal } = controller
    await assert.rejects(startPyrallel({ ...options, signal }), { code: 'PYR_CLIENT_CLOSED' })
    assert.equal(closed.count, 1)
    await assert.rejects(startPyrallel({ ...anApp(() => {}).options, signal }), { code: 'PYR_CLIENT_CLOSED' })
  })

  it('runs on when the signal aborts after the start', async () => {
    const controller = new AbortController()
    const pyrallel = await started({ ...anApp(() => {}).options, signal: controller.signal })
    controller.abort()
    assert.equal(pyrallel.snapshot().state, 'running')
    await pyrallel.stop()
  })

  it('tells that it has failed, and can still be stopped', async () => {
    const fatal = new PyrallelError('PYR_KAFKA', 'The consumer is gone.')
    const { options, closed } = anApp(
      () => {},
      (connection) => {
        const consumer = connection.consumer.bind(connection)
        return Object.assign(connection, {
          consumer: async (of: Parameters<typeof consumer>[0]) => {
            const client = await consumer(of)
            return Object.assign(client, { poll: () => Promise.reject(fatal) })
          },
        })
      },
    )
    const pyrallel = await started(options)
    await assert.rejects(pyrallel.failed, fatal)
    assert.equal(pyrallel.snapshot().state, 'failed')
    await pyrallel.stop()
    assert.equal(closed.count, 1)
  })

  it('pauses and resumes, and refuses names that no handler has', async () => {
    const pyrallel = await started(anApp(() => {}).options)
    pyrallel.pause('bill')
    assert.equal(pyrallel.snapshot().groups[0]?.handlers[0]?.isPaused, true)
    pyrallel.resume('bill')
    assert.equal(pyrallel.snapshot().groups[0]?.handlers[0]?.isPaused, false)
    assert.throws(() => pyrallel.pause('bil'), { code: 'PYR_USAGE' })
    await pyrallel.stop()
  })
})

describe('the pages in a server of the application', limits, () => {
  afterEach(stopAll)

  it('are answered, and every other path is handed on', async (t) => {
    const pyrallel = await started(anApp(() => {}).options)
    const url = await mounted(t, (request, response) =>
      pyrallel.listener(request, response, () => response.writeHead(404).end('of the app')),
    )
    const statuses = await Promise.all(
      ['/livez', '/snapshot', '/scale', '/metrics'].map(async (path) => (await fetch(url + path)).status),
    )
    assert.deepEqual(statuses, [200, 200, 200, 200])
    assert.match(await (await fetch(`${url}/metrics`)).text(), /pyrallel_/)
    for (const method of ['GET', 'POST']) {
      assert.equal(await (await fetch(`${url}/orders`, { method })).text(), 'of the app')
    }
    assert.equal((await fetch(`${url}/snapshot`, { method: 'POST' })).status, 405)
    await pyrallel.stop()
    assert.equal((await fetch(`${url}/readyz`)).status, 503)
  })

  it('are a 404 elsewhere when there is nobody to hand on to', async (t) => {
    const pyrallel = await started(anApp(() => {}).options)
    const url = await mounted(t, pyrallel.listener)
    assert.equal((await fetch(`${url}/orders`)).status, 404)
    await pyrallel.stop()
  })

  it('give the snapshot at a loopback address to no name that a web page may have made up, below a path too', async (t) => {
    const { options } = anApp(() => {})
    const pyrallel = await startPyrallel({
      ...options,
      config: { ...options.config, http: { names: ['ops.internal'] } },
    })
    t.after(() => pyrallel.stop())
    // As Express mounts it.
    const url = await mounted(t, (request, response) => {
      request.url = request.url?.replace('/ops', '')
      pyrallel.listener(request, response, () => response.writeHead(404).end())
    })
    const { port } = new URL(url)
    for (const [host, status] of [
      [`localhost:${port}`, 200],
      [`127.0.0.1:${port}`, 200],
      [`Ops.Internal:${port}`, 200],
      ['rebound.example', 421],
      ['ops.internal.rebound.example', 421],
    ] as const) {
      assert.equal(await statusFor(`${url}/ops/snapshot`, host), status, host)
    }
    for (const path of ['livez', 'readyz', 'metrics', 'scale']) {
      assert.notEqual(await statusFor(`${url}/ops/${path}`, 'rebound.example'), 421, path)
    }
  })

  it('go by the name that was asked for in HTTP/2, too, which has no Host header', { timeout: 30_000 }, async (t) => {
    const pyrallel = await startPyrallel(anApp(() => {}).options)
    t.after(() => pyrallel.stop())
    const server = createHttp2Server((request, response) =>
      pyrallel.listener(request as unknown as IncomingMessage, response as unknown as ServerResponse),
    )
    t.after(() => server.close())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    t.after(() => client.destroy())
    const statusAt = async (authority: string) => {
      const stream = client.request({ ':path': '/snapshot', ':authority': authority })
      const [headers] = await once(stream, 'response')
      stream.close()
      return headers[':status']
    }
    assert.deepEqual([await statusAt('localhost'), await statusAt('rebound.example')], [200, 421])
  })

  it('open no port of their own unless http.enabled is set', async () => {
    const { options, lines } = anApp(() => {})
    const listens = () => lines.filter(({ fields }) => 'url' in fields).length
    const closed = await started(options)
    assert.equal(listens(), 0)
    await closed.stop()
    const { options: again, lines: told } = anApp(() => {})
    const open = await started({ ...again, config: { ...again.config, http: { enabled: true, port: 0 } } })
    assert.equal(told.filter(({ fields }) => 'url' in fields).length, 1)
    await open.stop()
  })
})

describe('the module of a handler on threads', () => {
  it('is the source where that is there, else what was compiled into its place', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'pyrallel-entry-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const at = (name: string) => pathToFileURL(join(folder, name)).href
    const entryOf = () =>
      withLoadableEntry({ ...route, entry: at('score.ts'), handler: handler('orders', () => {}) }).entry
    assert.throws(entryOf, { code: 'PYR_GENERATED_STALE', message: /score\.ts, or compiled as \.mjs or \.js/ })
    writeFileSync(join(folder, 'score.js'), '')
    assert.equal(entryOf(), at('score.js'))
    writeFileSync(join(folder, 'score.mjs'), '')
    assert.equal(entryOf(), at('score.mjs'))
    writeFileSync(join(folder, 'score.ts'), '')
    assert.equal(entryOf(), at('score.ts'))
  })
})
