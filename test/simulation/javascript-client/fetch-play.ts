/** Plays a schedule of fetching: one plan against model brokers, watched by the oracle; then the weather is calm. */
import type { PartitionLeader } from '../../../framework/kafka/javascript/fetch-steps.ts'
import { Violation } from '../oracle.ts'
import { FetchClient } from './fetch-client.ts'
import { fetchSeen } from './fetch-oracle.ts'
import type { FetchSchedule, FetchScheduleStep, FetchSetup } from './fetch-schedule.ts'
import { ModelCluster, ModelLog } from './model-log.ts'
import { FAR_REPLICA, type ReplicaState, replicaAt } from './model-replica.ts'

const CALM_MS = 6_000
/** Beyond that, until it is noticed that a broker does not answer. */
const FROZEN_MS = 3_000
/** Nobody can tell that a replica is stuck, so its leader is asked again from time to time; and then it no more names one that is not in sync. */
const STUCK_MS = 310_000
/** Longer than a fetch waits, so that the leader is asked again, and names the replica. */
const LAG_MS = 1_500
/** Nothing new for so long, and the plan is to be quiet. */
const QUIET_MS = 2_000
/** In that time at each broker: one each `MAX_WAIT_MS` would do. */
const MOST_WHEN_QUIET = 6
const MOST_QUESTIONS = 2
/** How long there is always something of all partitions. */
const TURNS = 20
const TURN_MS = 10
/** What is written while nobody takes anything: of each partition more than may be held. */
const GATHERED_BATCHES = 40
const GATHERED_BYTES = 100

/** @throws Violation, or whatever the code under test throws */
export function playFetch({ setup, steps }: FetchSchedule): void {
  const game = new FetchGame(setup)
  for (const step of steps) game.step(step)
  game.calm()
}

class FetchGame {
  readonly #setup: FetchSetup
  readonly #client: FetchClient
  readonly #cluster = new ModelCluster()
  /** By number, the newest of its topic. */
  readonly #logs: ModelLog[] = []
  /** As metadata of a while ago tells them. */
  #leadersBefore: readonly PartitionLeader[] = []
  #topics = 0
  #now = 0

  constructor(setup: FetchSetup) {
    this.#setup = setup
    this.#client = new FetchClient(setup, this.#cluster)
    for (let partition = 0; partition < setup.partitions; partition += 1) this.#makeLog(partition)
    for (const log of this.#logs) this.#client.assign(log, undefined)
    this.#client.pump(this.#now)
  }

  step({ kind, a, b }: FetchScheduleStep): void {
    const log = this.#logs[Math.floor(a * this.#logs.length)] as ModelLog
    const out = this.#client.out[Math.floor(a * this.#client.out.length)]
    const broker = Math.floor(b * this.#setup.brokers)
    switch (kind) {
      case 'append':
        log.append(1 + Math.floor(b * 4), 20 + Math.floor(b * 40))
        break
      case 'append-large':
        fetchSeen.oversized += 1
        log.append(1, 150 + Math.floor(b * 3_000))
        break
      case 'begin-transaction':
        log.beginTransaction(1 + Math.floor(b * 3))
        break
      case 'end-transaction':
        log.endTransaction(b < 0.6)
        break
      case 'compact':
        log.compact(b)
        break
      case 'expire-oldest':
        log.expireOldest()
        break
      case 'move-leader':
        this.#rememberLeaders()
        log.moveLeader(broker)
        break
      case 'cut-log':
        this.#cut(log, broker)
        break
      case 'make-topic-anew':
        this.#makeTopicAnew()
        break
      case 'name-replica':
        if (this.#setup.replica !== undefined) this.#nameReplica(log, a < 0.5 ? FAR_REPLICA : broker, b)
        break
      case 'forget-replica':
        log.nearest = undefined
        break
      case 'stop-replica':
        this.#cluster.stopped.add(FAR_REPLICA)
        break
      case 'stop-broker':
        this.#cluster.stopped.add(broker)
        break
      case 'start-broker':
        this.#cluster.stopped.clear()
        break
      case 'deliver':
        if (out !== undefined) this.#client.deliver(out, this.#now)
        break
      case 'reply':
        if (out !== undefined) this.#client.reply(out, this.#now)
        break
      case 'fail':
        if (out !== undefined) this.#client.fail(out, this.#now)
        break
      case 'tell-leaders':
        this.#client.tellLeaders(this.#leaders(), this.#now)
        break
      case 'tell-leaders-of-before':
        this.#client.tellLeaders(this.#leadersBefore, this.#now)
        break
      case 'tell-no-leaders':
        this.#client.tellLeaders(undefined, this.#now)
        break
      case 'tell-bounds':
        this.#client.tellBounds(this.#now)
        break
      case 'refuse-bounds':
        this.#client.refuseBounds(b < 0.5 ? undefined : 7, this.#now)
        break
      case 'refuse-next':
        this.#cluster.refuseNext = [2, 29, -1, 56, 78, 9, 3, 35][Math.floor(b * 8)]
        break
      case 'damage-next':
        this.#cluster.damagesNext = true
        break
      case 'hand-out':
        if (this.#setup.mostTaken > 0) this.#client.handOut(1 + Math.floor(b * this.#setup.mostTaken), this.#now)
        break
      case 'pause':
      case 'resume':
        this.#client.setPaused(log, kind === 'pause')
        break
      case 'drop':
        this.#client.drop(log)
        break
      case 'assign':
        if (!this.#client.books.has(log.key))
          this.#client.assign(log, b < 0.2 ? undefined : Math.floor(b * (log.end + 2)))
        break
      case 'wait':
        this.#pass(b * 400)
        break
    }
    this.#client.pump(this.#now)
  }

  /** Everything that is to come arrives within a bound, then the plan is quiet; and it takes no more than it may. */
  calm(): void {
    this.#cluster.stopped.clear()
    this.#cluster.refuseNext = undefined
    this.#cluster.damagesNext = false
    for (const log of this.#logs) {
      log.endTransaction(false)
      this.#client.setPaused(log, false)
    }
    this.#settleReplicas()
    if (this.#setup.freezes && this.#setup.brokers > 1) this.#freeze()
    this.#live(this.#setup.replica === 'stuck' ? STUCK_MS : CALM_MS, true)
    for (const [key, books] of this.#client.books) {
      if (!this.#cluster.logs.has(key)) {
        // By now the group has taken it away.
        this.#client.drop(books.log)
        continue
      }
      const [missing] = books.missing
      if (missing !== undefined) throw new Violation('SKIPPED', `${key}@${missing.offset} is never handed out`)
    }
    const before = this.#client.questions
    const asked = this.#live(QUIET_MS, true)
    const questions = this.#client.questions - before
    if (questions > MOST_QUESTIONS) throw new Violation('SPIN', `${questions} questions about leaders that stay`)
    if (asked > MOST_WHEN_QUIET * this.#sources) throw new Violation('SPIN', `${asked} fetches of nothing`)
    if (this.#setup.floods) this.#checkTurns()
    for (const log of this.#logs) for (let i = 0; i < GATHERED_BATCHES; i += 1) log.append(1, GATHERED_BYTES)
    this.#client.gathered.clear()
    this.#live(QUIET_MS, false)
    this.#checkGathered()
    if (this.#client.books.size > 0 && this.#live(1_000, false) > 0) {
      throw new Violation('GATHERS', 'it goes on fetching what nobody takes')
    }
    if (this.#setup.floods && this.#logs.length > 2) this.#checkPaused()
  }

  /** How many brokers may be fetched from. */
  get #sources(): number {
    return this.#setup.brokers + (this.#setup.replica === undefined ? 0 : 1)
  }

  #nameReplica(log: ModelLog, id: number, chance: number): void {
    const states: readonly ReplicaState[] = ['well', 'behind', 'well', 'refuses']
    log.nearest = replicaAt(
      id,
      states[Math.floor(chance * 40) % 4] ?? 'well',
      Math.max(0, log.end - Math.floor(chance * 6)),
    )
  }

  /** With a fetch out there, which is never answered. Only a question about leaders can tell where its partitions are. */
  #freeze(): void {
    const frozen = this.#setup.brokers - 1
    this.#live(TURN_MS, true)
    this.#cluster.frozen = frozen
    for (const log of this.#logs) {
      if (log.leader !== frozen) continue
      fetchSeen.frozen += 1
      log.moveLeader(0)
      log.append(1, 20)
    }
    this.#live(FROZEN_MS, true)
  }

  /** As they are for good. The leader goes on naming one that is dead or refuses. */
  #settleReplicas(): void {
    const { replica } = this.#setup
    if (replica === 'well') this.#letReplicaLag()
    for (const log of this.#logs) {
      log.nearest =
        replica === undefined ? undefined : replicaAt(FAR_REPLICA, replica === 'refuses' ? replica : 'well', 0)
    }
    if (replica === 'dead') this.#cluster.stopped.add(FAR_REPLICA)
    if (replica !== 'stuck') return
    this.#live(TURN_MS, true)
    for (const log of this.#logs) {
      log.nearest = { ...replicaAt(FAR_REPLICA, 'behind', log.end), isNamed: false }
      log.append(1, 20)
    }
  }

  /** For a while it has not got what was handed out already. */
  #letReplicaLag(): void {
    this.#live(TURN_MS, true)
    for (const log of this.#logs) log.nearest = replicaAt(FAR_REPLICA, 'behind', Math.max(0, log.end - 3))
    this.#live(LAG_MS, true)
  }

  /** A batch that is larger than every limit comes, though there is always something of all others. */
  #checkTurns(): void {
    const large = this.#logs.at(-1)
    if (large === undefined || this.#logs.length < 2) return
    for (const log of this.#logs) if (log.leader !== 0) log.moveLeader(0)
    large.append(1, 3 * this.#setup.maxBytes)
    for (let round = 0; round < TURNS; round += 1) {
      for (const log of this.#logs) if (log !== large) log.append(1, this.#setup.maxBytes - 1)
      this.#live(TURN_MS, true)
    }
    const [missing] = this.#client.books.get(large.key)?.missing ?? []
    if (missing !== undefined) throw new Violation('STARVED', `${large.key}@${missing.offset} waits behind the others`)
  }

  /** All hold what they may, and all but one are paused: that one goes on. */
  #checkPaused(): void {
    const last = this.#logs.at(-1)
    for (const log of this.#logs) this.#client.setPaused(log, log !== last)
    this.#live(QUIET_MS, true)
    const [missing] = (last !== undefined && this.#client.books.get(last.key)?.missing) || []
    if (missing !== undefined)
      throw new Violation('STARVED', `${missing.key}@${missing.offset} waits behind what is paused`)
  }

  /** With blocks counted whole, one more than fits is the most. */
  #checkGathered(): void {
    const { partitionBufferBytes, totalBufferBytes, maxBytes } = this.#setup
    const most = Math.max(...this.#client.gathered.values(), 0)
    const all = [...this.#client.gathered.values()].reduce((sum, bytes) => sum + bytes, 0)
    const block = Math.max(maxBytes, GATHERED_BYTES)
    if (most > partitionBufferBytes + block) throw new Violation('GATHERS', `${most} bytes of one partition are held`)
    if (all > totalBufferBytes + this.#sources * block) throw new Violation('GATHERS', `${all} bytes are held`)
  }

  /** @returns how many fetches were sent */
  #live(ms: number, takes: boolean): number {
    const untilMs = this.#now + ms
    const before = this.#client.asked
    while (this.#now < untilMs) {
      this.#client.pump(this.#now)
      this.#client.tellLeaders(this.#leaders(), this.#now)
      while (this.#client.lookUps.length > 0) this.#client.tellBounds(this.#now)
      for (const out of [...this.#client.out]) {
        this.#client.deliver(out, this.#now)
        if (out.answer !== undefined) this.#client.reply(out, this.#now)
      }
      if (takes) while (this.#client.handOut(7, this.#now) > 0);
      this.#client.pump(this.#now)
      this.#now = Math.max(Math.min(untilMs, this.#client.nextMs(this.#now)), this.#now + 2)
    }
    return this.#client.asked - before
  }

  #pass(ms: number): void {
    const untilMs = this.#now + ms
    while (this.#now < untilMs) {
      this.#now = Math.min(untilMs, Math.max(this.#client.plan.wakeAtMs, this.#now + 1))
      this.#client.pump(this.#now)
    }
  }

  #leaders(): readonly PartitionLeader[] {
    return this.#logs.map(({ of, leader, epoch }) => ({ ...of, leaderId: leader, leaderEpoch: epoch }))
  }

  #rememberLeaders(): void {
    this.#leadersBefore = this.#leaders()
  }

  #cut(log: ModelLog, leader: number): void {
    const from = log.cut(leader)
    this.#client.books.get(log.key)?.cut(from)
  }

  /** The group takes the old partitions away, some time later; the new ones come at once. */
  #makeTopicAnew(): void {
    this.#topics += 1
    for (const old of this.#logs.splice(0)) {
      this.#cluster.logs.delete(old.key)
      this.#makeLog(old.of.partition)
      if (old.of.partition % 2 === 0) {
        this.#client.drop(old)
      }
    }
    for (const log of this.#logs) this.#client.assign(log, undefined)
  }

  #makeLog(partition: number): void {
    const log = new ModelLog({ topicId: `topic-${this.#topics}`, partition }, partition % this.#setup.brokers)
    this.#logs.push(log)
    this.#cluster.logs.set(log.key, log)
  }
}
