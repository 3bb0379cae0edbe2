/** What users of the two predecessors report, one test each, named by the fault. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type TObject, Type } from 'typebox'
import { handler } from '../../../framework/api/handler.ts'
import { configSchema, handlerSchema } from '../../../framework/config/config.ts'
import { resolveConfig } from '../../../framework/config/resolve-config.ts'
import { decodeCompleted } from '../../../framework/control-plane/offsets/metadata-encoder.ts'
import { memoryCluster } from '../../../framework/kafka/memory/client.ts'
import { createRuntime } from '../../../framework/runtime/create-runtime.ts'
import { resolveHandlers } from '../../../framework/runtime/resolve-handlers.ts'
import type { Runtime } from '../../../framework/runtime/runtime.ts'
import { blankLiterals } from '../../architecture/source-scan.ts'
import { recordedLog } from '../kafka/recorded-log.ts'
import { aRecord, Driver, failed, keyed, of, offsetsOf, range, TOPIC, timedOut } from './builders.ts'
import { World } from './group-member.ts'

const unordered = { route: { ordering: 'unordered' } } as const

/** A runtime as `pyrallel start` makes it, on the in-memory cluster, with every default. */
function defaultRuntime(run: (value: unknown) => unknown, partitions = 1) {
  const cluster = memoryCluster()
  for (const topic of ['orders', 'orders.billing.dlq']) cluster.createTopic(topic, partitions)
  const config = resolveConfig({ group: 'billing' }, 'pyrallel.config.ts')
  const definition = handler<unknown>('orders', (record) => run(record.value))
  const entry = { id: 'charge', file: 'handlers/charge.ts', topic: 'orders', group: null, handler: definition }
  const { log } = recordedLog()
  const runtime: Runtime = createRuntime({
    connection: cluster.connection(),
    handlers: resolveHandlers([entry], config),
    startFrom: 'earliest',
    limits: config.limits,
    commit: config.commit,
    shutdown: config.shutdown,
    log,
    seed: 1,
  })
  const put = (value: string, key: string | null = null) =>
    cluster.append({
      topic: 'orders',
      key: key === null ? null : Buffer.from(key),
      value: Buffer.from(value),
      headers: [],
    })
  const committed = () => cluster.group('billing').committed({ topic: 'orders', partition: 0 })?.position
  return { cluster, runtime, put, committed }
}

/** Looks again each millisecond: here the clock is the machine's, as it is for users. */
async function turnsUntil(isSo: () => boolean): Promise<void> {
  const end = performance.now() + 20_000
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`it was not so within 20 s: ${isSo}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

const renamed: Readonly<Record<string, string>> = { deadLetter: 'deadLetterTopic' }

/** Each option with the property that its resolved value has. What `resourceLimits` has is for Node to read. */
function propertiesOf(schema: TObject, prefix = ''): { readonly option: string; readonly property: string }[] {
  return Object.entries(schema.properties).flatMap(([key, property]) => {
    const option = `${prefix}${key}`
    if (Type.IsObject(property) && key !== 'resourceLimits') return propertiesOf(property, `${option}.`)
    return [{ option, property: 'duration' in property ? `${key}Ms` : (renamed[option] ?? key) }]
  })
}

/** Names of properties whose values are taken: behind a dot and not assigned, or in a pattern that takes an object apart. */
function readsIn(code: string): ReadonlySet<string> {
  const behindDots = [...code.matchAll(/\.\s*(\w+)\b(?!\s*=[^=>])/g)].map(([, name = '']) => name)
  const patterns = [...code.matchAll(/\{([^{}]*)\}\s*(?:=[^=>]|:\s*\w)/g)].flatMap(([, inside = '']) =>
    inside.split(','),
  )
  return new Set([...behindDots, ...patterns.map((part) => part.trim().split(/[\s:=]/)[0] ?? '')])
}

describe('faults of the predecessors', () => {
  it('position = highest seen instead of highest done when nothing is incomplete', () => {
    const driver = new Driver(unordered).assign(0, 0).poll(aRecord(0), aRecord(1))
    driver.endAll(driver.start())
    // Seen, but not taken in: the partition is about to go.
    driver.manager.startDraining([of(0)])
    driver.poll(aRecord(2), aRecord(3))
    assert.equal(driver.commit()?.position, 2)
  })

  it('metadata encoded against one base and committed with another', () => {
    const driver = new Driver(unordered).assign(0, 0).poll(...range(0, 10).map((offset) => aRecord(offset)))
    const items = driver.start()
    driver.endAll(items, [4, 5, 8])
    const [snapshot] = driver.manager.collectCommits()
    // While the commit is on its way the position moves on.
    driver.endAll(items, [0, 1, 2, 3])
    assert.equal(snapshot?.position, 0)
    assert.deepEqual(decodeCompleted(0, snapshot?.metadata ?? ''), {
      kind: 'completed',
      ranges: [
        { start: 4, end: 6 },
        { start: 8, end: 9 },
      ],
    })
    // And a text that does come with another base is not believed.
    assert.equal(decodeCompleted(4, snapshot?.metadata ?? '').kind, 'rejected')
  })

  it('revoke and re-assign to the same process keeps a stale work item', () => {
    const driver = new Driver(unordered).assign(0, 0).poll(aRecord(0), aRecord(1))
    const [running, failing] = driver.start()
    driver.end(failing, failed)
    driver.manager.onRevoked([of(0)])
    driver.assign(0, 0).poll(aRecord(0), aRecord(1))
    driver.end(running)
    driver.now += 60_000
    assert.deepEqual(driver.startOffsets(), [0, 1])
    assert.equal(driver.commit(), undefined)
  })

  it('first record skipped when metadata is empty', () => {
    for (const position of [0, 41]) {
      const driver = new Driver(unordered).assign(0, position, '').poll(aRecord(position), aRecord(position + 1))
      assert.deepEqual(driver.startOffsets(), [position, position + 1])
    }
  })

  it('partition never commits when its log starts above 0', () => {
    for (const position of [undefined, 0]) {
      const driver = new Driver(unordered).assign(0, position).poll(aRecord(1_000), aRecord(1_001))
      driver.endAll(driver.start())
      assert.equal(driver.commit()?.position, 1_002)
    }
  })

  it('a hole stops the position for ever', () => {
    const driver = new Driver(unordered).assign(0, 0).poll(aRecord(0), aRecord(3), aRecord(4), aRecord(90))
    const items = driver.start()
    driver.endAll(items, [3, 4])
    driver.endAll(items, [0])
    assert.equal(driver.commit()?.position, 90)
    driver.endAll(items, [90])
    assert.equal(driver.commit()?.position, 91)
  })

  it('sparse state restored but executed again', () => {
    const before = new Driver(unordered).assign(0, 0).poll(...range(0, 100).map((offset) => aRecord(offset)))
    before.endAll(
      before.start(),
      range(0, 100).filter((offset) => offset % 10 !== 3),
    )
    const { position, metadata } = before.commit()!
    const after = new Driver(unordered).assign(0, position, metadata)
    after.poll(...range(position, 100).map((offset) => aRecord(offset)))
    assert.deepEqual(after.startOffsets(), [3, 13, 23, 33, 43, 53, 63, 73, 83, 93])
  })

  it('an epoch that is always 1', () => {
    const driver = new Driver(unordered)
    const epochs = range(0, 5).map(() => {
      driver.assign(0, 0).poll(aRecord(0))
      const [item] = driver.start()
      driver.manager.onRevoked([of(0)])
      return item?.epoch
    })
    assert.equal(new Set(epochs).size, 5)
  })

  // "A worker crash or time-out in a micro-batch strands the items behind it" belongs to the worker engine: test/contract/worker-engine-faults.test.ts.

  it('a time-out marks a record done with neither retry nor dead letter', () => {
    const driver = new Driver().assign(0, 0).poll(aRecord(0))
    for (const attempt of [1, 2, 3]) {
      const [item] = driver.start()
      assert.deepEqual(item?.attempts, [attempt])
      driver.end(item, timedOut)
      assert.equal(driver.commit()?.position ?? 0, 0)
      driver.now += 60_000
    }
    assert.equal(driver.takeDeadLetter().failure.reason, 'timeout')
    assert.equal(driver.commit(), undefined)
  })

  it('retry queue grows without limit', async () => {
    const world = new World()
    const { poller, engine } = await world.member({ limits: { maxRecords: 40 } })
    await poller.start()
    for (const i of range(0, 1_000)) world.put(`k${i}`)
    for (let step = 0; step < 100; step += 1) {
      await world.pass(20, 20)
      engine.endAll({ kind: 'failed', failure: { ...failure, retryAfterMs: 3_600_000 } })
      const { records, retriesWaiting } = poller.manager.gauges()
      assert.ok(records <= 40 && retriesWaiting <= 40, `${retriesWaiting} retries wait`)
    }
    assert.equal(poller.manager.gauges().retriesWaiting, 40)
    await world.settled(poller.stop())
  })

  // What they hold while everything fails for a long time: everything-fails.test.ts.
  it('metrics grow without limit', () => {
    const driver = new Driver(unordered)
    for (let round = 0; round < 200; round += 1) {
      driver.assign(round, 0).poll(...range(0, 5).map((offset) => aRecord(offset, { partition: round })))
      const items = driver.start()
      driver.end(items[0], failed).manager.onRevoked([of(round)])
      for (const item of items.slice(1)) driver.end(item)
    }
    assert.deepEqual(new Set(Object.values(driver.manager.gauges())), new Set([0]))
    assert.deepEqual([driver.manager.assigned(), driver.manager.readings.metrics(0, () => undefined, 1_000)], [[], []])
  })

  it('consumer stays paused after a rebalance', async () => {
    const world = new World(2)
    const { poller, engine, events } = await world.member({ limits: { maxRecordsPerPartition: 8 } })
    await poller.start()
    for (const i of range(0, 30)) world.put(`k${i}`, 0)
    await world.until(() => events.some(({ kind }) => kind === 'partitions.paused'))
    const aborted = engine.running
    world.lose(0)
    await world.until(() => events.filter(({ kind }) => kind === 'partition.assigned').length === 3)
    for (const item of aborted) engine.end(item, failed)
    while ((world.committed(0) ?? 0) < 30) {
      await world.until(() => engine.inFlight > 0 || world.committed(0) === 30)
      engine.endAll()
    }
    await world.settled(poller.stop())
  })

  it('one slow commit kills the consumer', async () => {
    const world = new World()
    const { poller, engine, fatal, owned } = await world.member()
    await poller.start()
    world.put('a')
    await world.until(() => engine.inFlight === 1)
    world.cluster.delayCommits(60_000)
    engine.endAll()
    await world.pass(25_000, 20)
    world.put('b')
    await world.until(() => engine.inFlight === 1, 500)
    world.cluster.delayCommits(0)
    engine.endAll()
    await world.until(() => world.committed() === 2, 60_000)
    assert.deepEqual([fatal, owned()], [[], [0]])
    await world.settled(poller.stop())
  })

  it('`close()` that does not drain by default', async () => {
    let finish = () => {}
    const started: unknown[] = []
    const { runtime, put, committed } = defaultRuntime((value) => {
      started.push(value)
      return new Promise<void>((resolve) => {
        finish = resolve
      })
    })
    put('1')
    await runtime.start()
    await turnsUntil(() => started.length === 1)
    let hasStopped = false
    const stopped = runtime.stop().then(() => {
      hasStopped = true
    })
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate)
    assert.equal(hasStopped, false)
    finish()
    await stopped
    assert.equal(committed(), 1)
  })

  it('an undecodable record stops the partition', async () => {
    const handled: unknown[] = []
    const { cluster, runtime, put, committed } = defaultRuntime((value) => {
      handled.push(value)
    })
    put('1', 'a')
    put('{"cut', 'a')
    put('3', 'a')
    await runtime.start()
    await turnsUntil(() => handled.length === 2)
    await runtime.stop()
    assert.deepEqual([handled, committed()], [[1, 3], 3])
    const [letter, ...others] = cluster.log('orders.billing.dlq', 0).records
    assert.deepEqual([String(letter?.value), others], ['{"cut', []])
  })

  it("another tool's metadata kills the consumer on assignment", async () => {
    for (const metadata of ['bAAGNgA=', 'R101-105', 'AQAAAYyB', '\u0001\ufffd', 'x'.repeat(4_095), 'P1㐀']) {
      const world = new World()
      for (const key of ['a', 'b', 'c']) world.put(key)
      world.cluster.group('billing').commit({ topic: TOPIC, partition: 0 }, { position: 1, metadata })
      const { poller, engine, fatal, events } = await world.member()
      await poller.start()
      await world.until(() => engine.inFlight === 2)
      assert.deepEqual(offsetsOf(engine.running), [1, 2])
      engine.endAll()
      await world.until(() => world.committed() === 3)
      assert.deepEqual([fatal, events.filter(({ kind }) => kind === 'metadata.dropped').length], [[], 1])
      await world.settled(poller.stop())
    }
  })

  // Against a tenth of the work that the predecessor was measured with, and in turns, so that a busy machine slows both. What it is on a real
  // client: test/bench/throughput.bench.ts.
  it('overhead 30 times a plain loop on tiny handlers', async () => {
    const RECORDS = 2_000
    const handle = (value: unknown) => {
      let hash = String(value)
      for (let i = 0; i < 50; i += 1) hash = createHash('sha256').update(hash).digest('hex')
    }
    const ratios: number[] = []
    for (let round = 0; round < 3; round += 1) {
      let handled = 0
      const { cluster, runtime, put } = defaultRuntime((value) => {
        handle(value)
        handled += 1
      })
      for (const i of range(0, RECORDS)) put(`{"id":${i}}`, `k${i % 500}`)
      const bareStart = performance.now()
      const client = await cluster.connection().consumer({ group: 'bare', startFrom: 'earliest' })
      await client.subscribe(['orders'], { onAssigned() {}, async onRevoked() {}, onLost() {} })
      for (let seen = 0; seen < RECORDS; ) {
        const records = await client.poll(500, 20)
        for (const { value } of records) handle(JSON.parse(String(value)))
        seen += records.length
      }
      const bareMs = performance.now() - bareStart
      const start = performance.now()
      await runtime.start()
      await turnsUntil(() => handled === RECORDS)
      ratios.push((performance.now() - start) / bareMs)
      await runtime.stop()
    }
    assert.ok(Math.min(...ratios) < 5, `as long as a plain loop, times: ${ratios.map((ratio) => ratio.toFixed(1))}`)
  })

  it('options that nothing reads', () => {
    const root = fileURLToPath(new URL('../../..', import.meta.url))
    const source = (path: string) => blankLiterals(readFileSync(`${root}/${path}`, 'utf8'))
    const code = ['framework', 'cli']
      .flatMap((folder) =>
        readdirSync(`${root}/${folder}`, { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`),
      )
      // Those that describe options, check them and put their defaults in place do not use them.
      .filter(
        (path) =>
          path.endsWith('.ts') &&
          !/\/(config|settings)\.ts$|option|schema|resolve-|config-layers|cli\/config/.test(path),
      )
      .map(source)
      .join('\n')
    const reads = readsIn(code)
    const options = [...propertiesOf(configSchema), ...propertiesOf(handlerSchema)]
    assert.ok(options.length > 60)
    assert.deepEqual(
      options.filter(({ property }) => !reads.has(property)),
      [],
    )
  })

  it('two attempts of one key at once, when the first one failed', () => {
    const driver = new Driver().assign(0, 0).poll(keyed(0, 'a'), keyed(1, 'a'))
    driver.end(driver.start()[0], failed)
    assert.deepEqual(driver.startOffsets(), [])
    driver.now += 1_000
    assert.deepEqual(driver.startOffsets(), [0])
    assert.deepEqual(driver.startOffsets(), [])
  })
})

const failure = { reason: 'handler', name: 'Error', message: 'boom', retryable: true } as const
