/** Runs systems × workloads × repetitions, and makes cells of what they did. Decides the order; measures nothing itself. */
import { boundOf } from './bounds.ts'
import type { PeerBundle } from './bundle-peers.ts'
import { Calibrations } from './calibrations.ts'
import { measureLatency, sustainedRate } from './measure-latency.ts'
import type { Progress } from './progress.ts'
import type { ProfileSection } from './report.ts'
import { type Cell, cellOf, type SystemFacts, unavailableCell } from './results.ts'
import { type Contestant, repetitionsOf, WorkloadRunner, type WorkloadRuns } from './run-workload.ts'
import type { Stage } from './stage.ts'
import type { System } from './systems.ts'
import type { Workload } from './workloads.ts'

export interface MatrixPlan {
  readonly systems: readonly System[]
  readonly workloads: readonly Workload[]
  readonly repetitions: number
  readonly quick: boolean
  readonly profile: boolean
  /** Begins the name of every topic, so that two benchmarks on one Kafka do not meet. */
  readonly topicPrefix: string
}

export interface MatrixOutcome {
  readonly systems: readonly SystemFacts[]
  readonly cells: readonly Cell[]
  readonly profiles: readonly ProfileSection[]
}

/** Where the bare loop's own rate was not measured. Too high is no harm: it is halved until the loop keeps up. */
const UNKNOWN_CLIENT_PER_SECOND = 80_000

/** Fetches and produces for some seconds, which is all that is wanted. */
const WARM_UP_PER_SECOND = 1_000

export function plannedRuns({ systems, workloads, repetitions }: MatrixPlan): number {
  return workloads.reduce((sum, each) => sum + systems.length * repetitionsOf(each, repetitions), 0)
}

export async function runMatrix(
  plan: MatrixPlan,
  stage: Stage,
  bundle: PeerBundle,
  progress: Progress,
): Promise<MatrixOutcome> {
  const { contestants, facts } = await prepareSystems(plan.systems, bundle, progress)
  const calibrations = new Calibrations(stage)
  progress.note('warming the broker up')
  await warmUp(plan, stage, bundle)
  for (const { name, title, version, unavailable } of facts)
    if (unavailable === undefined) progress.note(`${name}: ${title} ${version}`)
  progress.begin()
  const done: WorkloadRuns[] = []
  let pace: number | undefined
  for (const workload of plan.workloads) {
    progress.note(`${workload.id}: ${workload.title}`)
    if (workload.kind === 'latency')
      pace ??= await paceOf(plan, workload, stage, bundle, clientRate(done, workload.partitions))
    const flood = { command: bundle.command('flood'), version: '', packages: '' }
    const run = new WorkloadRunner({ ...plan, workload, stage, progress, pace: pace ?? 0, flood })
    done.push(await run.all(contestants, calibrations))
  }
  const cells = done.flatMap((each) =>
    facts.map(({ name, unavailable }) => {
      if (unavailable !== undefined) return unavailableCell(each.workload.id, name, unavailable)
      return finalCell(each, name, stage.cores, clientRate(done, each.workload.partitions), contestants)
    }),
  )
  return { systems: facts, cells, profiles: done.flatMap((each) => each.profiles) }
}

/** A JVM that has just started is slow, and whoever is measured first would pay for it. */
async function warmUp({ workloads, topicPrefix }: MatrixPlan, stage: Stage, bundle: PeerBundle): Promise<void> {
  const workload = workloads.find(({ work }) => work === 'none') ?? workloads[0]
  if (workload === undefined) return
  const bare = { command: bundle.command('bare'), version: '', packages: '' }
  await measureLatency(stage, workload, bare, `${topicPrefix}-warm-up`, WARM_UP_PER_SECOND)
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

/** The rate at which latency is measured: half of the bare loop's, or less where it cannot keep up with that beside a producer. */
async function paceOf(
  { topicPrefix }: MatrixPlan,
  workload: Workload,
  stage: Stage,
  bundle: PeerBundle,
  clientPerSecond = UNKNOWN_CLIENT_PER_SECOND,
): Promise<number> {
  const bare = { command: bundle.command('bare'), version: '', packages: '' }
  return await sustainedRate(stage, workload, bare, `${topicPrefix}-pace`, clientPerSecond / 2)
}

/** The bare loop's, doing nothing, on as many partitions. */
function clientRate(done: readonly WorkloadRuns[], partitions: number): number | undefined {
  const noOps = done.filter(({ workload }) => workload.letter === 'a')
  const fitting = noOps.find(({ workload }) => workload.partitions === Math.min(partitions, 8)) ?? noOps.at(-1)
  if (fitting === undefined) return undefined
  return cellOf('', '', fitting.runs.get('bare') ?? [], undefined).rate?.median
}

function finalCell(
  { workload, totals, calibrations, flood, runs }: WorkloadRuns,
  name: string,
  cores: number,
  clientPerSecond: number | undefined,
  contestants: readonly Contestant[],
): Cell {
  const runtime = contestants.find(({ system }) => system.name === name)?.system.runtime
  const calibration = runtime === undefined ? undefined : calibrations.get(runtime)
  // What the client allows depends on what the event loop has to do beside it; for other runtimes only the bare loop is known.
  const client = runtime === 'node' ? (flood ?? clientPerSecond) : clientPerSecond
  const bound = boundOf({ workload, totals, cores, clientPerSecond: client, calibration })
  return cellOf(workload.id, name, runs.get(name) ?? [], bound)
}
