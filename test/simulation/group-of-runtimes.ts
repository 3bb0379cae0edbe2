/** Runtimes of one group on the in-memory cluster, with chaos that comes from a seed, and a ledger of every record. Time is moved by hand. */
import { DeadLetter, type HandlerContext, type HandlerRecord, handler } from '../../framework/api/handler.ts'
import { topicsMatching } from '../../framework/api/topic.ts'
import { type MemoryCluster, memoryCluster } from '../../framework/kafka/memory/client.ts'
import type { MemoryLog } from '../../framework/kafka/memory/log.ts'
import type { Logger } from '../../framework/model/logger.ts'
import type { TopicPartition } from '../../framework/model/record.ts'
import { createRuntime } from '../../framework/runtime/create-runtime.ts'
import type { Runtime } from '../../framework/runtime/runtime.ts'
import { seededRandom } from '../../framework/runtime/seeded-random.ts'
import { ManualClock } from '../../framework/testing/manual-clock.ts'
import { LATE_TOPIC, ProcessBooks, pageOf, RecordLedger } from './record-ledger.ts'

const TOPIC = 'orders'
const DEAD = 'orders.dlq'
const GROUP = 'billing'
const PARTITIONS = 4
const MOST_PARTITIONS = 10
const KEYS = 12
/** In each partition, before the group comes. */
const OLD_RECORDS = 3
const LONGEST_ATTEMPT_MS = 150
const CALM_LIMIT_MS = 300_000
const MOST_REFUSALS = 6

export interface Chaos {
  /** 0 to 1, for each step. */
  readonly lose: number
  readonly abort: number
  readonly failCommits: number
  readonly slowCommits: number
  readonly failDeadLetters: number
  readonly failLookUps: number
  readonly addPartitions: number
  /** That a topic more is made, which the pattern of the handler matches. Above 0, it has one. */
  readonly lateTopic: number
  /** 0 to 1, for each attempt. */
  readonly failures: number
}

const faults = { lose: 0, abort: 0, failCommits: 0, slowCommits: 0, failDeadLetters: 0, failLookUps: 0 }
export const calm: Chaos = { ...faults, addPartitions: 0, lateTopic: 0, failures: 0 }
export const storm: Chaos = {
  lose: 0.04,
  abort: 0.02,
  failCommits: 0.15,
  slowCommits: 0.04,
  failDeadLetters: 0.05,
  failLookUps: 0.05,
  addPartitions: 0,
  lateTopic: 0,
  failures: 0.25,
}
/** Of a topic that grows, too. */
export const growth: Chaos = { ...storm, addPartitions: 0.02 }
/** A topic more comes, while members run and while none does. */
export const discovery: Chaos = { ...growth, lateTopic: 0.02 }

interface Member {
  readonly runtime: Runtime
  readonly books: ProcessBooks
  state: 'running' | 'leaving' | 'gone'
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

export class GroupOfRuntimes {
  readonly ledger = new RecordLedger()
  readonly clock = new ManualClock()
  readonly #cluster: MemoryCluster
  readonly #random: () => number
  readonly #chaos: Chaos
  readonly #startFrom: 'earliest' | 'latest'
  readonly #fatal: Error[] = []
  #partitions = PARTITIONS
  #hasLate = false
  #members: Member[] = []
  #lastMember = 0
  /** Commits that the cluster was told to refuse and has not refused yet. More of them would only lengthen the back-off of the last one. */
  #refusals = 0

  constructor(seed: number, chaos: Chaos, startFrom: 'earliest' | 'latest' = 'earliest') {
    this.#startFrom = startFrom
    this.#random = seededRandom(seed)
    this.#chaos = chaos
    this.#cluster = memoryCluster({ clock: this.clock })
    this.#cluster.createTopic(TOPIC, PARTITIONS)
    this.#cluster.createTopic(DEAD, 1)
  }

  /** Joins, leaves, losses, failures and records at random; after each step the books must be right. */
  async play(steps: number): Promise<void> {
    if (this.#startFrom === 'latest') this.#produceOld()
    await this.#join()
    await this.#until(() => this.#startFrom === 'earliest' || this.#hasBegun(), 'the group has begun')
    for (let step = 0; step < steps; step += 1) {
      this.#produce()
      await this.#disturb()
      await this.clock.advanceAndSettle(1 + Math.floor(this.#random() * 60))
      this.#checkCommits()
    }
  }

  /** Nothing is disturbed any more: everything must get done and committed, and everybody must leave cleanly. */
  async finish(): Promise<void> {
    this.#cluster.delayCommits(0)
    if (!this.#members.some(({ state }) => state === 'running')) await this.#join()
    await this.#until(() => this.#isAllCommitted(), 'all is committed')
    for (const member of this.#members) if (member.state === 'running') this.#leave(member)
    await this.#until(() => this.#members.every(({ state }) => state === 'gone'), 'all have left')
    await this.#until(() => this.clock.pendingTimers === 0, 'no timer is left')
    const [failure] = this.#fatal
    if (failure !== undefined) throw failure
    for (const { offset, partition } of this.#records()) this.ledger.requireDone(partition, offset)
  }

  // --- what happens ---

  #produce(): void {
    for (let count = Math.floor(this.#random() * 8); count > 0; count -= 1) {
      const key = Buffer.from(`k${Math.floor(this.#random() ** 2 * KEYS)}`)
      const topic = this.#hasLate && this.#chance(0.5) ? LATE_TOPIC : TOPIC
      this.#cluster.append({ topic, key, value: Buffer.from('{}'), headers: [] })
    }
  }

  #produceOld(): void {
    for (let partition = 0; partition < this.#partitions; partition += 1) {
      for (let count = 0; count < OLD_RECORDS; count += 1) {
        this.#cluster.append({
          topic: TOPIC,
          partition,
          key: Buffer.from('old'),
          value: Buffer.from('{}'),
          headers: [],
        })
      }
      this.ledger.beginAt(partition, OLD_RECORDS)
    }
  }

  #hasBegun(): boolean {
    return this.#cluster.group(GROUP).committed({ topic: TOPIC, partition: 0 }) !== undefined
  }

  async #disturb(): Promise<void> {
    const { lose, abort, failCommits, slowCommits, failDeadLetters, failLookUps, addPartitions, lateTopic } =
      this.#chaos
    const running = this.#members.filter(({ state }) => state === 'running')
    if (this.#chance(0.05) && running.length < 3) await this.#join()
    const victim = running[Math.floor(this.#random() * running.length)]
    // With 'latest' the last one, too: what comes while nobody is there must be handled by whoever comes next.
    const fewest = this.#startFrom === 'latest' ? 0 : 1
    if (victim !== undefined && running.length > fewest && this.#chance(0.04)) this.#leave(victim)
    if (victim !== undefined && this.#chance(abort)) {
      this.#leave(victim)
      victim.runtime.abort()
    }
    if (this.#chance(lose)) this.#lose()
    if (this.#chance(failCommits) && this.#refusals < MOST_REFUSALS) {
      this.#refusals += 1
      this.#cluster.failCommits(1)
    }
    if (this.#chance(failDeadLetters)) this.#cluster.failProductions(1 + Math.floor(this.#random() * 3))
    if (failLookUps > 0 && this.#chance(failLookUps)) this.#cluster.failLookUps(1 + Math.floor(this.#random() * 3))
    if (addPartitions > 0 && this.#chance(addPartitions) && this.#partitions < MOST_PARTITIONS) {
      this.#partitions += 1
      this.#cluster.addPartitions(TOPIC, this.#partitions)
    }
    if (lateTopic > 0 && !this.#hasLate && this.#chance(lateTopic)) {
      this.#hasLate = true
      this.#cluster.createTopic(LATE_TOPIC, PARTITIONS)
    }
    if (this.#chance(slowCommits)) this.#cluster.delayCommits(this.#chance(0.5) ? 0 : 3_000)
  }

  async #join(): Promise<void> {
    this.#lastMember += 1
    const books = new ProcessBooks(this.#lastMember, this.ledger)
    const runtime = createRuntime({
      connection: this.#cluster.connection(),
      handlers: [this.#handler(books)],
      startFrom: this.#startFrom,
      limits: {
        maxRecords: 60,
        maxBytes: 1e9,
        maxRecordsPerPartition: 30,
        maxBytesPerPartition: 1e9,
        maxOffsetSpan: 1e6,
        maxUncommitted: 1e6,
      },
      commit: { minIntervalMs: 50, recovery: 'metadata' },
      shutdown: { revokeGraceMs: 1_000, drainMs: 2_000 },
      log: silent,
      clock: this.clock,
      seed: this.#lastMember,
      onEvent: (event) => {
        if (event.kind === 'commit.failed' && event.willRetry) this.#refusals -= 1
        books.onEvent(event)
      },
    })
    runtime.failed.catch((error: Error) => this.#fatal.push(error))
    this.#members.push({ runtime, books, state: 'running' })
    await runtime.start()
  }

  #leave(member: Member): void {
    member.state = 'leaving'
    void member.runtime.stop().then(() => {
      member.state = 'gone'
    })
  }

  #lose(): void {
    const partition = Math.floor(this.#random() * this.#partitions)
    this.#cluster.group(GROUP).lose([{ topic: TOPIC, partition }])
  }

  #handler(books: ProcessBooks) {
    const run = (record: HandlerRecord<unknown>, context: HandlerContext) => this.#attempt(books, record, context)
    const topics = topicsMatching<unknown>(/^orders(\.late)?$/)
    const definition = this.#chaos.lateTopic > 0 ? handler(topics, run) : handler<unknown>(TOPIC, run)
    const { pattern } = definition
    return {
      route: {
        handlerId: 'charge',
        topic: definition.topic.name,
        ...(pattern === undefined ? {} : { pattern }),
        ordering: 'key',
        concurrency: 20,
        retry: { attempts: 3, backoff: 'exponential', minMs: 20, maxMs: 200, jitter: true },
        deadLetterTopic: DEAD,
      },
      group: GROUP,
      file: 'handlers/charge.ts',
      timeoutMs: 30_000,
      definition,
    } as const
  }

  /** Takes a while; some fail, and of those that are told to stop some obey. */
  async #attempt(books: ProcessBooks, record: HandlerRecord<unknown>, { signal }: HandlerContext): Promise<void> {
    const seen = { partition: pageOf(record), offset: record.offset, key: record.key }
    books.start(seen)
    const [fails, obeys] = [this.#chance(this.#chaos.failures), this.#chance(0.5)]
    let isStopped = false
    await new Promise<void>((resolve) => {
      const timer = this.clock.setTimer(Math.floor(this.#random() * LONGEST_ATTEMPT_MS), resolve)
      signal.addEventListener('abort', () => {
        if (!obeys) return
        isStopped = true
        timer.cancel()
        resolve()
      })
    })
    books.end(seen, !fails && !isStopped)
    if (isStopped) throw signal.reason
    if (fails) throw this.#chance(0.2) ? new DeadLetter('declined') : new Error('boom')
  }

  #chance(probability: number): boolean {
    return this.#random() < probability
  }

  // --- what must be so ---

  get #logs(): readonly MemoryLog[] {
    const logs = Array.from({ length: this.#partitions }, (_, partition) => this.#cluster.log(TOPIC, partition))
    if (!this.#hasLate) return logs
    return [...logs, ...Array.from({ length: PARTITIONS }, (_, partition) => this.#cluster.log(LATE_TOPIC, partition))]
  }

  #records() {
    return this.#logs.flatMap((log) => {
      const partition = pageOf(log)
      const own = log.records.filter(({ offset }) => offset >= this.ledger.beginOf(partition))
      return own.map(({ offset }) => ({ partition, offset }))
    })
  }

  #committed(of: TopicPartition): number {
    return this.#cluster.group(GROUP).committed(of)?.position ?? 0
  }

  #checkCommits(): void {
    const [violation] = this.ledger.violations
    if (violation !== undefined) throw violation
    this.ledger.readDeadLetters(this.#cluster.log(DEAD, 0).records)
    for (const log of this.#logs) this.ledger.checkCommit(pageOf(log), this.#committed(log))
  }

  #isAllCommitted(): boolean {
    this.#checkCommits()
    return this.#logs.every((log) => this.#committed(log) === log.end)
  }

  async #until(isSo: () => boolean, what: string): Promise<void> {
    for (let passed = 0; !isSo(); passed += 20) {
      if (passed > CALM_LIMIT_MS) throw new Error(`not so after ${CALM_LIMIT_MS} ms of calm: ${what}`)
      await this.clock.advanceAndSettle(20)
    }
  }
}
