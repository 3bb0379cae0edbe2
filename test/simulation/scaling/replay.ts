/**
 * Replays a load in front of processes that an autoscaler starts and ends, second by second: what the rule of `/scale` leads to, beside what KEDA's
 * `kafka` scaler would decide of the same group. The figures are those of the real meter; records, processes and time are made up. Deterministic.
 */
import type { HandlerWork } from '../../../framework/model/workload.ts'
import { ScaleMeter } from '../../../framework/observability/scale-meter.ts'
import { seededRandom } from '../../../framework/runtime/seeded-random.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { Autoscaler, SYNC_SECONDS } from './autoscaler.ts'
import type { Load } from './loads.ts'
import { ReplayedPartition } from './replayed-partition.ts'

const PARTITIONS = 16
const SLOTS = 10
const RECORD_SECONDS = 0.25
const PER_SLOT = 1 / RECORD_SECONDS
const PER_PROCESS = SLOTS * PER_SLOT
const DRAIN_SECONDS = 60
/** From being asked for to having partitions. */
const START_SECONDS = 10
/** A partition that moves is with nobody for so long. */
const MOVE_SECONDS = 2
/** What one process does in the time in which a backlog is to be done: the best that one can tell a scaler that goes by lag. */
export const LAG_THRESHOLD = PER_PROCESS * DRAIN_SECONDS

export const scalers = ['processesNeeded', 'kafka', 'kafka, excludePersistentLag'] as const
export type Scaler = (typeof scalers)[number]

export interface Outcome {
  /** Of each second: how many processes there were. */
  readonly processes: readonly number[]
  /** And how much was not done. */
  readonly backlogs: readonly number[]
  /** How often the number of processes was changed. */
  readonly changes: number
  /** Of what has run, the longest wait but for records of a key that was held. Seconds. */
  readonly longestWait: number
}

class Process {
  readonly startedAt: number
  readonly partitions: ReplayedPartition[] = []
  readonly meter: ScaleMeter
  #busyMs = 0
  #done = 0

  constructor(startedAt: number, clock: ManualClock, isHeld: (key: number) => boolean) {
    this.startedAt = startedAt
    const work = (mostPerKey: number): HandlerWork => ({
      handlerId: 'bill',
      topic: 'bill',
      capacity: SLOTS,
      adaptiveLimit: null,
      threads: null,
      inFlight: this.#inFlight,
      busyMs: this.#busyMs,
      rateLimit: null,
      isPaused: false,
      isIntakeHeld: false,
      partitions: this.partitions.map((each) => each.work(mostPerKey, isHeld)),
    })
    this.meter = new ScaleMeter({
      read: () => [{ group: 'shop', handlers: [work(1)] }],
      work: (mostPerKeyOf) => [{ group: 'shop', handlers: [work(mostPerKeyOf('bill'))] }],
      drainTargetMs: DRAIN_SECONDS * 1_000,
      clock,
      loopBusyMs: () => 0,
    })
  }

  get #inFlight(): number {
    return Math.min(SLOTS, Math.round(this.#done * RECORD_SECONDS))
  }

  run(second: number, isHeld: (key: number) => boolean): void {
    this.#done = 0
    const turn = this.partitions.length === 0 ? 0 : second % this.partitions.length
    const inTurn = [...this.partitions.slice(turn), ...this.partitions.slice(0, turn)]
    for (const [index, partition] of inTurn.entries()) {
      const share = Math.ceil((PER_PROCESS - this.#done) / (inTurn.length - index))
      this.#done += partition.run(second, share, PER_SLOT, isHeld)
    }
    for (const partition of inTurn) {
      this.#done += partition.run(second, PER_PROCESS - this.#done, PER_SLOT, isHeld)
      partition.ended(Math.round(this.#inFlight / inTurn.length))
    }
    this.#busyMs += this.#done * RECORD_SECONDS * 1_000
  }
}

export function replay(load: Load, scaler: Scaler, seed = 1): Outcome {
  const random = seededRandom(seed)
  const clock = new ManualClock()
  const partitions = Array.from({ length: PARTITIONS }, (_, index) => new ReplayedPartition(index, load))
  const autoscaler = new Autoscaler(PARTITIONS, 0)
  const lagSeen = new Map<number, number>()
  const seen = { processes: [] as number[], backlogs: [] as number[] }
  let now = 0
  let changes = 0
  let processes: Process[] = []
  const { key: heldKey, from = 0, to = 0 } = load.held ?? {}
  const isHeld = (key: number) => key === heldKey && now >= from && now < to
  const start = () => {
    const process = new Process(now, clock, isHeld)
    process.meter.start()
    return process
  }
  const wantedBy: Readonly<Record<Scaler, () => number>> = {
    processesNeeded: () => sum(processes, ({ meter }) => meter.metrics().processesNeeded),
    kafka: () => sum(partitions, ({ lag }) => lag) / LAG_THRESHOLD,
    'kafka, excludePersistentLag': () => sum(partitions, (each) => changingLag(each, lagSeen)) / LAG_THRESHOLD,
  }
  for (now = 0; now < load.seconds; now += 1) {
    share(
      partitions,
      processes.filter(({ startedAt }) => now >= startedAt + START_SECONDS),
      now,
    )
    for (const process of processes) process.run(now, isHeld)
    // What comes in this second is in flight, or not committed yet, when somebody looks.
    arrive(load, now, random, partitions)
    clock.advance(1_000)
    if (now % SYNC_SECONDS === 0) {
      const wanted = wantedBy[scaler]()
      const isActive = wanted > 0 || partitions.some(({ lag }) => lag > 0)
      const target = autoscaler.decide({ second: now, wanted, isActive }, processes.length)
      if (target !== processes.length) changes += 1
      for (const { meter } of processes.slice(target)) meter.stop()
      const more = Array.from({ length: Math.max(0, target - processes.length) }, start)
      processes = [...processes.slice(0, target), ...more]
    }
    seen.processes.push(processes.length)
    seen.backlogs.push(sum(partitions, ({ backlog }) => backlog))
  }
  return { ...seen, changes, longestWait: Math.max(...partitions.map(({ longestWait }) => longestWait)) }
}

/** As many as on the average, and spread as if each came by itself. */
function arrive(load: Load, second: number, random: () => number, partitions: readonly ReplayedPartition[]): void {
  const rate = load.rate(second)
  // The sum of many small chances is close enough to a Poisson distribution.
  let records = 0
  for (let chance = 0; chance < rate * 2; chance += 1) if (random() < 0.5) records += 1
  for (let index = 0; index < records; index += 1) {
    const key = load.keyOf(random())
    partitions[key % PARTITIONS]?.come(second, key)
  }
}

/** Each process gets as many as the others, and as few partitions move as can be. */
function share(partitions: readonly ReplayedPartition[], ready: readonly Process[], second: number): void {
  const homes = new Map<ReplayedPartition, Process>()
  for (const [index, process] of ready.entries()) {
    const most = Math.floor(partitions.length / ready.length) + (index < partitions.length % ready.length ? 1 : 0)
    for (const partition of process.partitions.splice(most)) partition.move(second, MOVE_SECONDS)
    for (const partition of process.partitions) homes.set(partition, process)
  }
  const free = partitions.filter((each) => !homes.has(each))
  for (const [index, process] of ready.entries()) {
    const most = Math.floor(partitions.length / ready.length) + (index < partitions.length % ready.length ? 1 : 0)
    for (const partition of free.splice(0, most - process.partitions.length)) {
      partition.move(second, MOVE_SECONDS)
      process.partitions.push(partition)
    }
  }
}

/** With `excludePersistentLag`: a partition whose commit stands where it stood counts as if it had none. */
function changingLag({ partition, lag, committed }: ReplayedPartition, seen: Map<number, number>): number {
  const before = seen.get(partition)
  seen.set(partition, committed)
  return before === committed ? 0 : lag
}

function sum<Item>(items: readonly Item[], read: (item: Item) => number): number {
  return items.reduce((total, item) => total + read(item), 0)
}
