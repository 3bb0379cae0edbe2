/**
 * Measures what a record costs in control plane and engine, on the in-memory cluster, where no broker is in the way: one point of a scaling
 * curve. Says `{"kind":"curve","usPerRecord":[…]}`, a figure for each round.
 */
import { handler } from '../../../framework/api/handler.ts'
import { createLogger, createRuntime, resolveConfig, resolveHandlers } from '../../../framework/index.ts'
import { type MemoryCluster, memoryCluster } from '../../../framework/kafka/memory/client.ts'
import { fail } from './peer.ts'

export interface CurveSettings {
  readonly keys: number
  readonly partitions: number
  readonly concurrency: number
  /** Records that are held in flight all the time; 1: each ends at once. */
  readonly inFlight: number
  readonly records: number
  readonly rounds: number
}

export interface CurveReport {
  readonly kind: 'curve'
  readonly usPerRecord: readonly number[]
}

const TOPIC = 'curve'
/** When nothing has begun for so long, nothing more can: what is held is let go. */
const STANDSTILL_MS = 2

/** So that the most records in flight can be held, wherever they stand. */
const LIMITS = { maxRecords: 40_000, maxRecordsPerPartition: 40_000 }

/** Keeps so many records in flight: each that begins ends the one that began so many before it. */
class Holder {
  readonly #inFlight: number
  readonly #held: (() => void)[] = []
  #oldest = 0
  #ended = 0

  constructor(inFlight: number) {
    this.#inFlight = inFlight
  }

  get begun(): number {
    return this.#held.length
  }

  get ended(): number {
    return this.#ended
  }

  hold(): Promise<void> | undefined {
    if (this.#inFlight === 1) {
      this.#ended += 1
      this.#held.push(() => {})
      return undefined
    }
    return new Promise((resolve) => {
      this.#held.push(resolve)
      if (this.begun - this.#oldest >= this.#inFlight) this.#release()
    })
  }

  releaseAll(): void {
    while (this.#oldest < this.begun) this.#release()
  }

  #release(): void {
    this.#held[this.#oldest]?.()
    this.#oldest += 1
    this.#ended += 1
  }
}

async function main(settings: CurveSettings): Promise<void> {
  const { keys, partitions, records, rounds } = settings
  const cluster = memoryCluster()
  cluster.createTopic(TOPIC, partitions)
  for (let i = 0; i < records; i += 1) {
    const key = i % keys
    const value = Buffer.from(`{"i":${i}}`)
    cluster.append({ topic: TOPIC, partition: key % partitions, key: Buffer.from(`key-${key}`), value, headers: [] })
  }
  // The first round is for the compiler.
  const usPerRecord: number[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const us = await oneRound(cluster, settings, `round-${round}`)
    if (round > 0) usPerRecord.push(us)
  }
  const report: CurveReport = { kind: 'curve', usPerRecord }
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0))
}

async function oneRound(
  cluster: MemoryCluster,
  { concurrency, inFlight, records }: CurveSettings,
  group: string,
): Promise<number> {
  const logging = { level: 'error', pretty: false } as const
  const config = resolveConfig({ group, limits: LIMITS, logging }, 'the benchmark')
  const holder = new Holder(inFlight)
  let startedAt = 0
  const definition = handler<unknown>(TOPIC, { concurrency, deadLetter: false }, () => {
    if (startedAt === 0) startedAt = performance.now()
    return holder.hold()
  })
  const registered = { id: 'curve', file: 'curve', topic: TOPIC, group: null, handler: definition }
  const runtime = createRuntime({
    connection: cluster.connection(),
    handlers: resolveHandlers([registered], config),
    startFrom: 'earliest',
    limits: config.limits,
    commit: config.commit,
    shutdown: config.shutdown,
    log: createLogger(config.logging, process.stderr),
  })
  await runtime.start()
  runtime.failed.catch(fail)
  const endedAt = await untilEnded(holder, records)
  await runtime.stop()
  return ((endedAt - startedAt) * 1_000) / records
}

function untilEnded(holder: Holder, records: number): Promise<number> {
  return new Promise((resolve) => {
    let begun = 0
    const timer = setInterval(() => {
      if (holder.begun === begun) holder.releaseAll()
      begun = holder.begun
      if (holder.ended < records) return
      clearInterval(timer)
      resolve(performance.now())
    }, STANDSTILL_MS)
  })
}

main(JSON.parse(process.argv[2] ?? '{}') as CurveSettings).catch(fail)
