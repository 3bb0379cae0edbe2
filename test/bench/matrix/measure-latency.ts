/** Measures how long records take from the time at which they should have been sent to the end of their handler, at a steady rate. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { bucketMs, bucketOf, percentileMs } from '../peers/histogram.ts'
import type { PaceReport, PaceSettings } from '../peers/paced-producer.ts'
import type { BucketCounts, PeerResult, PeerSettings } from '../peers/protocol.ts'
import type { PreparedSystem } from './install.ts'
import { type PeerOutcome, runPeer } from './peer-process.ts'
import { primer } from './records.ts'
import type { Run } from './results.ts'
import { peerSettings, type Stage } from './stage.ts'
import type { Workload } from './workloads.ts'

/** Latencies count from here on: until then, whoever joins a group late works off what has piled up. */
const WARM_UP_FACTOR = 2
/** A system that is behind at the end may catch up for so long. */
const CATCH_UP_MS = 2_000

/** Who keeps up is never so late, whatever else the machine does for a moment, and though the bare loop gathers up to 500 records while they come. */
const KEEPS_UP_MS = 250
const MOST_TRIES = 5

/**
 * Measures how long records take at a steady rate.
 * @param topic a name that no other run has: its records carry the times of this one
 * @param sinceLog latency counts from when the record was in the log, to a millisecond. The stage's topics must keep that time. Only ours and the bare loop can; default false
 */
export async function measureLatency(
  stage: Stage,
  workload: Workload,
  system: PreparedSystem,
  topic: string,
  perSecond: number,
  { sinceLog = false } = {},
): Promise<Run> {
  const warmUpMs = Math.max(WARM_UP_FACTOR, system.warmUpFactor ?? 1) * stage.warmUpMs
  const limitMs = 2 * stage.windowMs + CATCH_UP_MS
  const seconds = (warmUpMs + 2 * stage.windowMs) / 1_000
  const sent = Math.round(perSecond * seconds)
  const wanted = sent - recordsOfStuckKey(workload, sent)
  const base = peerSettings(stage, workload, system, topic)
  const settings = {
    ...base,
    warmUpRecords: Number.MAX_SAFE_INTEGER,
    warmUpMs,
    lastRecord: wanted,
    limitMs,
    latency: true,
    sinceLog,
  }
  const { outcome, report } = await runPaced(stage, system, settings, { workload, perSecond, seconds })
  if (outcome.kind === 'failed') return outcome
  if (outcome.kind !== 'measured') return { kind: 'failed', why: 'it ended before it had measured anything' }
  return latencyRun(outcome.result, { sent, wanted, perSecond, limitMs }, report)
}

/**
 * The highest rate, halved from `wanted` as often as needed, at which the bare loop itself keeps up while producer and broker use the same cores.
 * Above it every system would be measured in its own backlog.
 * @param wanted records a second: half of what the bare loop does when nothing else runs
 */
export async function sustainedRate(
  stage: Stage,
  workload: Workload,
  bare: PreparedSystem,
  topic: string,
  wanted: number,
): Promise<number> {
  for (let rate = Math.round(wanted), tries = 1; ; rate = Math.round(rate / 2), tries += 1) {
    const run = await measureLatency(stage, { ...workload, stuckKey: false }, bare, `${topic}-${tries}`, rate)
    const keepsUp = run.kind === 'latency' && run.unfinished === 0 && run.p99 < KEEPS_UP_MS
    if (keepsUp || tries === MOST_TRIES) return rate
  }
}

async function runPaced(
  stage: Stage,
  { command }: PreparedSystem,
  settings: PeerSettings,
  pacing: Omit<PaceSettings, 'brokers' | 'topic'>,
): Promise<{ readonly outcome: PeerOutcome; readonly report: PaceReport | undefined }> {
  const { brokers, topic, partitions } = settings
  await stage.createTopic(topic, partitions)
  // Shows when the partitions are being read: only then does the clock start.
  await stage.filler.fill(
    topic,
    Array.from({ length: partitions }, (_, partition) => primer(partition)),
  )
  const pace = new Pace(stage.pacedProducer, { ...pacing, brokers, topic })
  try {
    const outcome = await runPeer(command, settings, { onStarted: () => pace.start() })
    return { outcome, report: pace.report }
  } finally {
    pace.end()
    await stage.deleteTopic(topic)
  }
}

/** Keys come in turn, and the stuck one is the first. */
function recordsOfStuckKey({ stuckKey, keys }: Workload, sent: number): number {
  return stuckKey ? Math.ceil(sent / keys) : 0
}

export interface PacedRun {
  readonly sent: number
  /** Without those of the stuck key. */
  readonly wanted: number
  readonly perSecond: number
  readonly limitMs: number
}

export function latencyRun(
  { violations, done, latency }: PeerResult,
  { sent, wanted, perSecond, limitMs }: PacedRun,
  report: PaceReport | undefined,
): Run {
  if (violations > 0) return { kind: 'failed', why: `order broken ${violations} times in ${done} records` }
  if (report === undefined && done === wanted) return { kind: 'failed', why: 'the producer has not reported' }
  const unfinished = Math.max(0, wanted - done)
  // At least as late as that; left out, they would make a system look the better the more it leaves undone.
  const counts: BucketCounts = unfinished === 0 ? latency : [...latency, [bucketOf(limitMs * 1_000), unfinished]]
  const at = (share: number) => percentileMs(counts, share) ?? bucketMs(0)
  const producerLateMs = report?.lateMs ?? Number.NaN
  return { kind: 'latency', p50: at(0.5), p99: at(0.99), p999: at(0.999), perSecond, sent, unfinished, producerLateMs }
}

/** The producer's process. */
export class Pace {
  report: PaceReport | undefined
  readonly #command: readonly string[]
  readonly #settings: PaceSettings
  #kill: () => void = () => {}

  constructor(command: readonly string[], settings: PaceSettings) {
    this.#command = command
    this.#settings = settings
  }

  start(): void {
    const [program = '', ...args] = this.#command
    const child = spawn(program, [...args, JSON.stringify(this.#settings)], { stdio: ['ignore', 'pipe', 'inherit'] })
    const kill = () => child.kill('SIGKILL')
    process.once('exit', kill)
    this.#kill = () => {
      process.off('exit', kill)
      kill()
    }
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{"kind":"paced"')) this.report = JSON.parse(line) as PaceReport
    })
  }

  end(): void {
    this.#kill()
  }
}
