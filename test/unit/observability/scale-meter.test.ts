import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { BindingLimit } from '../../../framework/model/snapshot.ts'
import type { GroupWork, HandlerWork, PartitionWork } from '../../../framework/model/workload.ts'
import { ScaleMeter } from '../../../framework/observability/scale-meter.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'

const SECOND = 1_000

/** One partition whose books are kept by hand: records come, and are done. */
class FakePartition {
  readonly partition: number
  /** No two partitions of a process have the same. */
  epoch: number
  logEnd: number | null
  backlog: number
  oldestAt: number | null = null

  constructor(partition: number, logEnd: number, backlog = 0) {
    this.partition = partition
    this.epoch = 100 * partition + 1
    this.logEnd = logEnd
    this.backlog = backlog
  }

  come(records: number): void {
    this.logEnd = (this.logEnd ?? 0) + records
    this.backlog += records
  }

  work(): PartitionWork {
    const { partition, epoch, logEnd, backlog, oldestAt } = this
    const waiting = { inFlight: 0, queued: backlog, startable: backlog, runnable: backlog, isFull: false, oldestAt }
    return { partition, epoch, logEnd, records: backlog, notArrived: logEnd === null ? null : 0, ...waiting }
  }
}

interface FakeHandler {
  readonly handlerId: string
  readonly partitions: FakePartition[]
  capacity: number
  threads: number | null
  inFlight: number
  busyMs: number
}

function aHandler(handlerId: string, partitions: FakePartition[], over: Partial<FakeHandler> = {}): FakeHandler {
  return { handlerId, partitions, capacity: 10, threads: null, inFlight: 0, busyMs: 0, ...over }
}

function workOf(of: FakeHandler): HandlerWork {
  const { handlerId, capacity, threads, inFlight, busyMs } = of
  const rest = { adaptiveLimit: null, rateLimit: null, isPaused: false, isIntakeHeld: false }
  const partitions = of.partitions.map((each) => each.work())
  return { handlerId, topic: handlerId, capacity, threads, inFlight, busyMs, ...rest, partitions }
}

/** `records` are done, each of which took so long. */
function finish(handler: FakeHandler, records: number, eachMs: number): void {
  for (const partition of handler.partitions) partition.backlog -= records / handler.partitions.length
  handler.busyMs += records * eachMs
}

function meter(t: { after(run: () => void): void }, groups: Record<string, FakeHandler[]>, drainTargetMs = 60_000) {
  const clock = new ManualClock()
  let loopBusyMs = 0
  const seen: number[] = []
  const work = (): GroupWork[] =>
    Object.entries(groups).map(([group, handlers]) => ({ group, handlers: handlers.map(workOf) }))
  const measured = new ScaleMeter({
    read: work,
    work: (mostPerKeyOf) => {
      seen.push(mostPerKeyOf('bill'))
      return work()
    },
    drainTargetMs,
    clock,
    loopBusyMs: () => loopBusyMs,
  })
  measured.start()
  t.after(() => {
    measured.stop()
    assert.equal(clock.pendingTimers, 0)
  })
  const everySecond = (seconds: number, run: (second: number) => void, loopPart = 0) => {
    for (let second = 1; second <= seconds; second += 1) {
      run(second)
      loopBusyMs += loopPart * SECOND
      clock.advance(SECOND)
    }
  }
  return { metrics: () => measured.metrics(), recent: () => measured.recent(), everySecond, clock, seen }
}

describe('the figures of scaling out', () => {
  it('are all in docs/operating.md, with each limit', (t) => {
    const page = readFileSync(new URL('../../../docs/operating.md', import.meta.url), 'utf8')
    const { metrics } = meter(t, { shop: [aHandler('bill', [])] })
    const [group] = metrics().groups
    const names = new Set([metrics(), group, group?.handlers[0]].flatMap((each) => Object.keys(each ?? {})))
    const limits: Record<BindingLimit, 0> = { slots: 0, loop: 0, keys: 0, partitions: 0, rate: 0, memory: 0, none: 0 }
    const missing = [...names].filter((name) => !page.includes(`\`${name}\``) && !page.includes(`"${name}"`))
    assert.deepEqual(missing, [])
    assert.deepEqual(
      Object.keys(limits).filter((limit) => !page.includes(`| \`${limit}\` |`)),
      [],
    )
  })

  it('are rates of the last minute, and the part of the slots that was in use', (t) => {
    const bill = aHandler('bill', [new FakePartition(0, 500), new FakePartition(1, 500)])
    const { metrics, everySecond } = meter(t, { shop: [bill] })
    everySecond(60, () => {
      for (const partition of bill.partitions) partition.come(20)
      finish(bill, 40, 50)
      bill.inFlight = 2
    })
    const { groups, ...all } = metrics()
    assert.deepEqual(all, {
      processesNeeded: 0.2,
      limit: 'none',
      backlog: 0,
      oldestAgeSeconds: 0,
      arrivalsPerSecond: 40,
      completionsPerSecond: 40,
      partitions: 2,
      slots: 10,
      utilisation: 0.2,
    })
    assert.equal(groups[0]?.handlers[0]?.secondsPerRecord, 0.05)
    everySecond(61, () => {})
    assert.deepEqual([metrics().arrivalsPerSecond, metrics().processesNeeded], [0, 0])
  })

  it('take no backlog that comes with a partition for arrivals, nor a log that was made anew for a backlog that went', (t) => {
    const bill = aHandler('bill', [new FakePartition(0, 500)])
    const { metrics, everySecond } = meter(t, { shop: [bill] })
    everySecond(20, (second) => {
      if (second === 10) bill.partitions.push(new FakePartition(1, 1_000_000, 50_000))
    })
    assert.equal(metrics().arrivalsPerSecond, 0)
    everySecond(20, (second) => {
      if (second === 10) Object.assign(bill.partitions[1] as object, { epoch: 2, logEnd: 10, backlog: 10 })
    })
    const { arrivalsPerSecond, completionsPerSecond, backlog } = metrics()
    assert.deepEqual(
      { arrivalsPerSecond, completionsPerSecond, backlog },
      { arrivalsPerSecond: 0, completionsPerSecond: 0, backlog: 10 },
    )
  })

  it('are made once a second for snapshots, however many are taken', (t) => {
    const { metrics, recent, clock, seen } = meter(t, { shop: [aHandler('bill', [new FakePartition(0, 0)])] })
    for (let taken = 0; taken < 10; taken += 1) recent()
    assert.equal(seen.length, 1)
    clock.advance(SECOND)
    recent()
    assert.equal(seen.length, 2)
    assert.deepEqual(recent(), metrics())
  })

  it('are made anew for each snapshot while the end of a log is not known', (t) => {
    const bill = aHandler('bill', [Object.assign(new FakePartition(0, 0), { logEnd: null })])
    const { recent } = meter(t, { shop: [bill] })
    assert.equal(recent().backlog, null)
    Object.assign(bill.partitions[0] as object, { logEnd: 5 })
    assert.equal(recent().backlog, 0)
  })

  it('conclude nothing from the first second', (t) => {
    const bill = aHandler('bill', [new FakePartition(0, 0)])
    const { metrics, everySecond } = meter(t, { shop: [bill] })
    everySecond(1, () => bill.partitions[0]?.come(150))
    assert.equal(metrics().arrivalsPerSecond, 10)
  })

  it('know what a record takes though the end of another log was never heard', (t) => {
    const [heard, unheard] = [new FakePartition(0, 0), new FakePartition(1, 0)]
    unheard.logEnd = null
    const bill = aHandler('bill', [heard, unheard])
    const { metrics, everySecond } = meter(t, { shop: [bill] })
    everySecond(60, () => {
      heard.come(10)
      heard.backlog = 0
      bill.busyMs += 1_000
    })
    assert.equal(metrics().groups[0]?.handlers[0]?.secondsPerRecord, 0.1)
  })

  it('keep what a record takes when none came for a minute, and ask for one process while it was never seen', (t) => {
    const bill = aHandler('bill', [new FakePartition(0, 0, 6_000)])
    const { metrics, everySecond, seen } = meter(t, { shop: [bill] })
    assert.deepEqual([metrics().processesNeeded, seen.at(-1)], [1, Number.POSITIVE_INFINITY])
    everySecond(10, () => finish(bill, 600, 100))
    everySecond(120, () => {})
    bill.partitions[0]?.come(12_000)
    assert.deepEqual([metrics().groups[0]?.handlers[0]?.secondsPerRecord, seen.at(-1)], [0.1, 600])
    assert.equal(metrics().processesNeeded, 1)
  })

  it('go by the drain target', (t) => {
    const needed = (drainTargetMs: number) => {
      const bill = aHandler(
        'bill',
        [0, 1, 2, 3].map((partition) => new FakePartition(partition, 30_000, 3_000)),
      )
      const { metrics, everySecond } = meter(t, { shop: [bill] }, drainTargetMs)
      everySecond(10, () => finish(bill, 100, 100))
      return metrics().processesNeeded
    }
    assert.deepEqual([needed(60_000), needed(120_000)], [1.834, 0.917])
  })

  it('say null, and not 0, where the end of a log is not known, and ask for the number of processes that there is', (t) => {
    const bill = aHandler('bill', [new FakePartition(0, 0), new FakePartition(1, 0)])
    const { metrics, everySecond } = meter(t, { shop: [bill] })
    Object.assign(bill.partitions[1] as object, { logEnd: null })
    everySecond(2, () => {})
    const { backlog, oldestAgeSeconds, processesNeeded } = metrics()
    assert.deepEqual(
      { backlog, oldestAgeSeconds, processesNeeded },
      { backlog: null, oldestAgeSeconds: null, processesNeeded: 1 },
    )
  })

  it('say how old the oldest record is that is not done', (t) => {
    const bill = aHandler('bill', [new FakePartition(0, 10, 1), new FakePartition(1, 10, 1)])
    const { metrics, clock } = meter(t, { shop: [bill] })
    for (const [index, partition] of bill.partitions.entries()) partition.oldestAt = clock.now() - index * 5_000
    assert.equal(metrics().oldestAgeSeconds, 5)
  })

  it('of a process without partitions ask for none', (t) => {
    const { metrics, everySecond } = meter(t, { shop: [aHandler('bill', [])] })
    everySecond(5, () => {})
    const { processesNeeded, backlog, partitions } = metrics()
    assert.deepEqual({ processesNeeded, backlog, partitions }, { processesNeeded: 0, backlog: 0, partitions: 0 })
  })

  it('of several groups are their sums, and the need of the handler that needs most, as each process has the slots of all', (t) => {
    const busy = aHandler(
      'bill',
      [0, 1, 2].map((partition) => new FakePartition(partition, 0)),
    )
    const calm = aHandler('mail', [new FakePartition(0, 0)])
    const { metrics, everySecond } = meter(t, { shop: [busy], post: [calm] })
    everySecond(60, () => {
      for (const { partitions } of [busy, calm]) for (const partition of partitions) partition.come(50)
      finish(busy, 150, 100)
      finish(calm, 50, 100)
    })
    const { processesNeeded, arrivalsPerSecond, slots, groups } = metrics()
    assert.deepEqual([processesNeeded, arrivalsPerSecond, slots], [1.5, 200, 20])
    assert.deepEqual(
      groups.map((each) => [each.group, each.processesNeeded]),
      [
        ['shop', 1.5],
        ['post', 0.5],
      ],
    )
  })

  it('count a thread as a slot, as it computes one record at a time, and as more where its handlers wait', (t) => {
    const computing = aHandler('bill', [new FakePartition(0, 0)], { capacity: 100, threads: 2 })
    const waiting = aHandler('mail', [new FakePartition(0, 0)], { capacity: 100, threads: 2 })
    const { metrics, everySecond } = meter(t, { shop: [computing, waiting] })
    everySecond(60, () => {
      for (const each of [computing, waiting]) each.partitions[0]?.come(15)
      finish(computing, 15, 100)
      finish(waiting, 15, 1_000)
    })
    const [bill, mail] = metrics().groups[0]?.handlers ?? []
    assert.deepEqual([bill?.slots, bill?.processesNeeded], [2, 0.75])
    assert.deepEqual([mail?.slots, mail?.processesNeeded], [15, 1])
  })

  it('ask for more where the event loop is busy all the time, though slots are free', (t) => {
    const bill = aHandler(
      'bill',
      [0, 1, 2, 3].map((partition) => new FakePartition(partition, 0)),
      { capacity: 100 },
    )
    const { metrics, everySecond } = meter(t, { shop: [bill] })
    const load = () => {
      for (const partition of bill.partitions) partition.come(5_000)
      finish(bill, 10_000, 0.1)
    }
    everySecond(30, load, 0.98)
    const { processesNeeded, limit } = metrics()
    assert.deepEqual([processesNeeded, limit], [2.45, 'loop'])
  })

  it('do not take what the event loop spends on polling for what records cost', (t) => {
    const bill = aHandler(
      'bill',
      [0, 1, 2, 3].map((partition) => new FakePartition(partition, 0)),
      { capacity: 100 },
    )
    const { metrics, everySecond } = meter(t, { shop: [bill] })
    const trickle = () => {
      for (const partition of bill.partitions) partition.come(1)
      finish(bill, 4, 1)
    }
    everySecond(60, trickle, 0.03)
    for (const partition of bill.partitions) partition.come(10_000)
    assert.ok(metrics().processesNeeded < 0.05, String(metrics().processesNeeded))
  })

  it('go on when a group has a new consumer, whose counts begin at 0', (t) => {
    const bill = aHandler('bill', [new FakePartition(0, 0)])
    const { metrics, everySecond } = meter(t, { shop: [bill] })
    const load = () => {
      bill.partitions[0]?.come(10)
      finish(bill, 10, 100)
    }
    everySecond(30, load)
    bill.busyMs = 0
    Object.assign(bill.partitions[0] as object, { epoch: 2 })
    everySecond(30, load)
    const seconds = metrics().groups[0]?.handlers[0]?.secondsPerRecord ?? 0
    assert.ok(seconds > 0.09 && seconds < 0.11, String(seconds))
  })
})
