import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parseLedger } from '../../bench/matrix/measure-recovery.ts'
import { Meter, nowUs, sharedCounts } from '../../bench/peers/meter.ts'
import type { BenchValue, PeerSettings } from '../../bench/peers/protocol.ts'

function settings(changes: Partial<PeerSettings> = {}): PeerSettings {
  return {
    mode: 'consume',
    brokers: '',
    topic: '',
    group: '',
    partitions: 1,
    keys: 4,
    concurrency: 1,
    cores: 1,
    work: 'none',
    warmUpRecords: 0,
    warmUpMs: 0,
    lastRecord: 1,
    limitMs: 1,
    commitMs: 1,
    stuckKey: false,
    latency: false,
    outputs: '',
    sinceLog: false,
    ledger: '',
    packages: '',
    librdkafka: {},
    workMin: 0,
    workMax: 0,
    ...changes,
  }
}

function meterWith(changes: Partial<PeerSettings> = {}): Meter {
  const all = settings(changes)
  return new Meter(all, sharedCounts(all))
}

function value(k: number, n: number, changes: Partial<BenchValue> = {}): BenchValue {
  return { i: 0, k, n, w: 0, t: 0, ...changes }
}

describe('the meter of a peer', () => {
  it('counts records that are done, and finds no fault with keys that interleave', () => {
    const meter = meterWith()
    assert.equal(meter.hasStarted, false)
    meter.begin(value(0, 1))
    meter.begin(value(1, 1))
    assert.equal(meter.hasStarted, true)
    meter.end(value(1, 1))
    meter.begin(value(1, 2))
    meter.end(value(0, 1))
    meter.end(value(1, 2))
    assert.deepEqual(meter.result(3, 5), {
      kind: 'done',
      done: 3,
      measured: 3,
      elapsedMs: 5,
      violations: 0,
      repeats: 0,
      latency: [],
    })
  })

  it('finds a record that begins while another of its key runs', () => {
    const meter = meterWith()
    meter.begin(value(2, 1))
    meter.begin(value(2, 2))
    assert.equal(meter.result(0, 0).violations, 1)
  })

  it('finds a record that begins before one that comes before it', () => {
    const meter = meterWith()
    meter.begin(value(2, 2))
    assert.equal(meter.result(0, 0).violations, 1)
  })

  it('counts a record that runs again, which is allowed', () => {
    const meter = meterWith()
    for (let time = 0; time < 2; time += 1) {
      meter.begin(value(1, 1))
      meter.end(value(1, 1))
    }
    const { violations, repeats } = meter.result(0, 0)
    assert.deepEqual([violations, repeats], [0, 1])
  })

  it('takes a record without a number as a sign that the topic is being read, and as nothing else', () => {
    const meter = meterWith()
    meter.begin(value(-1, 0))
    meter.end(value(-1, 0))
    assert.deepEqual([meter.hasStarted, meter.done], [true, 0])
  })

  it('shares its counts with another meter on the same memory', () => {
    const all = settings()
    const shared = sharedCounts(all)
    const [main, thread] = [new Meter(all, shared), new Meter(all, shared)]
    thread.begin(value(0, 1))
    main.begin(value(0, 2))
    thread.end(value(0, 1))
    assert.deepEqual([main.done, main.result(0, 0).violations], [1, 1])
  })

  it('counts latency from the intended time, and forgets that of the warm-up', () => {
    const meter = meterWith({ latency: true })
    meter.end(value(0, 1, { t: nowUs() - 50_000 }))
    meter.forgetLatencies()
    assert.deepEqual(meter.result(0, 0).latency, [])
    meter.end(value(0, 2, { t: nowUs() - 50_000 }))
    assert.equal(meter.result(0, 0).latency.length, 1)
  })

  it('writes each record that is done to the ledger, and then lets keys begin anywhere', () => {
    const directory = mkdtempSync(join(tmpdir(), 'pyrallel-bench-'))
    try {
      const ledger = join(directory, 'ledger')
      const meter = meterWith({ ledger })
      meter.begin(value(0, 7))
      meter.end(value(0, 7, { i: 70 }))
      meter.close()
      const entries = parseLedger(readFileSync(ledger, 'utf8'))
      assert.deepEqual(
        entries.map(({ record }) => record),
        [70],
      )
      assert.equal(meter.result(0, 0).violations, 0)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})
