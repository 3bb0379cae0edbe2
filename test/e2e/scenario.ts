/** What every scenario on a real Kafka needs: a topic, a group, members, load, and books that must balance at the end. Leaves nothing behind. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { configDefaults } from '../../framework/config/resolve-config.ts'
import type { KafkaConnection, RecordProducer } from '../../framework/kafka/kafka-client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { connectUnderTest } from '../client-under-test.ts'
import { clientUnderTest } from '../test-client.ts'
import type { TopicOptions } from './kafka-admin.ts'
import type { KafkaCluster } from './kafka-harness.ts'
import { type Account, type Allowed, Ledger } from './ledger.ts'
import { type Behaviour, type MemberPlan, monotonicMs } from './member-log.ts'
import { eventually, MemberProcess } from './member-process.ts'

export const quietLog: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quietLog }

/** What a test may change of a member's plan. */
export type PlanChanges = Partial<Omit<MemberPlan, 'behaviour' | 'file' | 'name'>> & {
  readonly behaviour?: Partial<Behaviour>
}

const tickMs = 20
const SLOW_SHARE_MS = 30_000
const LONGEST_SHARE_MS = 150_000

/** Produces at a steady pace until it is stopped. */
export interface Load {
  /** Settles when everything that was handed over is acknowledged. */
  stop(): Promise<void>
}

interface SendOptions {
  readonly partition?: number | undefined
  readonly bytes?: number
  readonly producer?: RecordProducer
}

let scenarios = 0

export class Scenario {
  readonly topic: string
  readonly group: string
  readonly ledger = new Ledger()
  readonly members: MemberProcess[] = []
  readonly cluster: KafkaCluster
  readonly producer: RecordProducer
  readonly #test: TestContext
  readonly #directory: string
  readonly #common: PlanChanges
  readonly #connection: KafkaConnection
  readonly #sequences = new Map<string, number>()
  #nextKey = 0
  /** Handed to the producer and not acknowledged. */
  #underWay = 0

  /** @param common what all members of this scenario have in common */
  static async open(
    t: TestContext,
    cluster: KafkaCluster,
    topicOptions: TopicOptions,
    common: PlanChanges = {},
  ): Promise<Scenario> {
    const name = `s${process.pid}-${++scenarios}`
    await cluster.admin.createTopic(name, topicOptions)
    const { brokers } = cluster
    const connection = await connectUnderTest({ brokers, clientId: 'load', log: quietLog })
    const scenario = new Scenario(t, cluster, name, common, connection, await connection.producer())
    t.after(() => scenario.#close())
    return scenario
  }

  private constructor(
    t: TestContext,
    cluster: KafkaCluster,
    name: string,
    common: PlanChanges,
    connection: KafkaConnection,
    producer: RecordProducer,
  ) {
    this.#test = t
    this.cluster = cluster
    this.topic = name
    this.group = `${name}-group`
    this.#common = common
    this.#connection = connection
    this.producer = producer
    // Within the cluster's, which goes even when this process is killed.
    this.#directory = mkdtempSync(join(cluster.directory ?? tmpdir(), 'pyrallel-members-'))
  }

  /** Starts a member; settles when it has joined, which is before it has partitions. */
  async start(changes: PlanChanges = {}): Promise<MemberProcess> {
    const member = new MemberProcess(this.#plan(changes))
    this.members.push(member)
    return await member.started()
  }

  /** The members whose processes live. */
  get alive(): readonly MemberProcess[] {
    return this.members.filter((member) => member.isAlive)
  }

  /** Produces the next record of each of these keys, in order. */
  async produce(keys: readonly string[], partition?: number): Promise<void> {
    await Promise.all(keys.map((key) => this.#send(key, { partition })))
  }

  /** `count` records of one key, each of which takes `bytes` bytes. */
  async produceLarge(key: string, count: number, bytes: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.#send(key, { bytes })))
  }

  /** `count` records over `keys` keys in turn. */
  async produceMany(count: number, keys: number): Promise<void> {
    await this.produce(Array.from({ length: count }, () => this.#turn(keys)))
  }

  /** One record of a key of its own in each of the topic's partitions, by a producer that has just asked how many there are. */
  async produceEverywhere(partitions: number, prefix: string): Promise<void> {
    const producer = await this.#connection.producer()
    try {
      for (let partition = 0; partition < partitions; partition++) {
        await this.#send(`${prefix}${partition}`, { partition, producer })
      }
    } finally {
      await producer.close(5_000)
    }
  }

  load(perSecond: number, keys: number): Load {
    const outstanding: Promise<void>[] = []
    const startedAt = performance.now()
    let sent = 0
    const timer = setInterval(() => {
      const due = ((performance.now() - startedAt) / 1_000) * perSecond
      for (; sent < due; sent++) outstanding.push(this.#send(this.#turn(keys)))
    }, tickMs)
    this.#test.after(() => clearInterval(timer))
    return {
      stop: async () => {
        clearInterval(timer)
        await Promise.all(outstanding)
      },
    }
  }

  /**
   * Waits until the living members hold all partitions of the topic between them, each at least one. Longer than for anything else: a client that has
   * lost a request asks again after its socket time-out of 60 s. When it takes long, what the members did in their group is printed.
   */
  async untilShared(partitions: number, within: readonly MemberProcess[] = this.alive): Promise<void> {
    const what = () => `${within.length} members share ${partitions} partitions\n${this.#describe()}`
    const isShared = () => {
      const held = within.map((member) => member.partitions)
      return held.every((each) => each.length > 0) && new Set(held.flat()).size === partitions
    }
    const from = performance.now()
    let isTold = false
    const look = () => {
      const tookMs = performance.now() - from
      if (!isTold && tookMs > SLOW_SHARE_MS) {
        isTold = true
        this.#test.diagnostic(`after ${Math.round(tookMs)} ms not yet: ${what()}`)
      }
      return isShared()
    }
    await eventually(what, look, LONGEST_SHARE_MS)
  }

  /** Waits until each of these members holds as many partitions as the others, so that the group has nothing left to move. */
  async untilBalanced(partitions: number, members: readonly MemberProcess[]): Promise<void> {
    await this.untilShared(partitions, members)
    await eventually(
      () => `each member holds its share\n${this.#describe()}`,
      () => members.every((member) => member.partitions.length === partitions / members.length),
    )
  }

  /** Waits until `more` records have ended that had not when it was called. */
  async untilProgress(more: number, within: readonly MemberProcess[] = this.alive): Promise<void> {
    const ended = () => within.reduce((sum, member) => sum + member.count('end'), 0)
    const goal = ended() + more
    await eventually(
      () => `${more} more records are handled\n${this.#describe()}`,
      () => ended() >= goal,
    )
  }

  async untilAllHandled(withinMs?: number): Promise<void> {
    await eventually(
      () => `all records are handled; ${this.ledger.describeMissing(this.members)}\n${this.#describe()}`,
      () => this.ledger.missing(this.members).length === 0,
      withinMs,
    )
  }

  /** Waits until the group has committed every partition up to its end, with nothing open. */
  async untilCommitted(ends: ReadonlyMap<number, number>, withinMs?: number): Promise<void> {
    let last: unknown
    await eventually(
      () => `the group has committed ${JSON.stringify([...ends])}, not ${JSON.stringify(last)}\n${this.#describe()}`,
      async () => {
        const committed = await this.cluster.admin.committed(this.group, this.topic)
        last = committed
        return [...ends].every(([partition, end]) =>
          committed.some((each) => each.partition === partition && each.offset === end && each.metadata === ''),
        )
      },
      withinMs,
    )
  }

  /** Waits until a member's last commit is answered and nothing that is done is uncommitted: the moment is quiet. */
  async untilQuiet(member: MemberProcess, quietMs = 500): Promise<void> {
    await member.until('nothing was done for a while, and all is committed', () => {
      const last = (kinds: readonly string[]) => member.lines.findLast((line) => kinds.includes(line.kind))?.at ?? 0
      const now = monotonicMs()
      return last(['committed']) > last(['done', 'dead']) && now - last(['done', 'dead', 'commit', 'start']) > quietMs
    })
  }

  /** Stops who lives, and checks the books. @returns what they say, which is printed too */
  async finish(allowed: Allowed = {}): Promise<Account> {
    await this.untilAllHandled()
    await Promise.all(this.alive.map((member) => member.stop(allowed.stopWithinMs)))
    const account = this.ledger.check(this.members, allowed)
    this.#test.diagnostic(JSON.stringify(account))
    for (const member of this.members) {
      const failed = member.lines.find((line) => line.kind === 'failed')
      assert.equal(failed, undefined, `${member.name} gave up\n${member.describe()}`)
    }
    return account
  }

  #turn(keys: number): string {
    this.#nextKey = (this.#nextKey + 1) % keys
    return `k${this.#nextKey}`
  }

  async #send(key: string, { partition, bytes = 0, producer = this.producer }: SendOptions = {}): Promise<void> {
    const sequence = (this.#sequences.get(key) ?? 0) + 1
    this.#sequences.set(key, sequence)
    const value = Buffer.from(JSON.stringify({ sequence }).padEnd(bytes))
    const where = partition === undefined ? {} : { partition }
    this.#underWay++
    const place = await producer.produce({ topic: this.topic, key: Buffer.from(key), value, headers: [], ...where })
    this.#underWay--
    this.ledger.acknowledge(key, sequence, place)
  }

  #plan(changes: PlanChanges): MemberPlan {
    const { handlers, limits, commit, shutdown } = configDefaults
    const name = `member-${this.members.length + 1}`
    const healthy = { takesMs: [0, 0], blockedKeys: [], ignoresSignal: false, failures: {} } as const
    const behaviour = { ...healthy, publishesTo: null, givesUpEvery: 0 }
    return {
      // As the cluster has it.
      ...{ sessionTimeoutMs: 6_000, librdkafka: {}, client: clientUnderTest },
      ...{ topic: this.topic, group: this.group, groupProtocol: 'consumer', startFrom: 'earliest' },
      ...{ ordering: 'key', concurrency: 50, timeoutMs: handlers.timeoutMs, deadLetterTopic: null },
      retry: { attempts: 5, backoff: 'fixed', minMs: 20, maxMs: 20, jitter: false },
      ...{ limits, commit, shutdown, metrics: false, brokers: this.cluster.brokers },
      ...this.#common,
      ...changes,
      name,
      behaviour: { ...behaviour, ...this.#common.behaviour, ...changes.behaviour },
      file: join(this.#directory, `${name}.jsonl`),
    }
  }

  #describe(): string {
    const members = this.members.map((member) => `${member.isAlive ? '' : '(ended) '}${member.describe()}`)
    return [`${this.#underWay} records are on their way to the broker`, ...members].join('\n')
  }

  async #close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()))
    for (const member of this.members) member.close()
    await this.producer.close(1_000)
    await this.#connection.close()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
