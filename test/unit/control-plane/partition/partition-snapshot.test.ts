import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { KafkaRecord } from '../../../../framework/model/record.ts'
import type { PartitionMetrics } from '../../../../framework/model/snapshot.ts'
import { aFailure, aRecord, Driver, type DriverOptions, keyed, range } from '../builders.ts'

/** A member whose partition 0 is seen as an operator sees it. */
class Observed extends Driver {
  logEnd: number | undefined = 1_000

  constructor(options: DriverOptions = {}) {
    super(options)
    this.assign(0, 100)
  }

  take(...records: readonly KafkaRecord[]): this {
    this.manager.onPolled(records, this.now)
    return this
  }

  see(): PartitionMetrics {
    const [metrics] = this.manager.readings.metrics(this.now, () => this.logEnd, 10)
    return metrics ?? assert.fail('no partition is assigned')
  }
}

const records = (from: number, end: number) => range(from, end).map((offset) => keyed(offset, `k${offset}`))

describe('the snapshot of a partition', () => {
  it('is empty where nothing has arrived, and still knows its lag', () => {
    const { epoch, ...metrics } = new Observed().see()
    assert.ok(epoch > 0)
    assert.deepEqual(metrics, {
      topic: 'orders',
      partition: 0,
      position: 100,
      committedPosition: 100,
      nextOffset: 100,
      logEnd: 1_000,
      logEndAgeMs: null,
      trueLag: 900,
      records: 0,
      bytes: 0,
      inFlight: 0,
      queued: 0,
      retriesWaiting: 0,
      parked: 0,
      delayed: 0,
      deadLettersWaiting: 0,
      gaps: { offsets: 0, stretches: 0, span: 0 },
      blocking: null,
      metadataUsed: 0,
      metadataLimit: 4_095,
      pausedBecause: null,
      isDraining: false,
      isTight: false,
      isRefused: false,
      openBreakers: 0,
      openBreakerKeys: [],
      ribbon: { from: 100, to: 100, cells: '' },
    })
  })

  it('says null for what is not known, and not zero', () => {
    const member = new Observed()
    member.logEnd = undefined
    assert.deepEqual([member.see().logEnd, member.see().trueLag], [null, null])
    const fresh = new Driver().assign()
    const [metrics] = fresh.manager.readings.metrics(0, () => 50, 10)
    assert.deepEqual([metrics?.position, metrics?.committedPosition, metrics?.trueLag], [null, null, null])
  })

  it('has no lag where nothing was ever written, though there is no position yet', () => {
    const [metrics] = new Driver().assign().manager.readings.metrics(0, () => 0, 10)
    assert.deepEqual([metrics?.position, metrics?.trueLag], [null, 0])
  })

  it('tells that it stands, from the refusal of its commit to the next one that is acknowledged', () => {
    const member = new Observed()
    member.take(...records(100, 102))
    const [first] = member.start(1)
    member.end(first, { kind: 'succeeded' })
    const [commit] = member.manager.collectCommits()
    assert.ok(commit)
    member.manager.onCommitRefused(commit)
    assert.equal(member.see().isRefused, true)
    member.manager.onCommitted([commit])
    assert.equal(member.see().isRefused, false)
  })

  it('tells where each record stands: in flight, queued, waiting for a retry, waiting for a dead letter', () => {
    const member = new Observed({
      route: { retry: { attempts: 2, backoff: 'fixed', minMs: 50, maxMs: 50, jitter: false } },
    })
    member.take(...records(100, 106))
    const [first, second] = member.start(4)
    member.end(first, { kind: 'failed', failure: aFailure() })
    member.end(second, { kind: 'failed', failure: aFailure({ retryable: false }) })
    const { inFlight, queued, retriesWaiting, deadLettersWaiting, records: all } = member.see()
    assert.deepEqual(
      { inFlight, queued, retriesWaiting, deadLettersWaiting, all },
      {
        inFlight: 2,
        queued: 2,
        retriesWaiting: 1,
        deadLettersWaiting: 1,
        all: 6,
      },
    )
    member.now = 50
    member.start(0)
    assert.equal(member.see().retriesWaiting, 0, 'a retry that is due is queued again')
    assert.equal(member.see().queued, 3)
  })

  it('forgets retries with their assignment', () => {
    const member = new Observed()
    member.take(...records(100, 101))
    member.end(member.start()[0], { kind: 'failed', failure: aFailure() })
    member.manager.onRevoked([{ topic: 'orders', partition: 0 }])
    member.assign(0, 100)
    assert.equal(member.see().retriesWaiting, 0)
  })

  it('names the blocking record: offset, key, state, attempt, age, last error', () => {
    const member = new Observed()
    member.now = 1_000
    member.take(...records(100, 103))
    const items = member.start()
    member.now = 4_000.4
    member.endAll(items, [101, 102])
    assert.deepEqual(member.see().blocking, {
      offset: 100,
      key: 'k100',
      state: 'in-flight',
      attempt: 1,
      ageMs: 3_000,
      unpausedMs: 3_000,
      lastError: null,
    })
    member.end(items[0], { kind: 'failed', failure: aFailure({ name: 'TypeError', message: 'm'.repeat(999) }) })
    assert.deepEqual(member.see().blocking, {
      offset: 100,
      key: 'k100',
      state: 'waiting',
      attempt: 2,
      ageMs: 3_000,
      unpausedMs: 3_000,
      lastError: { reason: 'handler', name: 'TypeError', message: 'm'.repeat(200) },
    })
  })

  it('counts the age of a blocking record from when the position came to it', () => {
    const member = new Observed()
    member.now = 1_000
    member.take(...records(100, 102))
    const items = member.start()
    member.now = 9_000
    member.endAll(items, [100])
    assert.equal(member.see().blocking?.ageMs, 0)
    member.now = 9_500
    assert.equal(member.see().blocking?.ageMs, 500)
  })

  it('tells beside the age how long no pause by hand was to blame: nothing while it is paused, and from the resume on', () => {
    const member = new Observed()
    member.now = 1_000
    member.take(...records(100, 101))
    const timesAt = (now: number) => {
      member.now = now
      const { ageMs, unpausedMs } = member.see().blocking ?? assert.fail('nothing blocks')
      return [ageMs, unpausedMs]
    }
    assert.deepEqual(timesAt(3_000), [2_000, 2_000])
    member.manager.pause('charge')
    assert.deepEqual(timesAt(9_000), [8_000, 0])
    member.take(...records(101, 102))
    member.manager.resume('charge')
    assert.deepEqual(timesAt(9_500), [8_500, 500])
  })

  it('counts the age from the arrival where the position had been waiting for records', () => {
    const member = new Observed()
    member.now = 1_000
    member.take(...records(100, 101))
    member.endAll(member.start())
    member.now = 60_000
    member.take(...records(101, 102))
    member.now = 60_010
    assert.equal(member.see().blocking?.ageMs, 10)
  })

  it('counts the age from the acknowledgement of the dead letter that let the position move', () => {
    const member = new Observed()
    member.take(...records(100, 102))
    member.end(member.start(1)[0], { kind: 'failed', failure: aFailure({ retryable: false }) })
    const request = member.takeDeadLetter()
    member.manager.onDeadLettered(request, 7_000)
    member.now = 7_250
    assert.deepEqual([member.see().blocking?.offset, member.see().blocking?.ageMs], [101, 250])
  })

  it('cuts long keys between characters, and has those that are no text in base64', () => {
    const keyOf = (key: Buffer | null) => new Observed().take(aRecord(100, { key })).see().blocking?.key
    assert.equal(keyOf(Buffer.from('ä'.repeat(32))), 'ä'.repeat(32))
    assert.equal(keyOf(Buffer.from(`a${'ä'.repeat(40)}`)), `a${'ä'.repeat(31)}…`)
    assert.equal(keyOf(Buffer.alloc(0)), '')
    assert.equal(keyOf(null), null)
    assert.equal(keyOf(Buffer.from([0xff, 0x41])), '/0E=')
    assert.equal(keyOf(Buffer.from('00000000078001', 'hex')), 'AAAAAAeAAQ==')
  })

  it('does not cut an error message into half a character', () => {
    const member = new Observed().take(aRecord(100))
    const message = `${'m'.repeat(199)}😀`
    member.end(member.start()[0], { kind: 'failed', failure: aFailure({ message }) })
    assert.equal(member.see().blocking?.lastError?.message, `${'m'.repeat(199)}\uFFFD`)
  })

  it('counts gaps: offsets, stretches, span', () => {
    const member = new Observed()
    member.take(...records(100, 110))
    member.endAll(member.start(), [101, 102, 105, 109])
    assert.deepEqual(member.see().gaps, { offsets: 4, stretches: 3, span: 10 })
  })

  it('draws the offsets: done and not committed, running, waiting, gaps', () => {
    const member = new Observed()
    member.take(...records(100, 108))
    const items = member.start(6)
    member.endAll(items, [100, 101, 104])
    member.end(items[3], { kind: 'failed', failure: aFailure() })
    assert.deepEqual(member.see().ribbon, { from: 100, to: 108, cells: 'ddrxgrww' })
    member.commit()
    assert.deepEqual(member.see().ribbon, { from: 102, to: 108, cells: 'rxgrww' })
  })

  it('draws many offsets in 48 cells, and lets what needs a look win', () => {
    const member = new Observed({ route: { concurrency: 1_000 } })
    member.take(...records(100, 580))
    const items = member.start()
    member.endAll(
      items,
      range(101, 580).filter((offset) => offset !== 305),
    )
    const { cells, from, to } = member.see().ribbon
    assert.deepEqual([from, to, cells.length], [100, 580, 48])
    assert.equal(cells, `r${'g'.repeat(19)}r${'g'.repeat(27)}`)
  })

  it('says which limit paused the partition', () => {
    const limits = { maxRecordsPerPartition: 40, maxRecords: 1_000, maxBytesPerPartition: 1e6 }
    const byRecords = new Observed({ limits })
    assert.equal(byRecords.take(...records(100, 140)).see().pausedBecause, 'records')
    const byBytes = new Observed({ limits })
    assert.equal(byBytes.take(aRecord(100, { value: Buffer.alloc(1e6) })).see().pausedBecause, 'bytes')
  })

  it('says that the partition is draining', () => {
    const member = new Observed()
    member.manager.startDraining([{ topic: 'orders', partition: 0 }])
    assert.equal(member.see().isDraining, true)
  })

  it('is bounded in its number, and changes nothing', () => {
    const member = new Observed()
    member.assign(1, 0).assign(2, 0)
    assert.equal(member.manager.readings.metrics(0, () => 0, 2).length, 2)
    member.take(...records(100, 105))
    member.endAll(member.start(), [103])
    const seen = JSON.stringify(member.see())
    assert.equal(JSON.stringify(member.see()), seen)
    assert.deepEqual(JSON.parse(seen), member.see(), 'JSON keeps all of it')
  })
})

describe('the reason why intake is held', () => {
  it('is the limit that was reached, and null once there is room', () => {
    const member = new Observed({ limits: { maxRecords: 20 } })
    assert.equal(member.manager.heldBecause, null)
    member.take(...records(100, 120))
    assert.equal(member.manager.heldBecause, 'records')
    member.endAll(member.start())
    assert.equal(member.manager.heldBecause, null)
    const large = new Observed({ limits: { maxBytes: 1_000 } })
    large.take(aRecord(100, { value: Buffer.alloc(2_000) }))
    assert.equal(large.manager.heldBecause, 'bytes')
  })
})
