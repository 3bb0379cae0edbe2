/**
 * One member of one group by the protocol `consumer` (KIP-848), as a synchronous state machine: says which heartbeat to send when, what was
 * assigned, what must be let go, what is lost, and with which epoch commits may be sent. Has no I/O, no timer and no clock of its own.
 *
 *     const step = membership.step(now)       // at `wakeAtMs`, and after each other verb
 *     for (const event of step.events) ...    // hooks, onLost, positions
 *     if (step.request) send(step.request)    // later exactly one of answered | refused | unanswered
 *
 * States: joining -> joined -> leaving -> left. `releasing`: a static member gives its name back before it joins anew. `failed` is the end.
 * What the broker does was probed on Apache Kafka 4.4.0. Times are milliseconds of any clock that never goes back.
 */
import { groupCodeMeaning } from './group-codes.ts'
import { HeartbeatInFlight } from './heartbeat-in-flight.ts'
import { HeartbeatPace } from './heartbeat-pace.ts'
import { MemberPartitions } from './member-partitions.ts'
import type {
  CommitGrant,
  CommitVerdict,
  GroupPartition,
  HeartbeatAnswer,
  HeartbeatRequest,
  MembershipEvent,
  MembershipOptions,
  MembershipStep,
} from './membership-steps.ts'
import { revokeLimitMs } from './revoke-limit.ts'
import { StaticName } from './static-name.ts'

const JOIN = 0
const LEAVE = -1
/** The partitions wait for the name until the session is over. */
const LEAVE_STATIC = -2
/** How long the coordinator may take to hear that this member leaves. */
const LEAVE_LIMIT_MS = 5_000
const NAME_RETRY_MS = 3_000

type State = 'joining' | 'releasing' | 'joined' | 'leaving' | 'left' | 'failed'

export class GroupMembership {
  #options: MembershipOptions
  readonly #partitions = new MemberPartitions()
  readonly #pace = new HeartbeatPace()
  readonly #inFlight = new HeartbeatInFlight()
  readonly #name: StaticName | undefined
  #state: State = 'joining'
  #grant: CommitGrant = { memberEpoch: JOIN, session: 1 }
  /** The next request says everything: the group may not know what is owned. */
  #isFullDue = true
  #leaveUntilMs = Number.POSITIVE_INFINITY
  #events: MembershipEvent[] = []

  constructor(options: MembershipOptions) {
    this.#options = options
    this.#name = options.nameLimitMs === undefined ? undefined : new StaticName(options.nameLimitMs)
  }

  /** What has happened, and what is to be sent now. */
  step(nowMs: number): MembershipStep {
    const overdue = this.#partitions.takeOverdue(nowMs)
    if (overdue.length > 0) {
      this.#events.push({ kind: 'lost', partitions: overdue, why: 'overdue' })
      this.#sayAll(nowMs)
    }
    if (this.#state === 'leaving') this.#boundLeaving(nowMs)
    const request = this.#due(nowMs)
    const events = this.#events
    this.#events = []
    return { events, request }
  }

  /** When `step` has something to do without another verb before. Infinity when it has not. */
  get wakeAtMs(): number {
    if (this.#hasEnded) return Number.POSITIVE_INFINITY
    const dueMs = this.#inFlight.isEmpty && !this.#wantsNothing ? this.#pace.dueAtMs : Number.POSITIVE_INFINITY
    return Math.min(dueMs, this.#partitions.nextDeadlineMs, this.#leaveUntilMs)
  }

  answered(id: number, { memberEpoch, heartbeatIntervalMs, assignment }: HeartbeatAnswer, nowMs: number): void {
    const sent = this.#inFlight.end(id)
    if (sent === undefined || this.#hasEnded || sent.session !== this.#grant.session) return
    const toldSinceMs = this.#pace.answered(sent.atMs, nowMs, heartbeatIntervalMs)
    if (sent.request.memberEpoch < JOIN) {
      this.#released(nowMs)
      return
    }
    // librdkafka's mock broker answers a join with 0 while others hold what is to come: asked again at the interval.
    if (memberEpoch <= JOIN) return
    this.#grant = { memberEpoch, session: this.#grant.session }
    if (sent.request.memberEpoch === JOIN) this.#joined()
    const isSaid = sent.version === this.#partitions.version && sent.request.topics === this.#options.topics
    if (isSaid) this.#isFullDue = false
    if (assignment !== null) this.#take(assignment, toldSinceMs + revokeLimitMs(this.#options.rebalanceTimeoutMs))
    if (this.#isFullDue || this.#isReadyToLeave) this.#pace.hurry(nowMs)
  }

  refused(id: number, code: number, nowMs: number): void {
    const sent = this.#inFlight.end(id)
    if (sent === undefined || this.#hasEnded || sent.session !== this.#grant.session) return
    const isJoin = sent.request.memberEpoch === JOIN
    const meaning = groupCodeMeaning(code)
    this.#events.push({ kind: 'refused', code, isJoin })
    this.#isFullDue = true
    if (meaning === 'moved') this.#pace.lostCoordinator()
    else this.#pace.foundCoordinator()
    if (meaning === 'moved' || meaning === 'loading' || meaning === 'passing') this.#pace.failed(nowMs)
    else if (meaning === 'fatal' || (meaning === 'unknown-group' && isJoin)) this.#fail(code)
    else if (meaning === 'name-in-use') this.#awaitName(code, nowMs)
    else if (meaning === 'fenced-name') {
      // Asked to give back what was never taken: the name is another's, who may be gone soon.
      if (this.#state === 'releasing' && this.#name?.isOurs !== true) this.#awaitName(code, nowMs)
      else this.#fail(code)
    } else if (sent.request.memberEpoch < JOIN) this.#released(nowMs)
    else if (meaning === 'unknown-member' || meaning === 'unknown-group') this.#forgotten(nowMs)
    else this.#fenced(nowMs)
  }

  /** The answer never came: whether the request was done is not known. */
  unanswered(id: number, nowMs: number): void {
    const sent = this.#inFlight.end(id)
    if (sent === undefined || this.#hasEnded) return
    this.#isFullDue = true
    if (sent.request.memberEpoch === JOIN) this.#name?.joinUnanswered()
    this.#pace.unanswered(sent.atMs, nowMs)
  }

  /** Wants these from now on: the next heartbeat says so, and goes at once. */
  changeTopics(topics: readonly string[], nowMs: number): void {
    this.#options = { ...this.#options, topics }
    this.#sayAll(nowMs)
  }

  /** Whoever used the partitions of this revoke has let them go. */
  revoked(revokeId: number, nowMs: number): void {
    if (this.#partitions.settle(revokeId)) this.#sayAll(nowMs)
  }

  /** Asks for everything back, then leaves. Takes the limit of a revoke and five seconds at most. */
  leave(nowMs: number): void {
    if (this.#state === 'failed') this.#left(false)
    if (this.#state === 'leaving' || this.#state === 'left') return
    this.#state = 'leaving'
    const limitMs = revokeLimitMs(this.#options.rebalanceTimeoutMs)
    this.#leaveUntilMs = nowMs + limitMs + LEAVE_LIMIT_MS
    this.#askBack(this.#partitions.without([]), nowMs + limitMs)
    this.#pace.hurry(nowMs)
  }

  /** Those of `partitions` that may be committed at this moment: the broker would store what others own, too. */
  owned<T extends GroupPartition>(partitions: readonly T[]): readonly T[] {
    return partitions.filter((each) => this.#partitions.has(each))
  }

  /** `undefined`: nothing can be committed or looked up now. While a revoke waits for its hook, it can. */
  get grant(): CommitGrant | undefined {
    return this.#grant.memberEpoch > JOIN ? this.#grant : undefined
  }

  /** A commit, or a look-up of committed offsets, that was sent with `grant` was refused with this code. */
  commitRefused(code: number, grant: CommitGrant, nowMs: number): CommitVerdict {
    const meaning = groupCodeMeaning(code)
    if (meaning === 'moved') this.#pace.lostCoordinator()
    if (meaning === 'moved' || meaning === 'loading') return 'retry'
    if (meaning === 'passing' || meaning === 'fatal' || meaning === 'name-in-use') return 'final'
    if (grant.session !== this.#grant.session || this.#hasEnded) return 'lost'
    if (meaning === 'fenced-name') this.#fail(code)
    else if (meaning === 'unknown-member' || meaning === 'unknown-group') this.#forgotten(nowMs)
    else {
      if (grant.memberEpoch !== this.#grant.memberEpoch) return 'again'
      this.#sayAll(nowMs)
      return 'later'
    }
    return 'lost'
  }

  /** Somebody else has heard that the coordinator has moved, or could not reach it. */
  coordinatorMoved(): void {
    this.#pace.lostCoordinator()
  }

  /** The group has taken this member in, and waits for nothing that it should give up. So it is at the end, too, and while it leaves, which is bounded. */
  get isSettled(): boolean {
    const isJoining = (this.#state === 'joining' && !this.#wantsNothing) || this.#state === 'releasing'
    return !isJoining && (this.#state !== 'joined' || !Number.isFinite(this.#partitions.nextDeadlineMs))
  }

  /** A broker takes no member in that has no topic. */
  get #wantsNothing(): boolean {
    return this.#options.topics.length === 0 && this.#epochToSend() === JOIN
  }

  get #isReadyToLeave(): boolean {
    return this.#state === 'leaving' && this.#partitions.size === 0
  }

  get #hasEnded(): boolean {
    return this.#state === 'left' || this.#state === 'failed'
  }

  #due(nowMs: number): HeartbeatRequest | undefined {
    if (this.#hasEnded || !this.#inFlight.isEmpty || nowMs < this.#pace.dueAtMs) return undefined
    if (this.#wantsNothing) return undefined
    const memberEpoch = this.#epochToSend()
    const isFull = memberEpoch === JOIN || (memberEpoch > JOIN && this.#isFullDue)
    const said = {
      memberEpoch,
      topics: isFull ? this.#options.topics : null,
      rebalanceTimeoutMs: isFull ? this.#options.rebalanceTimeoutMs : -1,
      owned: isFull ? this.#partitions.all : null,
      findsCoordinator: this.#pace.findsCoordinator,
    }
    const version = isFull ? this.#partitions.version : undefined
    return this.#inFlight.send(said, { atMs: nowMs, session: this.#grant.session, version })
  }

  #epochToSend(): number {
    if (this.#isReadyToLeave || this.#state === 'releasing') return this.#name === undefined ? LEAVE : LEAVE_STATIC
    return this.#grant.memberEpoch
  }

  #joined(): void {
    this.#name?.joined()
    if (this.#state === 'joining') this.#state = 'joined'
    this.#events.push({ kind: 'joined' })
  }

  #take(assignment: readonly GroupPartition[], deadlineMs: number): void {
    if (this.#state === 'leaving') {
      // All is being given up already. What the group wants back, too, it does not wait for any longer than otherwise.
      this.#partitions.hasten(assignment, deadlineMs)
      return
    }
    this.#askBack(this.#partitions.without(assignment), deadlineMs)
    const partitions = this.#partitions.add(assignment)
    if (partitions.length === 0) return
    this.#events.push({ kind: 'assigned', partitions })
    this.#isFullDue = true
  }

  #askBack(partitions: readonly GroupPartition[], deadlineMs: number): void {
    if (partitions.length === 0) return
    const revokeId = this.#partitions.beginRevoke(partitions, deadlineMs)
    this.#events.push({ kind: 'revoke', revokeId, partitions })
  }

  #sayAll(nowMs: number): void {
    this.#isFullDue = true
    this.#pace.hurry(nowMs)
  }

  #boundLeaving(nowMs: number): void {
    if (this.#partitions.size === 0) {
      this.#leaveUntilMs = Math.min(this.#leaveUntilMs, nowMs + LEAVE_LIMIT_MS)
      // It has never said a word.
      if (!this.#inFlight.hasSent) this.#left(true)
    }
    if (this.#state === 'leaving' && nowMs >= this.#leaveUntilMs) this.#left(false)
  }

  /** The group counts this member out: it is a new one from now on. */
  #forgotten(nowMs: number): void {
    this.#name?.released()
    this.#beginAnew('joining', nowMs)
  }

  /** The group still has this member, at an epoch that is not known here: under a static name it would refuse another join. */
  #fenced(nowMs: number): void {
    this.#beginAnew(this.#name === undefined ? 'joining' : 'releasing', nowMs)
  }

  #beginAnew(state: State, nowMs: number): void {
    this.#loseAll()
    // The leave is sent all the same: a member that is fenced is still in the group.
    if (this.#state !== 'leaving') this.#state = state
    this.#pace.beginAnew(nowMs, 0)
  }

  /** A leave was answered, or refused by one who does not know this member. */
  #released(nowMs: number): void {
    this.#name?.released()
    if (this.#state === 'leaving') {
      this.#left(true)
      return
    }
    this.#state = 'joining'
    this.#pace.beginAnew(nowMs, 0)
  }

  #awaitName(code: number, nowMs: number): void {
    if (this.#state === 'leaving' || this.#name === undefined) {
      this.#fail(code)
      return
    }
    if (this.#state === 'joining' && this.#name.isWorthReleasing) {
      this.#state = 'releasing'
      this.#pace.beginAnew(nowMs, 0)
      return
    }
    const verdict = this.#name.refused(nowMs)
    if (verdict === 'over') {
      this.#fail(code)
      return
    }
    if (verdict === 'first') this.#events.push({ kind: 'name-in-use' })
    this.#state = 'joining'
    this.#pace.beginAnew(nowMs, NAME_RETRY_MS)
  }

  #loseAll(): void {
    const partitions = this.#partitions.takeAll()
    this.#grant = { memberEpoch: JOIN, session: this.#grant.session + 1 }
    this.#isFullDue = true
    if (partitions.length > 0) this.#events.push({ kind: 'lost', partitions, why: 'fenced' })
  }

  #fail(code: number): void {
    this.#loseAll()
    if (this.#state === 'leaving') {
      this.#left(false)
      return
    }
    this.#state = 'failed'
    this.#events.push({ kind: 'failed', code })
  }

  #left(isTold: boolean): void {
    this.#loseAll()
    this.#state = 'left'
    this.#events.push({ kind: 'left', isTold })
  }
}
