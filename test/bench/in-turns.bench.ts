/**
 * Compares systems on one backlog at the same time: all run at once, and each is stopped while another has its turn of a fraction of a second. A shared machine
 * that is fast at one moment and half as fast at the next is so to all of them then: the same code twice differs by some hundredths, where runs one after the other
 * can differ by half. A ratio still depends on the moment, as memory weighs more in some systems: `node --import tsx test/bench/in-turns.bench.ts [a-8p] [bare,ours] [seconds each]`.
 * `ours@FOLDER` is ours of another checkout, such as the build before a change: `a-8p ours@../before,ours 12`.
 * Order per key is checked. `drain`, `drain-javascript`, `flood`, `chains` and `cores` are bounds: each client alone, and what handlers that wait (without and with order per key) or compute
 * allow: `e-10ms-5000 chains,ours-javascript`, `d-500 cores,ours-worker`. `ours-console` serves the console, `ours-console-open` has a page of it open:
 * `a-8p ours,ours-console,ours-console-open`. `x-5ms ours-out,ours-exactly-once,pc-transactional` (also `x-none`, and `ours-javascript-...`, `pc-out`): each record is published
 * again, at least once or in transactions; what has come to be visible is counted at the end. `accept drain,ours-accept`: one record of a hundred is wanted, as its header says.
 * Processor time is of the whole process, and its peak memory that since its start.
 *
 * Rates are higher than those of `npm run bench`: what the broker and the client's threads have prepared is there when a turn begins.
 */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { connectKafka } from '../../framework/kafka/clients/connect-kafka.ts'
import { FETCH_AHEAD } from '../../framework/kafka/librdkafka/settings.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { startKafka } from '../e2e/kafka-harness.ts'
import { expectedPerSecond } from './matrix/bounds.ts'
import { bundlePeers, type PeerBundle } from './matrix/bundle-peers.ts'
import type { PreparedSystem } from './matrix/install.ts'
import { installParallelConsumer } from './matrix/install-parallel-consumer.ts'
import { type LivePeer, type PeerOutcome, runPeer } from './matrix/peer-process.ts'
import { type BenchRecord, RecordSequence } from './matrix/records.ts'
import { peerSettings, type Stage } from './matrix/stage.ts'
import { selectSystems } from './matrix/systems.ts'
import { bytesText } from './matrix/texts.ts'
import { TopicFiller } from './matrix/topic-filler.ts'
import { type Comparison, compare, type Mark, missingRecords, type TurnRates, turnRates } from './matrix/turns.ts'
import { selectWorkloads, type Workload } from './matrix/workloads.ts'

/** Peers that are no systems, but the bounds of those that are: what the client alone, client and event loop, or all cores allow; and ours with the console. */
const OTHER_PEERS = [
  'drain',
  'drain-javascript',
  'flood',
  'chains',
  'cores',
  'ours-accept',
  'ours-javascript-accept',
  'ours-console',
  'ours-console-open',
  'ours-out',
  'ours-exactly-once',
  'ours-javascript-out',
  'ours-javascript-exactly-once',
] as const
/** Peers in Java that publish, and whether they do it in transactions. */
const PUBLISHING_IN_JAVA: Readonly<Record<string, boolean>> = { 'pc-out': false, 'pc-transactional': true }
/** Starts what it has at once: it is the bound of those that keep the order. */
const WITHOUT_ORDER = 'flood'
const TURN_MS = 300
const WARM_UP_S = 4
/** Ratios are also told for pieces of so many turns each. */
const TURNS_OF_PIECE = 7
/** The topic grows while nobody has a turn, so that nobody comes to its end: what the fastest does in so many turns lies ahead of it. */
const TURNS_AHEAD = 12
const MOST_AT_ONCE = 300_000
const FILLED_AT_FIRST_S = 5
/** Longer than any comparison: peers are ended by it only when nobody else does. */
const LIMIT_MS = 3_600_000
const START_LIMIT_MS = 30_000
/** Of what was handled, so much must have come to be visible: the rest waited for its transaction when the last turn ended. */
const VISIBLE_SHARE = 0.9

const [workloadId = 'a-8p', names = 'bare,ours', seconds = '15'] = process.argv.slice(2)

class Contestant {
  readonly name: string
  done = 0
  violations = 0
  #peer: LivePeer | undefined
  #ended: PeerOutcome | undefined
  #activeMs = 0
  readonly #marks: Mark[] = []

  constructor(name: string, stage: Stage, workload: Workload, system: PreparedSystem) {
    this.name = name
    const settings = {
      ...peerSettings(stage, workload, system, TOPIC),
      outputs: workload.publishes === true ? outputsOf(name) : '',
      warmUpRecords: 1,
      warmUpMs: 1,
      limitMs: LIMIT_MS,
    }
    const outcome = runPeer(system.command, settings, {
      onProgress: (done, peer, violations) => {
        this.done = done
        this.violations = violations
        this.#peer = peer
      },
    })
    void outcome.then((ended) => {
      this.#ended = ended
    })
  }

  get hasStarted(): boolean {
    return this.#peer !== undefined
  }

  get peakBytes(): number | undefined {
    return this.#peer?.peakBytes
  }

  suspend(): void {
    this.#peer?.suspend()
  }

  resume(): void {
    this.#peer?.resume()
  }

  kill(): void {
    this.#peer?.kill()
  }

  /** @throws Error when it has ended by itself, or broken the order */
  check(): void {
    if (this.#ended !== undefined) {
      throw new Error(`${this.name} has ended: ${this.#ended.kind === 'failed' ? this.#ended.why : this.#ended.kind}`)
    }
    if (this.name !== WITHOUT_ORDER && this.violations > 0) {
      throw new Error(`${this.name} broke the order ${this.violations} times in ${this.done} records`)
    }
  }

  /** @returns records done in it, as far as it has told */
  async takeTurn(): Promise<number> {
    const [from, done] = [performance.now(), this.done]
    this.resume()
    await sleep(TURN_MS)
    this.suspend()
    this.#activeMs += performance.now() - from
    return this.done - done
  }

  /** A peer tells what it has done every 200 ms, so each mark is late, and by as much as the others. */
  mark(): void {
    this.#marks.push({ done: this.done, activeMs: this.#activeMs, cpuMs: this.#peer?.cpuMs })
  }

  get rates(): TurnRates {
    return turnRates(this.#marks)
  }
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

const TOPIC = `in-turns-${process.pid}`

/** A topic's name has no `@` and no path in it. */
function outputsOf(name: string): string {
  return `${TOPIC}-out-${name.replace(/[^a-z-].*/, '')}`
}

/** @throws Error when a system has not published what it says that it has done: it has no rate */
async function checkOutputs(brokers: string, contestants: readonly Contestant[]): Promise<void> {
  const connection = await connectKafka({
    brokers,
    clientId: 'in-turns',
    client: 'javascript',
    groupProtocol: 'consumer',
    log: silent,
  })
  try {
    for (const { name, done } of contestants) {
      const logs = await connection.view.logs(outputsOf(name))
      const visible = logs.reduce((sum, { logStart, logEnd }) => sum + logEnd - logStart, 0)
      console.log(`${name.padEnd(30)} ${done} handled, ${visible} records and markers to be read as committed`)
      if (visible < VISIBLE_SHARE * done) throw new Error(`${name} has handled ${done}, and ${visible} are visible`)
    }
  } finally {
    await connection.close()
  }
}

async function prepare(name: string, bundle: PeerBundle): Promise<PreparedSystem> {
  const inTransactions = PUBLISHING_IN_JAVA[name]
  if (inTransactions !== undefined) return await installParallelConsumer(inTransactions)
  const other = OTHER_PEERS.find((each) => each === name)
  if (other !== undefined) return { command: bundle.command(other), version: '', packages: '' }
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

/** Fills the topic ahead of the fastest. */
class Backlog {
  readonly #filler: TopicFiller
  readonly #sequence: RecordSequence
  #filled = 0
  #mostInTurn = 0

  constructor(filler: TopicFiller, workload: Workload) {
    this.#filler = filler
    this.#sequence = new RecordSequence(workload)
  }

  async fill(count: number): Promise<void> {
    await this.#filler.fill(TOPIC, take(this.#sequence, count))
    this.#filled += count
  }

  onTurn(done: number): void {
    this.#mostInTurn = Math.max(this.#mostInTurn, done)
  }

  /** While nobody has a turn. A part at a time: who is stopped too long is thrown out of its group. */
  async keepAhead(contestants: readonly Contestant[]): Promise<void> {
    const mostDone = Math.max(...contestants.map(({ done }) => done))
    const missing = missingRecords(this.#filled, { mostDone, mostInTurn: this.#mostInTurn }, TURNS_AHEAD)
    if (missing > 0) await this.fill(Math.min(missing, MOST_AT_ONCE))
  }
}

async function race(contestants: readonly Contestant[], backlog: Backlog, activeS: number): Promise<void> {
  const until = performance.now() + START_LIMIT_MS
  while (!contestants.every(({ hasStarted }) => hasStarted)) {
    for (const each of contestants) each.check()
    const late = contestants.filter(({ hasStarted }) => !hasStarted).map(({ name }) => name)
    if (performance.now() > until) throw new Error(`not started within ${START_LIMIT_MS / 1_000} s: ${late.join(', ')}`)
    await sleep(100)
  }
  for (const each of contestants) each.suspend()
  const warmUp = Math.round((WARM_UP_S * 1_000) / TURN_MS)
  const pieces = Math.round((activeS * 1_000) / TURN_MS / TURNS_OF_PIECE)
  const turns = warmUp + pieces * TURNS_OF_PIECE
  const markAfter = (turn: number) => {
    if (turn >= warmUp && (turn - warmUp) % TURNS_OF_PIECE === 0) for (const each of contestants) each.mark()
  }
  for (let turn = 0; turn < turns; turn += 1) {
    markAfter(turn)
    // Each comes as often after any other as before it.
    for (const each of turn % 2 === 0 ? contestants : contestants.toReversed()) backlog.onTurn(await each.takeTurn())
    for (const each of contestants) each.check()
    await backlog.keepAhead(contestants)
    process.stderr.write(`\r${turn < warmUp ? 'warming up' : 'measuring'}: turn ${turn + 1} of ${turns} `)
  }
  markAfter(turns)
  process.stderr.write('\n')
}

function print(contestants: readonly Contestant[]): void {
  const [first] = contestants
  if (first === undefined) return
  for (const { name, rates, peakBytes } of contestants) {
    const rate = Math.round(rates.perSecond).toLocaleString('en')
    const cpu = rates.cpuUs === undefined ? '' : `${rates.cpuUs.toFixed(2)} us of processor a record`
    const memory = peakBytes === undefined ? '' : bytesText(peakBytes)
    const line = `${name.padEnd(22)} ${rate.padStart(9)}/s  ${cpu}  ${memory.padStart(8)}`
    console.log(
      `${line}  ${name === first.name ? '' : comparisonText(compare(name, rates, first.name, first.rates), first.name)}`,
    )
  }
}

function comparisonText(comparison: Comparison, base: string): string {
  if (comparison.kind === 'refused') return comparison.why
  const { ratio, pieces } = comparison
  return `${ratio.toFixed(2)} of ${base} (pieces ${pieces.min.toFixed(2)} to ${pieces.max.toFixed(2)})`
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
  const records = Math.ceil(expectedPerSecond(workload, availableParallelism()) * FILLED_AT_FIRST_S)
  console.error(`filling a topic with ${records.toLocaleString('en')} records`)
  const backlog = new Backlog(filler, workload)
  await backlog.fill(records)
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
  if (workload.publishes === true) {
    for (const { name } of prepared) {
      await kafka.admin.createTopic(outputsOf(name), { partitions: workload.partitions })
    }
  }
  const contestants = prepared.map(({ name, system }) => new Contestant(name, stage, workload, system))
  try {
    await race(contestants, backlog, activeS)
    if (workload.publishes === true) await checkOutputs(kafka.brokers, contestants)
    print(contestants)
  } finally {
    for (const each of contestants) each.kill()
  }
  await filler.close()
} finally {
  bundle.remove()
  await kafka.stop()
}
