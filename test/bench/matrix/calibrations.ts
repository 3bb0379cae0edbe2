/** Measures once what each runtime's timers and cores allow without Kafka, by the peers' mode `calibrate`, and remembers it. */
import type { Calibration } from './bounds.ts'
import type { PreparedSystem } from './install.ts'
import { runPeer } from './peer-process.ts'
import { peerSettings, type Stage } from './stage.ts'
import type { RuntimeName } from './systems.ts'
import type { Workload } from './workloads.ts'

export class Calibrations {
  readonly #stage: Stage
  readonly #known = new Map<string, Calibration | undefined>()

  constructor(stage: Stage) {
    this.#stage = stage
  }

  /** @param system any that runs on that runtime; @returns `undefined` for a workload without work, or when it could not be measured */
  async of(workload: Workload, runtime: RuntimeName, system: PreparedSystem): Promise<Calibration | undefined> {
    if (workload.work === 'none') return undefined
    const { work, workMin, workMax } = workload
    const chains = Math.min(workload.keys, workload.concurrency)
    const id = [runtime, work, workMin, workMax, work === 'sleep' ? chains : 1].join(' ')
    if (!this.#known.has(id)) this.#known.set(id, await this.#measure(workload, system))
    return this.#known.get(id)
  }

  async #measure(workload: Workload, system: PreparedSystem): Promise<Calibration | undefined> {
    const settings = { ...peerSettings(this.#stage, workload, system, 'none'), mode: 'calibrate' } as const
    const outcome = await runPeer(system.command, settings)
    if (outcome.kind !== 'calibrated') return undefined
    const nominalMs = (workload.workMin + workload.workMax) / 2
    return { stretch: outcome.latencyMs / nominalMs, corePerSecond: outcome.perSecond }
  }
}
