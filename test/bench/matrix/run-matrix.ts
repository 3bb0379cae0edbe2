/** Runs systems × workloads × repetitions in turns, and makes cells of what they did. Decides the order; measures nothing itself. */
import { boundOf, type Calibration, expectedPerSecond } from './bounds.ts'
import type { PeerBundle } from './bundle-peers.ts'
import { Calibrations } from './calibrations.ts'
import type { PreparedSystem } from './install.ts'
import { type FilledTopic, measureMemory, measureRate } from './measure-rate.ts'
import type { Progress } from './progress.ts'
import { RecordSequence, type WorkTotals } from './records.ts'
import { type Cell, cellOf, type Run, type SystemFacts, unavailableCell } from './results.ts'
import type { Stage } from './stage.ts'
import type { RuntimeName, System } from './systems.ts'
import { runText } from './texts.ts'
import type { Workload } from './workloads.ts'

export interface MatrixPlan {
  readonly systems: readonly System[]
  readonly workloads: readonly Workload[]
  readonly repetitions: number
  readonly quick: boolean
  /** Begins the name of every topic, so that two benchmarks on one Kafka do not meet. */
  readonly topicPrefix: string
}

export interface MatrixOutcome {
  readonly systems: readonly SystemFacts[]
  readonly cells: readonly Cell[]
}

interface Contestant {
  readonly system: System
  readonly prepared: PreparedSystem
}

/** What is kept of a workload until all bounds can be computed. */
interface WorkloadRuns {
  readonly workload: Workload
  readonly totals: WorkTotals
  readonly calibrations: ReadonlyMap<RuntimeName, Calibration | undefined>
  /** By system. */
  readonly runs: ReadonlyMap<string, readonly Run[]>
}

export function plannedRuns({ systems, workloads, repetitions }: MatrixPlan): number {
  return workloads.reduce((sum, each) => sum + systems.length * Math.min(repetitions, each.mostRepetitions), 0)
}

export async function runMatrix(
  plan: MatrixPlan,
  stage: Stage,
  bundle: PeerBundle,
  progress: Progress,
): Promise<MatrixOutcome> {
  const { contestants, facts } = await prepareSystems(plan.systems, bundle, progress)
  const calibrations = new Calibrations(stage)
  const done: WorkloadRuns[] = []
  for (const workload of plan.workloads) {
    done.push(await new WorkloadRunner(plan, stage, progress, workload).run(contestants, calibrations))
  }
  const cells = done.flatMap((each) =>
    facts.map(({ name, unavailable }) => {
      if (unavailable !== undefined) return unavailableCell(each.workload.id, name, unavailable)
      return finalCell(each, name, stage.cores, clientRate(done, each.workload.partitions), contestants)
    }),
  )
  return { systems: facts, cells }
}

async function prepareSystems(systems: readonly System[], bundle: PeerBundle, progress: Progress) {
  const contestants: Contestant[] = []
  const facts: SystemFacts[] = []
  for (const system of systems) {
    const { name, title } = system
    try {
      const prepared = await system.prepare(bundle)
      contestants.push({ system, prepared })
      facts.push({ name, title, version: prepared.version })
    } catch (error) {
      const unavailable = error instanceof Error ? error.message : String(error)
      progress.note(`${name} is not available: ${unavailable}`)
      facts.push({ name, title, version: '', unavailable })
    }
  }
  return { contestants, facts }
}

class WorkloadRunner {
  readonly #plan: MatrixPlan
  readonly #stage: Stage
  readonly #progress: Progress
  readonly #workload: Workload
  readonly #sequence: RecordSequence

  constructor(plan: MatrixPlan, stage: Stage, progress: Progress, workload: Workload) {
    this.#plan = plan
    this.#stage = stage
    this.#progress = progress
    this.#workload = workload
    this.#sequence = new RecordSequence(workload)
  }

  async run(contestants: readonly Contestant[], calibrations: Calibrations): Promise<WorkloadRuns> {
    const workload = this.#workload
    const known = new Map<RuntimeName, Calibration | undefined>()
    for (const { system, prepared } of contestants) {
      if (!known.has(system.runtime)) {
        known.set(system.runtime, await calibrations.of(workload, system.runtime, prepared))
      }
    }
    const topic = await this.#fill()
    const runs = new Map<string, Run[]>(contestants.map(({ system }) => [system.name, []]))
    // In turns, so that whatever else the machine does meets all of them.
    for (let round = 0; round < Math.min(this.#plan.repetitions, workload.mostRepetitions); round += 1) {
      for (const { system, prepared } of contestants) {
        const run = await this.#measure(prepared, topic)
        runs.get(system.name)?.push(run)
        this.#progress.step(workload.id, system.name, runText(run))
      }
    }
    await this.#stage.deleteTopic(topic.name)
    return { workload, totals: this.#sequence.totals, calibrations: known, runs }
  }

  async #measure(system: PreparedSystem, topic: FilledTopic): Promise<Run> {
    const { kind } = this.#workload
    if (kind === 'memory') return await measureMemory(this.#stage, this.#workload, system, topic)
    return await measureRate(this.#stage, this.#workload, system, topic)
  }

  async #fill(): Promise<FilledTopic> {
    const workload = this.#workload
    const topic = { name: `${this.#plan.topicPrefix}-${workload.id}`, records: this.#records() }
    await this.#stage.createTopic(topic.name, workload.partitions)
    await this.#stage.filler.fill(topic.name, take(this.#sequence, topic.records))
    return topic
  }

  /** As many as take the time of a run at the rate that can be expected. */
  #records(): number {
    const { kind } = this.#workload
    if (kind === 'memory') return this.#plan.quick ? 100_000 : 1_000_000
    const seconds = (this.#stage.warmUpMs + this.#stage.windowMs) / 1_000
    return Math.ceil(expectedPerSecond(this.#workload, this.#stage.cores) * seconds)
  }
}

function* take(sequence: RecordSequence, count: number) {
  for (let i = 0; i < count; i += 1) yield sequence.next()
}

/** The bare loop's, doing nothing, on as many partitions. */
function clientRate(done: readonly WorkloadRuns[], partitions: number): number | undefined {
  const noOps = done.filter(({ workload }) => workload.letter === 'a')
  const fitting = noOps.find(({ workload }) => workload.partitions === Math.min(partitions, 8)) ?? noOps.at(-1)
  if (fitting === undefined) return undefined
  return cellOf('', '', fitting.runs.get('bare') ?? [], undefined).rate?.median
}

function finalCell(
  { workload, totals, calibrations, runs }: WorkloadRuns,
  name: string,
  cores: number,
  clientPerSecond: number | undefined,
  contestants: readonly Contestant[],
): Cell {
  const runtime = contestants.find(({ system }) => system.name === name)?.system.runtime
  const calibration = runtime === undefined ? undefined : calibrations.get(runtime)
  const bound = boundOf({ workload, totals, cores, clientPerSecond, calibration })
  return cellOf(workload.id, name, runs.get(name) ?? [], bound)
}
