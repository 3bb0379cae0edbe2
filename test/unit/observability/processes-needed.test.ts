import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type HandlerDemand,
  type PartitionDemand,
  processesNeeded,
} from '../../../framework/observability/processes-needed.ts'

const DRAIN_SECONDS = 60

/** Nothing to do. */
function aPartition(over: Partial<PartitionDemand> = {}): PartitionDemand {
  return {
    partition: 0,
    epoch: 1,
    logEnd: 1_000,
    records: 0,
    notArrived: 0,
    inFlight: 0,
    queued: 0,
    startable: 0,
    runnable: 0,
    isFull: false,
    oldestAt: null,
    arrivalsPerSecond: 0,
    ...over,
  }
}

/** Ten slots, and 0.1 s a record: a process does 100 a second. */
function aHandler(partitions: readonly PartitionDemand[], over: Partial<HandlerDemand> = {}): HandlerDemand {
  return {
    slots: 10,
    inFlight: 0,
    utilisation: 0,
    secondsPerRecord: 0.1,
    adaptiveLimit: null,
    rateLimit: null,
    isPaused: false,
    isIntakeHeld: false,
    partitions,
    ...over,
  }
}

function four(over: Partial<PartitionDemand>): readonly PartitionDemand[] {
  return [0, 1, 2, 3].map((partition) => aPartition({ partition, ...over }))
}

function needOf(of: HandlerDemand, drainSeconds = DRAIN_SECONDS) {
  const { processesNeeded: needed, limit } = processesNeeded(of, drainSeconds)
  return { needed, limit }
}

describe('the number of processes that are needed', () => {
  it('is 0 without work, and without partitions', () => {
    assert.deepEqual(needOf(aHandler([aPartition()])), { needed: 0, limit: 'none' })
    assert.deepEqual(needOf(aHandler([])), { needed: 0, limit: 'none' })
  })

  it('of a load that just keeps up is one, whatever is in flight', () => {
    const busy = { records: 3, inFlight: 3, arrivalsPerSecond: 23.75 }
    assert.deepEqual(needOf(aHandler(four(busy), { inFlight: 10, utilisation: 1 })), { needed: 0.95, limit: 'none' })
  })

  it('of slow records that just keep up is one, too: what runs already is not asked for again', () => {
    const busy = { records: 10, inFlight: 10, arrivalsPerSecond: 0.158 }
    const { needed } = needOf(aHandler([aPartition(busy)], { inFlight: 10, utilisation: 1, secondsPerRecord: 60 }))
    assert.equal(needed, 0.948)
  })

  it('of a burst is what has it done in time, arrived or not', () => {
    // 18,000 records of 0.1 s in 60 s: 30 slots.
    const burst = { records: 1_500, queued: 1_500, startable: 900, runnable: 1_500, notArrived: 3_000 }
    const of = aHandler(four(burst), { inFlight: 10, utilisation: 1 })
    assert.deepEqual(needOf(of), { needed: 3, limit: 'slots' })
    assert.equal(needOf(of, 120).needed, 1.5)
  })

  it('does not grow with what waits for its own key, nor with what arrives behind it', () => {
    const stuck = { records: 5_000, queued: 4_999, arrivalsPerSecond: 100 }
    const waiting = aHandler([aPartition(stuck)])
    assert.deepEqual(needOf(waiting), { needed: 0.001, limit: 'keys' })
    const hot = aHandler([aPartition({ ...stuck, inFlight: 1, runnable: 600 })], { inFlight: 1, utilisation: 0.1 })
    assert.deepEqual(needOf(hot), { needed: 0.1, limit: 'keys' })
  })

  it('does not grow with what a stuck key keeps out of memory', () => {
    const stuck = {
      records: 10_000,
      queued: 9_999,
      inFlight: 1,
      isFull: true,
      notArrived: 1_000_000,
      arrivalsPerSecond: 200,
    }
    assert.deepEqual(needOf(aHandler([aPartition(stuck)], { inFlight: 1, utilisation: 0.1 })), {
      needed: 0.1,
      limit: 'keys',
    })
  })

  it('does not grow in an outage, with what records that wait for their retry keep out of memory', () => {
    const failing = { records: 10_000, notArrived: 1_000_000, arrivalsPerSecond: 500 }
    for (const held of [{ isFull: true }, {}]) {
      const of = aHandler([aPartition({ ...failing, ...held })], {
        utilisation: 0.2,
        isIntakeHeld: !('isFull' in held),
      })
      assert.deepEqual(needOf(of), { needed: 0.2, limit: 'memory' })
    }
  })

  it('grows where memory has room for few records only, as these are all that can run', () => {
    const large = { records: 2, inFlight: 2, isFull: true, notArrived: 1_000, arrivalsPerSecond: 0 }
    const of = aHandler(four(large), { inFlight: 2, utilisation: 0.2, isIntakeHeld: true })
    // 4,000 records of 0.1 s in 60 s are 6.7 at once; two have room.
    assert.deepEqual(needOf(of), { needed: 3.334, limit: 'memory' })
  })

  it('is at most one for each partition, as none is divided', () => {
    const burst = { records: 10_000, queued: 10_000, startable: 10_000, runnable: 10_000, notArrived: 90_000 }
    const of = aHandler([aPartition(burst), aPartition({ partition: 1 })], { inFlight: 10, utilisation: 1 })
    assert.deepEqual(needOf(of), { needed: 1, limit: 'partitions' })
  })

  it('does not grow beyond what there is with what a rate holds back, and does not shrink below it either', () => {
    const held = { records: 5_000, queued: 5_000, startable: 5_000, runnable: 5_000 }
    const of = aHandler(four(held), { rateLimit: 50, utilisation: 0.5 })
    assert.deepEqual(needOf({ ...of, secondsPerRecord: 0.01 }), { needed: 1, limit: 'rate' })
    const light = aHandler(four({ arrivalsPerSecond: 5 }), { rateLimit: 50, secondsPerRecord: 0.01 })
    assert.deepEqual(needOf(light), { needed: 0.4, limit: 'none' })
  })

  it('does not grow beyond what there is with what the adaptive limit holds back: the service is what saturates', () => {
    const held = { records: 5_000, queued: 5_000, startable: 5_000, runnable: 5_000 }
    const of = aHandler(four(held), { slots: 100, adaptiveLimit: 4, inFlight: 4, utilisation: 0.04 })
    assert.deepEqual(needOf(of), { needed: 1, limit: 'rate' })
    const light = aHandler(four({ arrivalsPerSecond: 5 }), { slots: 100, adaptiveLimit: 4 })
    assert.deepEqual(needOf(light), { needed: 0.5, limit: 'none' })
  })

  it('of a handler that is paused by hand is next to nothing, whatever waits for it', () => {
    const waiting = { records: 5_000, queued: 5_000, startable: 5_000, runnable: 5_000, arrivalsPerSecond: 100 }
    assert.deepEqual(needOf(aHandler(four(waiting), { isPaused: true })), { needed: 0.001, limit: 'none' })
    assert.equal(needOf(aHandler(four({}), { isPaused: true })).needed, 0)
  })

  it('is above 0 while anything is left: in flight, queued, waiting for a retry or a dead letter, not arrived', () => {
    for (const left of [{ records: 1, inFlight: 1 }, { records: 1 }, { notArrived: 1 }]) {
      assert.ok(needOf(aHandler([aPartition(left)])).needed > 0, JSON.stringify(left))
    }
  })

  it('is one where it is not known how much there is: the number that is there', () => {
    assert.equal(needOf(aHandler([aPartition({ logEnd: null, notArrived: null })])).needed, 1)
    const busy = { arrivalsPerSecond: 80, runnable: 6_000, records: 6_000, queued: 6_000, startable: 10 }
    const partly = [aPartition({ notArrived: null }), aPartition(busy), aPartition(busy)]
    assert.equal(needOf(aHandler(partly, { inFlight: 10, utilisation: 1 })).needed, 2)
  })

  it('has what waits for a thread that it was given to', () => {
    const given = { records: 100, inFlight: 100 }
    const of = aHandler([aPartition(given)], { slots: 2, inFlight: 100, utilisation: 1, secondsPerRecord: 1 })
    assert.equal(needOf(of).needed, 0.817)
  })

  it('is one where it is not known how long a record takes, unless there is none that could tell', () => {
    const burst = { records: 500, queued: 500, startable: 500, runnable: 500, notArrived: 100_000 }
    assert.equal(needOf(aHandler([aPartition(burst)], { secondsPerRecord: null })).needed, 1)
    assert.equal(needOf(aHandler([aPartition()], { secondsPerRecord: null })).needed, 0)
    const begun = aHandler([aPartition({ records: 1, inFlight: 1 })], { secondsPerRecord: null, inFlight: 1 })
    assert.equal(needOf(begun).needed, 1)
    const stuck = { records: 500, queued: 499 }
    assert.equal(needOf(aHandler([aPartition(stuck)], { secondsPerRecord: null })).needed, 0.001)
  })

  it('is rounded up to what an autoscaler can see', () => {
    assert.equal(needOf(aHandler([aPartition({ arrivalsPerSecond: 0.01 })])).needed, 0.001)
    assert.equal(needOf(aHandler([aPartition({ arrivalsPerSecond: 70 })])).needed, 0.7)
  })
})
