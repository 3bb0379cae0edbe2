/** When intake stops and starts: 100 % and 70 %, records and bytes, one partition and all of them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { IntakeGate, type LoadedPartition } from '../../../../framework/control-plane/flow/backpressure.ts'
import type { Limits } from '../../../../framework/model/settings.ts'
import { seededRandom } from '../../../../framework/runtime/seeded-random.ts'
import { of, someLimits, TOPIC } from '../builders.ts'

interface Part extends LoadedPartition {
  readonly load: { records: number; bytes: number }
}

function gateOf(limits: Partial<Limits>) {
  const gate = new IntakeGate(someLimits(limits))
  const part = (partition: number): Part => {
    let isPaused = false
    return {
      ...{ topic: TOPIC, partition, load: { records: 0, bytes: 0 } },
      get isPaused() {
        return isPaused
      },
      setPaused(now) {
        isPaused = now
      },
    }
  }
  const take = (to: Part, count: number, bytesEach = 1) => {
    for (let i = 0; i < count; i += 1) {
      to.load.records += 1
      to.load.bytes += bytesEach
      gate.onTaken(to, bytesEach)
    }
  }
  const assign = (count: number) => {
    const parts = Array.from({ length: count }, (_, partition) => part(partition))
    for (const each of parts) gate.onAssigned(each)
    return parts
  }
  const finish = (from: Part, count: number, bytesEach = 1) => {
    for (let i = 0; i < count; i += 1) {
      from.load.records -= 1
      from.load.bytes -= bytesEach
      gate.onDone(from, bytesEach)
    }
  }
  return { gate, part, assign, take, finish }
}

const none = { pause: [], resume: [] }

describe('IntakeGate', () => {
  it('polls for what there is room for, a quarter of the limit at most', () => {
    const { gate, part, take } = gateOf({ maxRecords: 100 })
    const p = part(0)
    assert.equal(gate.pollSize(), 25)
    take(p, 90)
    assert.equal(gate.pollSize(), 10)
    take(p, 10)
    assert.equal(gate.pollSize(), 0)
  })

  it('never polls for more than 500 records at once, and always for one', () => {
    assert.equal(gateOf({ maxRecords: 1e6, maxRecordsPerPartition: 1e6 }).gate.pollSize(), 500)
    assert.equal(gateOf({ maxRecords: 1, maxRecordsPerPartition: 1 }).gate.pollSize(), 1)
  })

  it('stops at 100 % of the records and goes on at 70 %, not before', () => {
    const { gate, part, take, finish } = gateOf({ maxRecords: 100 })
    const p = part(0)
    take(p, 99)
    assert.deepEqual([gate.isHeld, gate.heldBecause], [false, null])
    take(p, 1)
    assert.deepEqual([gate.isHeld, gate.heldBecause], [true, 'records'])
    finish(p, 29)
    assert.equal(gate.isHeld, true)
    finish(p, 1)
    assert.equal(gate.isHeld, false)
    assert.equal(gate.pollSize(), 25)
  })

  it('stops at 100 % of the bytes and goes on at 70 %', () => {
    const { gate, part, take, finish } = gateOf({ maxBytes: 1_000 })
    const p = part(0)
    take(p, 9, 100)
    assert.equal(gate.isHeld, false)
    take(p, 1, 100)
    assert.deepEqual([gate.isHeld, gate.heldBecause], [true, 'bytes'])
    finish(p, 2, 100)
    assert.equal(gate.isHeld, true)
    finish(p, 1, 100)
    assert.equal(gate.isHeld, false)
  })

  it('is held while either of them is above 70 %', () => {
    const { gate, part, take, finish } = gateOf({ maxRecords: 100, maxBytes: 1_000 })
    const [light, heavy] = [part(0), part(1)]
    take(light, 100, 0)
    take(heavy, 1, 800)
    finish(light, 100, 0)
    assert.equal(gate.isHeld, true)
    finish(heavy, 1, 800)
    assert.equal(gate.isHeld, false)
  })

  it('lets one record in that is larger than the limit, and nothing beside it', () => {
    const { gate, part, take, finish } = gateOf({ maxBytes: 1_000 })
    const p = part(0)
    take(p, 1, 5_000)
    assert.equal(gate.pollSize(), 0)
    finish(p, 1, 5_000)
    assert.ok(gate.pollSize() > 0)
  })

  it('counts all partitions together', () => {
    const { gate, part, take } = gateOf({ maxRecords: 100 })
    take(part(0), 50, 2)
    take(part(1), 50, 3)
    assert.deepEqual(gate.load, { records: 100, bytes: 250 })
    assert.equal(gate.isHeld, true)
  })

  it('pauses one partition as soon as one more poll might not fit, and resumes it at 70 % of that', () => {
    const { gate, part, take, finish } = gateOf({ maxRecordsPerPartition: 100 })
    const [hot, cold] = [part(0), part(1)]
    take(cold, 1)
    take(hot, 75)
    assert.deepEqual(gate.takeChange(), none)
    take(hot, 1)
    assert.deepEqual(gate.takeChange(), { pause: [of(0)], resume: [] })
    assert.deepEqual([gate.isHeld, gate.reasonFor(hot), gate.reasonFor(cold)], [false, 'records', null])
    assert.deepEqual(gate.takeChange(), none)
    finish(hot, 22)
    assert.deepEqual(gate.takeChange(), none)
    finish(hot, 1)
    assert.deepEqual(gate.takeChange(), { pause: [], resume: [of(0)] })
  })

  it('pauses one partition by its bytes', () => {
    const { gate, part, take, finish } = gateOf({ maxBytesPerPartition: 1_000 })
    const [hot, cold] = [part(0), part(1)]
    take(cold, 9, 100)
    take(hot, 10, 100)
    assert.deepEqual(gate.takeChange(), { pause: [of(0)], resume: [] })
    assert.equal(gate.reasonFor(hot), 'bytes')
    finish(hot, 3, 100)
    assert.deepEqual(gate.takeChange(), { pause: [], resume: [of(0)] })
  })

  it('tells nothing of a change that was undone before anybody asked', () => {
    const { gate, part, take, finish } = gateOf({ maxBytesPerPartition: 1_000 })
    const p = part(0)
    take(p, 10, 100)
    finish(p, 5, 100)
    assert.deepEqual(gate.takeChange(), none)
    take(p, 5, 100)
    assert.deepEqual(gate.takeChange(), { pause: [of(0)], resume: [] })
    finish(p, 5, 100)
    take(p, 5, 100)
    assert.deepEqual(gate.takeChange(), none)
  })

  it('gives up the load of a partition that is gone, and tells no change of it', () => {
    const { gate, part, take } = gateOf({ maxRecords: 100, maxBytesPerPartition: 50 })
    const [gone, kept] = [part(0), part(1)]
    take(gone, 70)
    take(kept, 30)
    assert.equal(gate.isHeld, true)
    gate.onDropped(gone)
    assert.deepEqual(gate.load, { records: 30, bytes: 30 })
    assert.equal(gate.isHeld, false)
    assert.deepEqual(gate.takeChange(), none)
  })
})

describe('shares of partitions', () => {
  const limits = { maxRecords: 10_000, maxRecordsPerPartition: 8_000 }

  it('leave everything up to its limit to a partition that is alone', () => {
    const { gate, assign, take } = gateOf(limits)
    const [alone] = parts(assign(1))
    take(alone, 7_500)
    assert.equal(alone.isPaused, false)
    take(alone, 1)
    assert.equal(alone.isPaused, true)
    assert.deepEqual(gate.takeChange().pause, [{ topic: TOPIC, partition: 0 }])
  })

  it('keep a part for each of the others, and leave the next one half of the rest', () => {
    const { gate, assign, take } = gateOf(limits)
    const [a, b, c] = parts(assign(4))
    take(a, 3_500)
    assert.equal(a.isPaused, false)
    take(a, 1)
    assert.equal(a.isPaused, true)
    take(b, 2_374)
    assert.equal(b.isPaused, false)
    take(b, 1)
    assert.equal(b.isPaused, true)
    take(c, 1_700)
    assert.deepEqual([c.isPaused, gate.isHeld], [false, false])
  })

  it('shrink for one whose own records do not move, once little is left to share', () => {
    const { gate, assign, take } = gateOf(limits)
    const [a, b, c] = parts(assign(4))
    take(a, 2_000)
    take(b, 2_700)
    take(c, 2_850)
    assert.equal(a.isPaused, false)
    gate.takeChange()
    assert.equal(a.isPaused, true)
  })

  it('grow again for one whose own records do not move, once others have made room', () => {
    const { gate, assign, take, finish } = gateOf(limits)
    const [a, b] = parts(assign(4))
    take(b, 3_501)
    take(a, 2_376)
    gate.takeChange()
    assert.deepEqual([a.isPaused, b.isPaused], [true, true])
    finish(b, 1_020)
    assert.deepEqual(gate.takeChange().resume, [])
    finish(b, 1)
    assert.deepEqual(gate.takeChange().resume, [{ topic: TOPIC, partition: 0 }])
  })

  it('do not forget a paused partition that is given up', () => {
    const { gate, assign, take } = gateOf(limits)
    const [a, b] = parts(assign(2))
    take(a, 6_000)
    gate.takeChange()
    gate.onDropped(a)
    assert.deepEqual(gate.takeChange(), none)
    take(b, 7_500)
    assert.equal(b.isPaused, false)
  })

  it('are divided by bytes, too', () => {
    const { gate, assign, take } = gateOf({ maxBytes: 8_000, maxBytesPerPartition: 8_000 })
    const [a, b] = parts(assign(2))
    take(a, 39, 100)
    assert.equal(a.isPaused, false)
    take(a, 1, 100)
    assert.equal(a.isPaused, true)
    take(b, 2, 1_000)
    assert.deepEqual([b.isPaused, gate.isHeld, gate.pollSize() > 0], [false, false, true])
  })

  it('ask for fewer records when those in memory are large', () => {
    const { gate, assign, take } = gateOf({ ...limits, maxBytes: 1_000_000, maxBytesPerPartition: 1_000_000 })
    const [a] = parts(assign(2))
    assert.equal(gate.pollSize(), 500)
    take(a, 10, 10_000)
    assert.equal(gate.pollSize(), 18)
  })

  it('never let standing partitions take what is another one’s own, whatever polls bring', () => {
    const random = seededRandom(1)
    for (const count of [2, 5, 31, 200]) {
      const { gate, assign, take, finish } = gateOf(limits)
      const all = assign(count)
      const last = all.at(-1) as Part
      for (let poll = 0; poll < 3_000; poll += 1) {
        gate.takeChange()
        const size = gate.pollSize()
        assert.ok(size > 0 && !last.isPaused, `${count} partitions, poll ${poll}: nothing may come of the last one`)
        const open = all.filter((each) => each !== last && !each.isPaused)
        const from = open[Math.floor(random() * open.length)]
        if (from !== undefined) take(from, Math.ceil(random() * size))
        assert.ok(gate.load.records <= limits.maxRecords)
        take(last, Math.min(2, size))
        finish(last, last.load.records)
      }
    }
  })
})

/** As many as the test takes out of them are there. */
function parts(all: readonly Part[]): [Part, Part, Part] {
  return all as unknown as [Part, Part, Part]
}
