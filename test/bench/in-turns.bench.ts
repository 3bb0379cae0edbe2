/**
 * Compares systems on one backlog at the same time: all run at once, and each is stopped while another has its turn of a fraction of a second. A shared machine
 * that is fast at one moment and half as fast at the next is so to all of them then: the same code twice differs by some hundredths, where runs one after the other
 * can differ by half. A ratio still depends on the moment, as memory weighs more in some systems: `node --import tsx test/bench/in-turns.bench.ts [a-8p] [bare,ours] [seconds each]`.
 * `ours@FOLDER` is ours of another checkout, such as the build before a change: `a-8p ours@../before,ours 12`.
 * Order per key is checked. `drain`, `flood` and `cores` are bounds: the client alone, and what handlers that wait or compute allow: `d-500 cores,ours-worker`.
 *
 * Rates are higher than those of `npm run bench`: what the broker and the client's threads have prepared is there when a turn begins.
 */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { FETCH_AHEAD } from '../../framework/kafka/librdkafka/settings.ts'
import { startKafka } from '../e2e/kafka-harness.ts'
import { expectedPerSecond } from './matrix/bounds.ts'
import { bundlePeers, type PeerBundle } from './matrix/bundle-peers.ts'
import type { PreparedSystem } from './matrix/install.ts'
import { type LivePeer, type PeerOutcome, runPeer } from './matrix/peer-process.ts'
import { type BenchRecord, RecordSequence } from './matrix/records.ts'
import { peerSettings, type Stage } from './matrix/stage.ts'
import { spreadOf } from './matrix/statistics.ts'
import { selectSystems } from './matrix/systems.ts'
import { TopicFiller } from './matrix/topic-filler.ts'
import { selectWorkloads, type Workload } from './matrix/workloads.ts'

/** Peers that are no systems, but the bounds of those that are: what the client alone, client and event loop, or all cores allow. */
const BOUNDS = ['drain', 'flood', 'cores'] as const
/** Starts what it has at once: it is the bound of those that keep the order. */
const WITHOUT_ORDER = 'flood'
const TURN_MS = 300
const WARM_UP_S = 4
/** Ratios are also told for pieces of so many turns each. */
const TURNS_OF_PIECE = 7
/** More than any system does, so that nobody comes to the end of the topic before the others. Records in a second of its own time. */
const MOST_PER_SECOND = 400_000
const START_LIMIT_MS = 30_000

const [workloadId = 'a-8p', names = 'bare,ours', seconds = '15'] = process.argv.slice(2)

class Contestant {
  readonly name: string
  readonly outcome: Promise<PeerOutcome>
  #peer: LivePeer | undefined
  #done = 0
  #activeMs = 0
  readonly #marks: { readonly done: number; readonly activeMs: number }[] = []

  constructor(
    name: string,
    stage: Stage,
    workload: Workload,
    system: PreparedSystem,
    records: number,
    limitMs: number,
  ) {
    this.name = name
    const base = peerSettings(stage, workload, system, TOPIC)
    const settings = { ...base, warmUpRecords: 1, warmUpMs: 1, lastRecord: records, limitMs }
    this.outcome = runPeer(system.command, settings, {
      onProgress: (done, peer) => {
        this.#done = done
        this.#peer = peer
      },
    })
  }

  get done(): number {
    return this.#done
  }

  get hasStarted(): boolean {
    return this.#peer !== undefined
  }

  suspend(): void {
    this.#peer?.suspend()
  }

  resume(): void {
    this.#peer?.resume()
  }

  async takeTurn(): Promise<void> {
    const from = performance.now()
    this.resume()
    await sleep(TURN_MS)
    this.suspend()
    this.#activeMs += performance.now() - from
  }

  /** A peer tells what it has done every 200 ms, so each mark is late, and by as much as the others. */
  mark(): void {
    this.#marks.push({ done: this.#done, activeMs: this.#activeMs })
  }

  /** Records a second between the marks. */
  get rates(): readonly number[] {
    return this.#marks.slice(1).map(({ done, activeMs }, index) => {
      const before = this.#marks[index] ?? { done: 0, activeMs: 0 }
      return ((done - before.done) / (activeMs - before.activeMs)) * 1_000
    })
  }
}

const TOPIC = `in-turns-${process.pid}`

async function prepare(name: string, bundle: PeerBundle): Promise<PreparedSystem> {
  const bound = BOUNDS.find((each) => each === name)
  if (bound !== undefined) return { command: bundle.command(bound), version: '', packages: '' }
  const [systemName = '', folder] = name.split('@')
  const [system] = selectSystems([systemName])
  if (system === undefined) throw new Error(`There is no system ${systemName}.`)
  return await system.prepare(folder === undefined ? bundle : await bundlePeersOf(folder))
}

/** The peers of another checkout, which bundles them itself. */
async function bundlePeersOf(folder: string): Promise<PeerBundle> {
  const file = pathToFileURL(resolve(folder, 'test/bench/matrix/bundle-peers.ts')).href
  const other: { readonly bundlePeers: typeof bundlePeers } = await import(file)
  return await other.bundlePeers()
}

function* take(sequence: RecordSequence, count: number): Iterable<BenchRecord> {
  for (let i = 0; i < count; i += 1) yield sequence.next()
}

async function race(contestants: readonly Contestant[], records: number, activeS: number): Promise<void> {
  const until = performance.now() + START_LIMIT_MS
  while (!contestants.every(({ hasStarted }) => hasStarted)) {
    if (performance.now() > until) throw new Error('not every system has started in time')
    await sleep(100)
  }
  for (const each of contestants) each.suspend()
  const warmUp = Math.round((WARM_UP_S * 1_000) / TURN_MS)
  const turns = Math.round((activeS * 1_000) / TURN_MS)
  for (let turn = 0; turn < warmUp + turns; turn += 1) {
    if (turn >= warmUp && (turn - warmUp) % TURNS_OF_PIECE === 0) for (const each of contestants) each.mark()
    // Each comes as often after any other as before it.
    for (const each of turn % 2 === 0 ? contestants : contestants.toReversed()) await each.takeTurn()
    const finished = contestants.find(({ done }) => done >= records)
    if (finished !== undefined) {
      throw new Error(`${finished.name} is at the end of the topic and has nothing left to do; raise MOST_PER_SECOND`)
    }
    process.stderr.write(`\r${turn < warmUp ? 'warming up' : 'measuring'}: turn ${turn + 1} of ${warmUp + turns} `)
  }
  process.stderr.write('\n')
  for (const each of contestants) each.resume()
}

async function print(contestants: readonly Contestant[]): Promise<void> {
  const [first] = contestants
  for (const { name, rates, outcome } of contestants) {
    const ended = await outcome
    if (ended.kind !== 'measured') throw new Error(`${name}: ${ended.kind === 'failed' ? ended.why : ended.kind}`)
    if (name !== WITHOUT_ORDER && ended.result.violations > 0)
      throw new Error(`${name} broke the order ${ended.result.violations} times`)
    const rate = Math.round(mean(rates)).toLocaleString('en')
    const ratio = mean(rates) / mean(first?.rates ?? [])
    const pieces = spreadOf(rates.map((each, index) => each / (first?.rates[index] ?? Number.NaN)))
    const span = pieces === undefined ? '' : ` (pieces ${pieces.min.toFixed(2)} to ${pieces.max.toFixed(2)})`
    console.log(`${name.padEnd(14)} ${rate.padStart(9)}/s  ${ratio.toFixed(2)} of ${first?.name}${span}`)
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, each) => sum + each, 0) / values.length
}

const [workload] = selectWorkloads([workloadId])
const activeS = Number(seconds)
if (workload?.kind !== 'throughput' || !(activeS >= 5 && activeS <= 120)) {
  throw new Error('The workload must be one that measures a rate, such as a-8p, and the seconds 5 to 120.')
}
const kafka = await startKafka({ jvmOptions: ['-XX:TieredStopAtLevel=4', '-Xms512m', '-Xmx1g'] })
const bundle = await bundlePeers()
try {
  const filler = await TopicFiller.open(kafka.brokers)
  await kafka.admin.createTopic(TOPIC, { partitions: workload.partitions })
  const perSecond = Math.min(MOST_PER_SECOND, 2 * expectedPerSecond(workload, availableParallelism()))
  const records = Math.ceil(perSecond * (WARM_UP_S + activeS))
  console.error(`filling a topic with ${records.toLocaleString('en')} records`)
  await filler.fill(TOPIC, take(new RecordSequence(workload), records))
  const stage: Stage = {
    brokers: kafka.brokers,
    createTopic: async () => {},
    deleteTopic: async () => {},
    filler,
    pacedProducer: [],
    cores: availableParallelism(),
    windowMs: 0,
    warmUpMs: 0,
    librdkafka: FETCH_AHEAD,
  }
  const prepared = await Promise.all(
    names.split(',').map(async (name) => ({ name, system: await prepare(name, bundle) })),
  )
  // Each reports by itself after that, with what its order was like.
  const limitMs = START_LIMIT_MS / 2 + prepared.length * (WARM_UP_S + activeS) * 1_000 * 1.1
  const contestants = prepared.map(
    ({ name, system }) => new Contestant(name, stage, workload, system, records, limitMs),
  )
  await race(contestants, records, activeS)
  await print(contestants)
  await filler.close()
} finally {
  bundle.remove()
  await kafka.stop()
}
