/**
 * What a signal does to the command line of a built container, as its Dockerfile has it: in every state of the process it is heard, the end is bounded,
 * its exit code is the documented one, and what is done is committed.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { before, describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type EmbeddedBroker, startEmbeddedBroker } from '../../framework/kafka/embedded/embedded-broker.ts'
import type { RecordProducer, ViewedConnection } from '../../framework/kafka/kafka-client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { connectUnderTest } from '../client-under-test.ts'
import { type BuiltServer, built, serve } from './built-server.ts'
import { childrenOf, embeddedBrokersOf, frozen, noProcesses } from './processes-in.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
const drainMs = 3_000
/** Beyond the drain: the 10 s that are promised, and a machine that is busy. */
const slackMs = 18_000
/** Nothing is waited for; a busy machine. */
const AT_ONCE_MS = 5_000
const pidNamespace = ['unshare', '--pid', '--fork', '--kill-child'] as const
const noNamespace =
  spawnSync(pidNamespace[0], [...pidNamespace.slice(1), 'true']).status === 0
    ? noProcesses
    : 'this machine allows no PID namespace: unshare --pid --fork'

const files = {
  'package.json': '{ "name": "my-shop", "version": "1.0.0", "type": "module" }',
  'pyrallel.config.ts': `import { defineConfig } from 'pyrallel'
export default defineConfig({
  group: 'shop',
  shutdown: { drain: '${drainMs / 1_000}s', revokeGrace: '20s' },
  kafka: { brokers: (process.env.BROKERS ?? 'localhost:9092').split(','), groupProtocol: 'consumer' },
})
`,
  'handlers/orders.ts': `import { handler } from 'pyrallel'
import { setTimeout as sleep } from 'node:timers/promises'
process.stdout.write('the code is imported\\n')
if (process.env.IMPORT === 'hangs') await sleep(600_000)
export default handler<{ readonly takesMs: number }>('orders', async ({ value }, context) => {
  context.log.info('begun')
  await sleep(value.takesMs)
  context.log.info('done')
})
`,
}

interface OwnBroker {
  readonly brokers: string
  /** A record whose handler takes so long. */
  send(takesMs: number, partition?: number): Promise<unknown>
  /** How many records the group has committed. */
  committed(): Promise<number>
  close(): Promise<void>
}

async function aBroker(): Promise<OwnBroker> {
  const broker: EmbeddedBroker = await startEmbeddedBroker({ log: quiet, topics: ['orders', 'orders.shop.dlq'] })
  const connection: ViewedConnection = await connectUnderTest({ ...broker.connection, clientId: 'test', log: quiet })
  const producer: RecordProducer = await connection.producer()
  return {
    brokers: broker.brokers,
    send: (takesMs, partition = 0) => {
      const value = Buffer.from(JSON.stringify({ takesMs }))
      return producer.produce({ topic: 'orders', partition, key: Buffer.from('k'), value, headers: [] })
    },
    committed: async () => {
      const offsets = await connection.view.groupOffsets('shop')
      return offsets.reduce((sum, { position }) => sum + Math.max(0, position ?? 0), 0)
    },
    close: async () => {
      await producer.close(0)
      await connection.close()
      await broker.stop()
    },
  }
}

const noBroker = { brokers: '127.0.0.1:1' }

describe('the command line of a built container', { timeout: 240_000, concurrency: true, skip: noProcesses }, () => {
  let folder: string
  let command: readonly string[]
  const toFreeze: { readonly broker: OwnBroker; readonly pid: number }[] = []

  before(async () => {
    folder = await built(files)
    const dockerfile = readFileSync(join(folder, 'Dockerfile'), 'utf8')
    assert.match(dockerfile, /^STOPSIGNAL SIGTERM$/m)
    command = JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? '[]')
    // One after the other, and before all others: so it is known which process is whose.
    for (const count of [1, 2]) {
      const broker = await aBroker()
      const [pid = 0] = embeddedBrokersOf(process.pid).filter((each) => toFreeze.every((other) => other.pid !== each))
      toFreeze.push({ broker, pid })
      assert.equal(toFreeze.length, count)
    }
  })

  /** As a container has it, on this Node. */
  function run(
    { brokers }: { readonly brokers: string },
    env: Readonly<Record<string, string>> = {},
    within: readonly string[] = [],
  ): BuiltServer {
    const path = `${dirname(process.execPath)}:${process.env.PATH}`
    return serve(folder, { BROKERS: brokers, PATH: path, ...env }, [...within, ...command])
  }

  async function ended(server: BuiltServer, withinMs: number) {
    const askedAt = performance.now()
    const end = await server.ended
    const tookMs = performance.now() - askedAt
    assert.ok(tookMs < withinMs, `it took ${tookMs} ms\n${end.out}`)
    return end
  }

  async function assertAllDone(server: BuiltServer, broker: OwnBroker, records: number): Promise<void> {
    const { code, out, err } = await ended(server, drainMs + slackMs)
    assert.deepEqual([code, err], [0, ''])
    assert.match(out, /"msg":"done"[\s\S]*"msg":"all that is done is committed"[\s\S]*"msg":"stopped"/)
    assert.equal(await broker.committed(), records)
  }

  /** A server with a record in flight. */
  async function atWork(broker: OwnBroker, takesMs: number, within: readonly string[] = []): Promise<BuiltServer> {
    const server = run(broker, {}, within)
    await server.seen(/"msg":"started"/)
    await broker.send(takesMs)
    await server.seen(/"msg":"begun"/)
    return server
  }

  it('finishes what is in flight, commits it and ends with 0', async (t) => {
    const broker = await aBroker()
    t.after(() => broker.close())
    const server = await atWork(broker, 1_000)
    server.stop()
    await assertAllDone(server, broker, 1)
  })

  it('finishes what is in flight as the first process of a container', { skip: noNamespace }, async (t) => {
    const broker = await aBroker()
    t.after(() => broker.close())
    const server = await atWork(broker, 1_000, pidNamespace)
    process.kill(firstProcess(server), 'SIGTERM')
    await assertAllDone(server, broker, 1)
  })

  it('takes several signals of one moment for one: its group gets them, and a parent hands them on', async (t) => {
    const broker = await aBroker()
    t.after(() => broker.close())
    const server = await atWork(broker, 1_000)
    // The kernel may make one of two that are the same.
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) process.kill(-server.pid, signal)
    await assertAllDone(server, broker, 1)
  })

  it('ends with 0 while it imports the code of the app, which may never end', async () => {
    const server = run(noBroker, { IMPORT: 'hangs' })
    await server.seen(/the code is imported/)
    server.stop()
    assert.deepEqual(await ended(server, AT_ONCE_MS), { code: 0, out: 'the code is imported\n', err: '' })
  })

  it('hears a signal while it imports the code as the first process of a container', {
    skip: noNamespace,
  }, async () => {
    const server = run(noBroker, { IMPORT: 'hangs' }, pidNamespace)
    await server.seen(/the code is imported/)
    process.kill(firstProcess(server), 'SIGTERM')
    assert.deepEqual(await ended(server, AT_ONCE_MS), { code: 0, out: 'the code is imported\n', err: '' })
  })

  it('ends with 0 when it starts and no broker answers', async (t) => {
    // Takes connections, and says nothing.
    const mute = createServer(() => {}).listen(0, '127.0.0.1')
    await once(mute, 'listening')
    t.after(() => mute.close())
    const server = run({ brokers: `127.0.0.1:${(mute.address() as AddressInfo).port}` })
    await once(mute, 'connection')
    server.stop()
    const { code, out, err } = await ended(server, drainMs + slackMs)
    assert.deepEqual([code, err], [0, ''])
    assert.match(out, /"msg":"stopped"/)
  })

  it('commits in the middle of a rebalance what it has done, and ends with 0', async (t) => {
    const broker = await aBroker()
    t.after(() => broker.close())
    const { server, second } = await inRebalance(broker, 3_500)
    server.stop()
    await assertAllDone(server, broker, 8)
    second.stop()
    assert.equal((await second.ended).code, 0)
  })

  it('ends with 143 at a second signal in the middle of a rebalance', async (t) => {
    const broker = await aBroker()
    t.after(() => broker.close())
    const { server, second } = await inRebalance(broker, 60_000)
    server.stop()
    await server.seen(/"msg":"drain time is over with records in flight/)
    server.stop()
    assert.equal((await ended(server, AT_ONCE_MS)).code, 143)
    second.stop()
    assert.equal((await second.ended).code, 0)
  })

  it('ends within its limit when its broker is frozen, and says what is not committed', async (t) => {
    const { broker, freeze } = aFreezingBroker(t, 0)
    const server = await atWork(broker, 300)
    await freeze()
    await server.seen(/"msg":"done"/)
    server.stop()
    const { code, out, err } = await ended(server, drainMs + slackMs)
    assert.deepEqual([code, err], [0, ''])
    assert.match(
      out,
      /"msg":"the last commit was not acknowledged; what it carried may run again"[\s\S]*"msg":"stopped"/,
    )
  })

  it('ends with 143 at a second signal while it leaves a group whose broker is frozen', async (t) => {
    const { broker, freeze } = aFreezingBroker(t, 1)
    const server = await atWork(broker, 60_000)
    await freeze()
    server.stop()
    await server.seen(/"msg":"drain time is over with records in flight/)
    server.stop()
    const { code, out } = await ended(server, AT_ONCE_MS)
    assert.equal(code, 143)
    assert.match(out, /"msg":"stopping at once: nothing in flight is waited for"/)
    assert.doesNotMatch(out, /"msg":"stopped"/)
  })

  /** A server that is to give partitions back and cannot yet, as a handler is at work in each, and the server that is to have them. */
  async function inRebalance(broker: OwnBroker, takesMs: number) {
    const server = run(broker, { PYRALLEL_HTTP_ENABLED: 'true', PYRALLEL_HTTP_PORT: '0' })
    const out = await server.seen(/"msg":"started"/)
    for (const partition of [0, 1, 2, 3]) await broker.send(1, partition)
    for (const partition of [0, 1, 2, 3]) await broker.send(takesMs, partition)
    await server.seen(/("msg":"begun"[\s\S]*){8}/)
    const snapshot = `${/"url":"([^"]+)"/.exec(out)?.[1]}/snapshot`
    const second = run(broker)
    await second.seen(/"msg":"subscribed/)
    while (!(await (await fetch(snapshot)).text()).includes('"isDraining":true')) await sleep(50)
    return { server, second }
  }

  /** The broker of a test that stops it where it stands. */
  function aFreezingBroker(t: TestContext, index: number) {
    const { broker, pid } = toFreeze[index]!
    let thaw = async () => {}
    t.after(async () => {
      await thaw()
      await broker.close()
    })
    const freeze = async () => {
      thaw = await frozen(pid)
    }
    return { broker, freeze }
  }
})

/** The process whose id is 1 in the namespace that a server has. */
function firstProcess(server: BuiltServer): number {
  const [pid] = childrenOf(server.pid)
  assert.ok(pid !== undefined)
  return pid
}
