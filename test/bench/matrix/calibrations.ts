/** Measures what each runtime's timers and cores allow without Kafka, by the peers' mode `calibrate`, and remembers it. */
import { busyKeys, type Calibration } from './bounds.ts'
import type { PreparedSystem } from './install.ts'
import { runPeer } from './peer-process.ts'
import { peerSettings, type Stage } from './stage.ts'
import { spreadOf } from './statistics.ts'
import type { RuntimeName } from './systems.ts'
import type { Workload } from './workloads.ts'

export class Calibrations {
  readonly #stage: Stage
  readonly #measured = new Map<string, Calibration[]>()

  constructor(stage: Stage) {
    this.#stage = stage
  }

  /** The median of what was measured; `undefined` for a workload without work, or when nothing could be measured. */
  of(workload: Workload, runtime: RuntimeName): Calibration | undefined {
    const all = this.#measured.get(idOf(workload, runtime)) ?? []
    const stretch = spreadOf(all.map((each) => each.stretch))
    const corePerSecond = spreadOf(all.map((each) => each.corePerSecond))
    if (stretch === undefined || corePerSecond === undefined) return undefined
    return { stretch: stretch.median, corePerSecond: corePerSecond.median }
  }

  /** Once more. @param system any that runs on that runtime */
  async measure(workload: Workload, runtime: RuntimeName, system: PreparedSystem): Promise<void> {
    if (workload.work === 'none') return
    const base = peerSettings(this.#stage, workload, system, 'none')
    const settings = { ...base, keys: Math.ceil(busyKeys(workload)), mode: 'calibrate' } as const
    // As many at once as there are cores: where cores share something, each is slower while the others are busy, whatever runs on them.
    const together = workload.work === 'sha256' ? this.#stage.cores : 1
    const outcomes = await Promise.all(Array.from({ length: together }, () => runPeer(system.command, settings)))
    const calibrated = outcomes.filter((outcome) => outcome.kind === 'calibrated')
    if (calibrated.length < together) return
    const mean = (of: (outcome: (typeof calibrated)[number]) => number) =>
      calibrated.reduce((sum, outcome) => sum + of(outcome), 0) / together
    const nominalMs = (workload.workMin + workload.workMax) / 2
    const calibration = {
      stretch: mean(({ latencyMs }) => latencyMs) / nominalMs,
      corePerSecond: mean(({ perSecond }) => perSecond),
    }
    const id = idOf(workload, runtime)
    this.#measured.set(id, [...(this.#measured.get(id) ?? []), calibration])
  }
}

/** The same for workloads that ask the same of a runtime. */
function idOf(workload: Workload, runtime: RuntimeName): string {
  const { work, workMin, workMax, concurrency } = workload
  const chains = work === 'sleep' ? Math.min(Math.ceil(busyKeys(workload)), concurrency) : 1
  return [runtime, work, workMin, workMax, chains].join(' ')
}
