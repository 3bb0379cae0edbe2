/** Measures how many records a second one system does on one topic that is there already; and, for memory, how much it holds meanwhile. */
import type { PreparedSystem } from './install.ts'
import { type LivePeer, type PeerHooks, type PeerOutcome, runPeer } from './peer-process.ts'
import type { CutOffRun, FailedRun, RateRun, Run } from './results.ts'
import { peerSettings, type Stage } from './stage.ts'
import type { Workload } from './workloads.ts'

export interface FilledTopic {
  readonly name: string
  readonly records: number
}

/** At a topic's end keys run out. */
const LAST_SHARE = 0.98
/** A backlog is read to its end, if that does not take too long. */
const MEMORY_LIMIT_MS = 12_000
/** Slow systems never see the end; from the first record to the last may take this much longer than expected. Less, and who puts the hottest key off would not pay for it. */
const WHOLE_FACTOR = 2

export async function measureRate(
  stage: Stage,
  workload: Workload,
  system: PreparedSystem,
  { name, records }: FilledTopic,
  hooks: PeerHooks = {},
): Promise<Run> {
  const whole = {
    warmUpRecords: 0,
    warmUpMs: 0,
    lastRecord: records,
    limitMs: (stage.warmUpMs + stage.windowMs) * WHOLE_FACTOR,
  }
  const settings = {
    ...peerSettings(stage, workload, system, name),
    ...(workload.measured === 'whole' ? whole : windowIn(stage, system, records)),
  }
  return rateRun(await runPeer(system.command, settings, hooks), settings.lastRecord)
}

/**
 * What client and event loop allow together, with this work and in no order.
 * @param flood the peer of that name; @returns records a second, `undefined` when it could not be measured
 */
export async function measureFlood(
  stage: Stage,
  workload: Workload,
  flood: PreparedSystem,
  { name, records }: FilledTopic,
): Promise<number | undefined> {
  const settings = { ...peerSettings(stage, workload, flood, name), ...windowIn(stage, flood, records) }
  const outcome = await runPeer(flood.command, settings)
  if (outcome.kind !== 'measured' || outcome.result.measured === 0) return undefined
  return (outcome.result.measured / outcome.result.elapsedMs) * 1_000
}

function windowIn({ warmUpMs, windowMs }: Stage, { warmUpFactor = 1 }: PreparedSystem, records: number) {
  return {
    warmUpRecords: Math.round((records * warmUpMs) / (warmUpMs + windowMs)),
    warmUpMs: warmUpMs * warmUpFactor,
    lastRecord: Math.floor(records * LAST_SHARE),
  }
}

export async function measureMemory(
  stage: Stage,
  workload: Workload,
  system: PreparedSystem,
  { name, records }: FilledTopic,
): Promise<Run> {
  let peakBytesAtTenth: number | undefined
  const onProgress = (done: number, peer: LivePeer) => {
    if (done >= records / 10) peakBytesAtTenth ??= peer.peakBytes
  }
  const settings = { ...peerSettings(stage, workload, system, name), lastRecord: records, limitMs: MEMORY_LIMIT_MS }
  const run = rateRun(await runPeer(system.command, settings, { onProgress }), settings.lastRecord)
  if (run.kind !== 'rate') return run
  const { perSecond, done, peakBytes } = run
  return { kind: 'memory', perSecond, done, peakBytes, peakBytesAtTenth }
}

/** @param lastRecord with which its part of the topic ends */
export function rateRun(outcome: PeerOutcome, lastRecord: number): RateRun | CutOffRun | FailedRun {
  if (outcome.kind === 'failed') return outcome
  if (outcome.kind !== 'measured') return { kind: 'failed', why: 'it ended before it had measured anything' }
  const { result, cpuMs, peakBytes } = outcome
  const { violations, measured, elapsedMs, done } = result
  if (violations > 0) return { kind: 'failed', why: `order broken ${violations} times in ${done} records` }
  const perSecond = (measured / elapsedMs) * 1_000
  if (measured === 0) return { kind: 'cut-off', why: cutOffText(done, lastRecord, elapsedMs) }
  return {
    kind: 'rate',
    perSecond,
    done,
    cpuUs: cpuMs === undefined ? undefined : (cpuMs / measured) * 1_000,
    peakBytes,
  }
}

function cutOffText(done: number, lastRecord: number, elapsedMs: number): string {
  if (done >= lastRecord) {
    return `all ${done.toLocaleString('en')} records were done before the warm-up was over; make --window longer`
  }
  return `nothing was done in ${Math.round(elapsedMs)} ms, after ${done.toLocaleString('en')} records; make --window longer`
}
