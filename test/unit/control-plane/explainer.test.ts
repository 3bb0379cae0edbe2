/** Why records wait, as an operator asks it, and how much is looked at for an answer. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Surroundings } from '../../../framework/control-plane/explainer.ts'
import type { RecordExplanation } from '../../../framework/model/explanation.ts'
import {
  Driver,
  type DriverOptions,
  failed,
  HANDLER,
  interrupted,
  keyed,
  of,
  range,
  recalled,
  TOPIC,
} from './builders.ts'

const hopeless = { kind: 'failed', failure: { reason: 'handler', name: 'E', message: 'no', retryable: false } } as const

class Asked extends Driver {
  capacity = 1_000
  logEnd: number | undefined

  constructor(options?: DriverOptions) {
    super(options)
    this.assign(0, 0)
  }

  get around(): Surroundings {
    return { now: this.now, capacityOf: () => this.capacity, logEnd: () => this.logEnd }
  }

  ask(offset: number): RecordExplanation {
    const answer = this.manager.explainer.explain({ ...of(0), offset }, this.around)
    assert.ok(answer !== undefined)
    return answer
  }

  waits(offset: number): readonly string[] {
    return this.ask(offset).waitsFor.map(({ kind }) => kind)
  }
}

describe('why a record waits', () => {
  it('names the record of its key that comes first, and how many are before it', () => {
    const driver = new Asked().poll(keyed(0, 'a'), keyed(1, 'a'), keyed(2, 'a')) as Asked
    const [first] = driver.start()
    driver.end(first, failed)
    assert.deepEqual(driver.ask(2).waitsFor, [{ kind: 'record', offset: 0, state: 'waiting', attempt: 2, ahead: 2 }])
    const waiting = driver.ask(0)
    assert.deepEqual(waiting.waitsFor, [{ kind: 'retry', dueAt: 100, isPause: false }])
    assert.deepEqual([waiting.state, waiting.attempt, waiting.attempts, waiting.isBlocking], ['waiting', 2, 3, true])
    assert.equal(waiting.lastFailure?.message, 'boom')
    assert.deepEqual(waiting.record?.key, Buffer.from('a'))
  })

  it('says that slots are taken, or the adaptive limit, or that only its turn is missing', () => {
    const driver = new Asked({ route: { concurrency: 1 } }).poll(keyed(0, 'a'), keyed(1, 'b')) as Asked
    assert.deepEqual(driver.waits(1), ['turn'])
    driver.start()
    assert.deepEqual(driver.ask(1).waitsFor, [{ kind: 'slots', inFlight: 1, capacity: 1 }])
    assert.deepEqual([driver.ask(0).state, driver.waits(0)], ['in-flight', []])
    const adaptive = new Asked({ route: { adaptive: { min: 1, intervalMs: 50 } } })
    adaptive.poll(...range(0, 20).map((n) => keyed(n, `k${n}`))).start()
    assert.deepEqual(adaptive.ask(19).waitsFor, [{ kind: 'adaptive-limit', inFlight: 8, limit: 8 }])
  })

  it('says when a rate allows the next start, and asking does not change that', () => {
    const driver = new Asked({ route: { rateLimit: 10 } }).poll(keyed(0, 'a'), keyed(1, 'b')) as Asked
    assert.deepEqual(driver.startOffsets(), [0])
    for (const now of range(0, 50)) {
      driver.now = now
      assert.deepEqual(driver.ask(1).waitsFor, [{ kind: 'rate', perSecond: 10, nextAt: 100 }])
    }
    driver.now = 99
    assert.deepEqual(driver.startOffsets(), [])
    driver.now = 100
    assert.deepEqual(driver.waits(1), ['turn'])
    assert.deepEqual(driver.startOffsets(), [1])
  })

  it('says when a batch starts without others', () => {
    const driver = new Asked({ route: { batch: { size: 4, waitMs: 200 } } }).poll(keyed(0, 'a')) as Asked
    driver.start()
    assert.deepEqual(driver.ask(0).waitsFor, [{ kind: 'batch', size: 4, dueAt: 200 }])
  })

  it('says of records of a batch that failed that they run again in parts', () => {
    const driver = new Asked({ route: { batch: { size: 2, waitMs: 0 } } })
    driver.poll(...range(0, 4).map((n) => keyed(n, `k${n}`)))
    for (const item of driver.start()) driver.end(item, failed)
    assert.deepEqual(driver.ask(2).waitsFor, [{ kind: 'retry', dueAt: 100, isPause: true }])
  })

  it('says that the metadata leaves no room', () => {
    const driver = new Asked({ limits: { maxOffsetSpan: 2 } }).poll(
      ...range(0, 4).map((n) => keyed(n, `k${n}`)),
    ) as Asked
    const items = driver.start()
    driver.end(items[1]).end(items[2])
    driver.poll(keyed(4, 'x')).commit()
    const [wait] = driver.ask(4).waitsFor
    assert.deepEqual(wait?.kind === 'metadata' ? [wait.kind, wait.span] : wait, ['metadata', 3])
  })

  it('says that its dead letter is not acknowledged, and whether it was sent', () => {
    const driver = new Asked().poll(keyed(0, 'a')) as Asked
    driver.end(driver.start()[0], hopeless)
    assert.deepEqual(driver.ask(0).waitsFor, [{ kind: 'dead-letter', topic: 'orders.dlq', isSent: false }])
    driver.takeDeadLetter()
    assert.deepEqual(driver.ask(0).waitsFor, [{ kind: 'dead-letter', topic: 'orders.dlq', isSent: true }])
  })

  it('says that its handler is paused, its partition drains, its key is poisoned, or an earlier assignment is at work', () => {
    const poison = { threshold: 1, cooldownMs: 1_000 }
    const driver = new Asked({ route: { poison } }).poll(keyed(0, 'a'), keyed(1, 'a'), keyed(2, 'b')) as Asked
    const items = driver.start()
    driver.end(items[0], hopeless).manager.onDeadLettered(driver.takeDeadLetter())
    const [wait] = driver.ask(1).waitsFor
    assert.deepEqual(wait?.kind === 'poisoned' ? wait.until : wait, 1_000)
    driver.manager.pause(HANDLER)
    driver.manager.startDraining([of(0)])
    assert.deepEqual(driver.waits(1), ['draining', 'handler-paused', 'poisoned'])
    driver.manager.resume(HANDLER)
    driver.manager.onRevoked([of(0)])
    driver.assign(0, 2).poll(keyed(2, 'b'), keyed(3, 'b'))
    assert.deepEqual([driver.waits(2), driver.waits(3)], [['earlier-assignment'], ['earlier-assignment']])
    driver.end(items[1], interrupted)
    assert.deepEqual(driver.waits(2), ['turn'])
  })

  it('knows what is committed, done, done above a gap, a hole, not fetched, and not written', () => {
    const driver = new Asked().poll(...[0, 1, 2, 5, 6].map((n) => keyed(n, `k${n}`))) as Asked
    driver.logEnd = 9
    const items = driver.start()
    driver.end(items[0]).commit()
    driver.end(items[1]).end(items[3])
    const states = range(0, 11).map((offset) => driver.ask(offset).state)
    assert.deepEqual(states, [
      ...['committed', 'done', 'in-flight', 'hole', 'hole', 'done-above-gap', 'in-flight'],
      ...['not-fetched', 'not-fetched', 'not-written', 'not-written'],
    ])
    assert.deepEqual([driver.waits(7), driver.waits(9), driver.waits(5)], [['fetch'], [], []])
  })

  it("knows an earlier owner's completions from offsets that do not exist", () => {
    const first = new Asked().poll(...range(0, 6).map((n) => keyed(n, `k${n}`))) as Asked
    first.endAll(first.start(), [2, 3, 5])
    const { metadata = '' } = first.commit() ?? {}
    const next = new Driver().assign(0, 0, metadata).poll(...[0, 1, 2, 3].map((n) => keyed(n, `k${n}`)), keyed(7, 'x'))
    const around = { now: 0, capacityOf: () => 1, logEnd: () => 9 }
    const states = range(0, 9).map((offset) => next.manager.explainer.explain({ ...of(0), offset }, around)?.state)
    assert.deepEqual(states, [
      ...['queued', 'queued', 'done-above-gap', 'done-above-gap', 'hole', 'done-above-gap', 'hole', 'queued'],
      'not-fetched',
    ])
  })

  it('says that memory is full', () => {
    const driver = new Asked({ limits: { maxRecords: 4, maxRecordsPerPartition: 4 } })
    driver.poll(...range(0, 4).map((n) => keyed(n, `k${n}`)))
    assert.deepEqual(driver.ask(9).waitsFor[0], { kind: 'memory', limit: 'records', isHeld: true })
  })

  it('finds a key in whatever order its handler keeps', () => {
    for (const ordering of ['key', 'partition', 'unordered'] as const) {
      const driver = new Asked({ route: { ordering } }).poll(keyed(0, 'b'), keyed(1, 'a'), keyed(2, 'a')) as Asked
      const found = driver.manager.explainer.explainKey(TOPIC, Buffer.from('a'), driver.around)
      assert.deepEqual([found?.depth, found?.first?.offset, found?.isCut], [2, 1, false], ordering)
      assert.equal(driver.manager.explainer.explainKey(TOPIC, Buffer.from('z'), driver.around), undefined)
    }
  })
})

describe('a partition as runs', () => {
  it('shows each stretch of offsets once, without gaps, with when the first retry is due', () => {
    const driver = new Asked().poll(...[0, 1, 2, 5, 6, 7].map((n) => keyed(n, `k${n}`))) as Asked
    driver.logEnd = 12
    const items = driver.start()
    driver.end(items[0]).commit()
    driver.end(items[1]).end(items[3]).end(items[4], failed)
    driver.poll(keyed(8, 'k7'))
    const view = driver.manager.explainer.view(of(0), driver.around, { looks: 1_000, runs: 100 })
    assert.deepEqual(view?.runs, [
      { from: 0, to: 1, state: 'committed' },
      { from: 1, to: 2, state: 'done' },
      { from: 2, to: 3, state: 'in-flight' },
      { from: 3, to: 5, state: 'hole' },
      { from: 5, to: 6, state: 'done-above-gap' },
      { from: 6, to: 7, state: 'waiting', dueAt: 100 },
      { from: 7, to: 8, state: 'in-flight' },
      { from: 8, to: 9, state: 'queued' },
      { from: 9, to: 12, state: 'not-fetched' },
    ])
    assert.deepEqual([view?.runsAgain, view?.cutAt, view?.isSampled], [4, null, false])
  })

  it('counts what a crash would run again, beyond what fits into the metadata too', () => {
    const driver = new Asked({ maxMetadataLength: 14, route: { concurrency: 1_000 } })
    driver.poll(...range(0, 400).map((n) => keyed(n, `k${n}`)))
    const isDone = (n: number) => n % 7 === 3 || n % 11 === 5
    for (const item of driver.start()) driver.end(item, isDone(item.records[0]?.offset ?? 0) ? undefined : recalled)
    const commit = driver.commit()
    const view = driver.manager.explainer.view(of(0), driver.around, { looks: 1_000, runs: 1_000 })
    const next = new Driver({ route: { concurrency: 1_000 } }).assign(0, commit?.position, commit?.metadata)
    const again = next
      .poll(...range(0, 400).map((n) => keyed(n, `k${n}`)))
      .startOffsets()
      .filter(isDone)
    assert.ok(again.length > 10 && again.length < 90, `${again.length}`)
    assert.equal(view?.runsAgain, again.length)
  })

  it('looks at no more than it may for 1,000 partitions with 10,000 records, and says what it left out', () => {
    const driver = new Driver({ limits: { maxRecordsPerPartition: 100_000, maxRecords: 100_000 } })
    for (const partition of range(0, 1_000)) {
      driver.assign(partition, 0)
      driver.poll(...range(0, 10).map((n) => keyed(n, `k${n % 3}`, { partition })))
    }
    const around = { now: 0, capacityOf: () => 0, logEnd: () => undefined }
    const { explainer } = driver.manager
    const sketches = range(0, 60).map((n) => explainer.view(of(n), around, { looks: 4, runs: 4 }))
    assert.ok(sketches.every((each) => each?.isSampled === true && each.looked <= 4 && each.runs.length <= 4))
    const cut = explainer.view(of(0), around, { looks: 100, runs: 1 })
    assert.deepEqual([cut?.runs.length, cut?.cutAt], [1, null], 'all of it is one run')
    const keys = explainer.keys('depth', {}, 0, 50)
    assert.deepEqual([keys.rows.length, keys.looked, keys.isCut], [50, 10_000, false])
    assert.deepEqual([keys.rows[0]?.depth, keys.rows[0]?.key?.toString()], [4, 'k0'])
    assert.equal(explainer.keys('depth', { topic: TOPIC, partition: 7 }, 0, 50).looked, 10)
  })

  it('ends the list where it is full, and says where', () => {
    const driver = new Asked().poll(...range(0, 20).map((n) => keyed(n, `k${n}`))) as Asked
    driver.endAll(
      driver.start(),
      range(0, 20).filter((n) => n % 2 === 1),
    )
    const view = driver.manager.explainer.view(of(0), driver.around, { looks: 100, runs: 5 })
    assert.deepEqual([view?.runs.length, view?.runs.at(-1)?.to, view?.cutAt], [5, 5, 5])
  })

  it('lists keys by their oldest record, and cuts at 100,000 looks', () => {
    const driver = new Asked({ limits: { maxRecords: 200_000, maxRecordsPerPartition: 200_000 } })
    driver.poll(...range(0, 100_010).map((n) => keyed(n, `k${n % 50_000}`, { timestamp: 1_000_000 - n })))
    const keys = driver.manager.explainer.keys('age', {}, 0, 2)
    assert.deepEqual([keys.looked, keys.isCut], [100_000, true])
    assert.deepEqual(
      keys.rows.map(({ offset }) => offset),
      [49_994, 49_993],
    )
  })

  it('gives keys and retries the headers of their record, which may name the schema of the key', () => {
    const headers = [['__key_schema_id', Buffer.of(1)]] as const
    const driver = new Asked().poll({ ...keyed(0, 'k'), headers }) as Asked
    const [item] = driver.start()
    if (item !== undefined) driver.end(item, failed)
    const { explainer } = driver.manager
    assert.deepEqual(explainer.keys('depth', {}, 0, 1).rows[0]?.headers, headers)
    assert.deepEqual(explainer.retries(1).rows[0]?.headers, headers)
  })

  it('lists retries by when they are due, and looks at no others', () => {
    const driver = new Asked({ route: { concurrency: 1_000 } }).poll(
      ...range(0, 500).map((n) => keyed(n, `k${n}`)),
    ) as Asked
    for (const [index, item] of driver.start().entries()) {
      driver.now = (index * 37) % 500
      driver.end(item, failed)
    }
    const { rows, waiting, looked } = driver.manager.explainer.retries(10)
    assert.deepEqual(
      rows.map(({ dueAt }) => dueAt),
      range(100, 110),
    )
    assert.deepEqual([waiting, looked], [500, 10])
  })
})
