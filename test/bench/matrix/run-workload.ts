/** Runs one workload: fills its topic, measures every system in turn, as often as asked, and removes the topic. */
import type { Calibration } from './bounds.ts'
import { expectedPerSecond } from './bounds.ts'
import type { Calibrations } from './calibrations.ts'
import type { PreparedSystem } from './install.ts'
import { measureLatency } from './measure-latency.ts'
import { type FilledTopic, measureFlood, measureMemory, measureRate } from './measure-rate.ts'
import { measureRecovery } from './measure-recovery.ts'
import { profileRun } from './profile-run.ts'
import type { Progress } from './progress.ts'
import { RecordSequence, type WorkTotals } from './records.ts'
import type { ProfileSection } from './report.ts'
import type { Run } from './results.ts'
import type { Stage } from './stage.ts'
import { spreadOf } from './statistics.ts'
import type { RuntimeName, System } from './systems.ts'
import { runText } from './texts.ts'
import type { Workload } from './workloads.ts'

export interface Contestant {
  readonly system: System
  readonly prepared: PreparedSystem
}

/** What is kept of a workload until all bounds can be computed. */
export interface WorkloadRuns {
  readonly workload: Workload
  readonly totals: WorkTotals
  readonly calibrations: ReadonlyMap<RuntimeName, Calibration | undefined>
  /** Records a second that client and event loop allow with this work, in no order; `undefined` where the work needs none, or it was not measured. */
  readonly flood: number | undefined
  /** By system. */
  readonly runs: ReadonlyMap<string, readonly Run[]>
  readonly profiles: readonly ProfileSection[]
}

export interface WorkloadPlan {
  readonly workload: Workload
  readonly stage: Stage
  readonly progress: Progress
  readonly repetitions: number
  readonly quick: boolean
  /** Whether systems in Node run once more under the profiler. */
  readonly profile: boolean
  readonly topicPrefix: string
  /** Of latency workloads: records a second. */
  readonly pace: number
  /** The peer `flood`. */
  readonly flood: PreparedSystem
}

/** Of the fastest system's rate in a round. */
const FAR_BEHIND = 0.2
const MEMORY_RECORDS = 1_000_000
const QUICK_MEMORY_RECORDS = 100_000
/** Half of them are done before SIGKILL, in about a second. */
const RECOVERY_RECORDS = 12_000
export function repetitionsOf({ mostRepetitions }: Workload, wanted: number): number {
  return Math.min(wanted, mostRepetitions)
}

export class WorkloadRunner {
  readonly #plan: WorkloadPlan
  readonly #sequence: RecordSequence
  #topics = 0

  constructor(plan: WorkloadPlan) {
    this.#plan = plan
    this.#sequence = new RecordSequence(plan.workload)
  }

  async all(contestants: readonly Contestant[], calibrations: Calibrations): Promise<WorkloadRuns> {
    const { workload, stage, progress, repetitions } = this.#plan
    const runs = new Map<string, Run[]>(contestants.map(({ system }) => [system.name, []]))
    const topic = workload.kind === 'latency' ? undefined : await this.#fill()
    // In turns, so that whatever else the machine does meets all of them.
    const rounds = repetitionsOf(workload, repetitions)
    let present = contestants
    const floods: number[] = []
    for (let round = 1; round <= rounds; round += 1) {
      // Beside what they are compared with, because a machine is not as fast at one time as at another.
      await this.#calibrate(contestants, calibrations)
      floods.push(...(await this.#flood(topic)))
      for (const { system, prepared } of present) {
        const run = await (topic === undefined ? this.#latency(prepared) : this.#measure(prepared, topic))
        runs.get(system.name)?.push(run)
        progress.step(workload.id, system.name, runText(run))
      }
      const behind = farBehind(runs)
      const next = present.filter(({ system }) => system.ours || !behind.has(system.name))
      progress.skip((present.length - next.length) * (rounds - round))
      present = next
    }
    const profiles = topic === undefined ? [] : await this.#profiles(contestants, topic)
    if (topic !== undefined) await stage.deleteTopic(topic.name)
    const known = calibrationsOf(workload, contestants, calibrations)
    return {
      workload,
      totals: this.#sequence.totals,
      calibrations: known,
      flood: spreadOf(floods)?.median,
      runs,
      profiles,
    }
  }

  async #calibrate(contestants: readonly Contestant[], calibrations: Calibrations): Promise<void> {
    const { workload } = this.#plan
    if (workload.kind !== 'throughput') return
    const runtimes = new Map(contestants.map(({ system, prepared }) => [system.runtime, prepared]))
    for (const [runtime, prepared] of runtimes) await calibrations.measure(workload, runtime, prepared)
  }

  async #flood(topic: FilledTopic | undefined): Promise<readonly number[]> {
    const { workload, stage, flood } = this.#plan
    if (topic === undefined || workload.work !== 'sleep' || workload.measured === 'whole') return []
    if (workload.kind !== 'throughput') return []
    const rate = await measureFlood(stage, workload, flood, topic)
    return rate === undefined ? [] : [rate]
  }

  async #profiles(contestants: readonly Contestant[], topic: FilledTopic): Promise<readonly ProfileSection[]> {
    const { workload, stage, progress, profile } = this.#plan
    if (!profile || workload.kind !== 'throughput') return []
    const profiles: ProfileSection[] = []
    for (const { system, prepared } of contestants.filter((each) => each.system.runtime === 'node')) {
      const section = await profileRun(stage, workload, system.name, prepared, topic)
      progress.note(section?.title ?? `${system.name} on ${workload.id}: no CPU profile was written`)
      if (section !== undefined) profiles.push(section)
    }
    return profiles
  }

  async #measure(system: PreparedSystem, topic: FilledTopic): Promise<Run> {
    const { workload, stage } = this.#plan
    switch (workload.kind) {
      case 'memory':
        return await measureMemory(stage, workload, system, topic)
      case 'recovery':
        return await measureRecovery(stage, workload, system, topic)
      case 'throughput':
      case 'latency':
        return await measureRate(stage, workload, system, topic)
    }
  }

  #latency(system: PreparedSystem): Promise<Run> {
    const { workload, stage, pace } = this.#plan
    this.#topics += 1
    const topic = `${this.#topicName()}-${this.#topics}`
    return measureLatency(stage, workload, system, topic, pace)
  }

  async #fill(): Promise<FilledTopic> {
    const { workload, stage } = this.#plan
    const topic = { name: this.#topicName(), records: this.#records() }
    await stage.createTopic(topic.name, workload.partitions)
    await stage.filler.fill(topic.name, take(this.#sequence, topic.records))
    return topic
  }

  #topicName(): string {
    return `${this.#plan.topicPrefix}-${this.#plan.workload.id}`
  }

  /** As many as take the time of a run at the rate that can be expected. */
  #records(): number {
    const { workload, stage, quick } = this.#plan
    if (workload.kind === 'memory') return quick ? QUICK_MEMORY_RECORDS : MEMORY_RECORDS
    if (workload.kind === 'recovery') return RECOVERY_RECORDS
    return Math.ceil((expectedPerSecond(workload, stage.cores) * (stage.warmUpMs + stage.windowMs)) / 1_000)
  }
}

/** Systems so far behind the fastest that no repetition would change anything; and those that failed, which one run decides. */
export function farBehind(runs: ReadonlyMap<string, readonly Run[]>): ReadonlySet<string> {
  const rates = new Map([...runs].map(([name, each]) => [name, latestRate(each)]))
  const fastest = Math.max(0, ...[...rates.values()].map((rate) => rate ?? 0))
  const isBehind = (rate: number | undefined) => rate !== undefined && rate < fastest * FAR_BEHIND
  return new Set([...rates].filter(([, rate]) => isBehind(rate)).map(([name]) => name))
}

/** 0 for a run that failed; `undefined` for what is no rate. */
function latestRate(runs: readonly Run[]): number | undefined {
  const last = runs.at(-1)
  if (last?.kind === 'failed') return 0
  return last?.kind === 'rate' ? last.perSecond : undefined
}

function* take(sequence: RecordSequence, count: number) {
  for (let i = 0; i < count; i += 1) yield sequence.next()
}

function calibrationsOf(workload: Workload, contestants: readonly Contestant[], calibrations: Calibrations) {
  const runtimes = new Set(contestants.map(({ system }) => system.runtime))
  return new Map([...runtimes].map((runtime) => [runtime, calibrations.of(workload, runtime)]))
}
