/** One process of a member: what a consumer does around the membership, and its connection to the coordinator, first in, first out. */
import { GroupMembership } from '../../../framework/kafka/javascript/membership.ts'
import type {
  CommitGrant,
  GroupPartition,
  HeartbeatAnswer,
  HeartbeatRequest,
  MembershipEvent,
} from '../../../framework/kafka/javascript/membership-steps.ts'
import { Violation } from '../oracle.ts'
import { type Claim, GroupListener } from './group-listener.ts'
import { groupSeen, MemberBooks, storedCommit } from './group-oracle.ts'
import { codes, keyOf, type MemberId, type ModelGroup, partitionOf } from './model-group.ts'

/** A request without an answer ends the connection. */
const REQUEST_TIMEOUT_MS = 6_000
/** Before a commit is sent again that was not answered, or refused for the moment. */
const COMMIT_AGAIN_MS = 50
/** More heartbeats at one moment are a loop without a pause. */
const MOST_AT_ONCE = 10

/** The coordinator, wherever it is now. */
export interface Coordinator {
  readonly group: ModelGroup
  /** Counts its moves. */
  place: number
  loadingUntilMs: number
  /** Of the next request, whatever it is. */
  refuseNext: number | undefined
  /** From now on no answer is lost. */
  isCalm: boolean
}

interface Commit {
  readonly partitions: readonly GroupPartition[]
  readonly grant: CommitGrant
}

type Out = {
  readonly sentAtMs: number
  /** Undefined until the coordinator has handled it. */
  answer: HeartbeatAnswer | number | undefined
} & (
  | { readonly kind: 'heartbeat'; readonly request: HeartbeatRequest }
  | { readonly kind: 'commit'; readonly commit: Commit }
)

export interface MemberOptions extends MemberId {
  readonly rebalanceTimeoutMs: number
  readonly coordinator: Coordinator
  /** A consumer stands between the membership and its user. */
  readonly hasAssignments: boolean
}

export class GroupMember {
  readonly id: string
  readonly instanceId: string | undefined
  readonly books: MemberBooks
  readonly membership: GroupMembership
  readonly listener: GroupListener | undefined
  /** Where there is no listener. */
  readonly hooks: { readonly revokeId: number; readonly beganAtMs: number }[] = []
  /** Committed and stored since it was last assigned. */
  readonly stored = new Set<string>()
  failedWith: number | undefined
  isLeaving = false
  /** When its connection last had anything but quick and plain answers. */
  troubleAtMs = 0
  readonly #coordinator: Coordinator
  #out: Out[] = []
  #place = -1
  /** To be sent again after the next heartbeat's answer. */
  #waiting: GroupPartition[] = []
  /** Of a listener, one after the other: the first is out, or to be sent. */
  readonly #line: Claim[] = []
  #lineNotBeforeMs = 0
  #nowMs = 0
  #metItself = 0
  #fences = 0
  #atOnce = 0
  #lastMs = -1

  constructor({ memberId, instanceId, rebalanceTimeoutMs, coordinator, hasAssignments }: MemberOptions) {
    this.id = memberId
    this.instanceId = instanceId
    this.books = new MemberBooks(memberId)
    this.#coordinator = coordinator
    const nameLimitMs = instanceId === undefined ? undefined : 20_000
    this.membership = new GroupMembership({ topics: ['orders'], rebalanceTimeoutMs, nameLimitMs })
    if (!hasAssignments) return
    this.listener = new GroupListener({
      name: memberId,
      books: this.books,
      owns: (partition) => this.membership.owned([partition]).length > 0,
      onReleased: (revokeId) => this.#released(revokeId),
    })
  }

  get wakeAtMs(): number {
    const oldest = this.#out[0]
    const timeoutMs = oldest === undefined ? Number.POSITIVE_INFINITY : oldest.sentAtMs + REQUEST_TIMEOUT_MS
    return Math.min(this.membership.wakeAtMs, timeoutMs)
  }

  get hasOut(): boolean {
    return this.#out.length > 0
  }

  pump(nowMs: number): void {
    this.#nowMs = nowMs
    const oldest = this.#out[0]
    if (oldest !== undefined && nowMs >= oldest.sentAtMs + REQUEST_TIMEOUT_MS) this.break(nowMs, 0)
    const { events, request } = this.membership.step(nowMs)
    for (const event of events) this.#take(event, nowMs)
    if (request !== undefined) this.#beat(request, nowMs)
    this.#sendLine(nowMs)
  }

  #beat(request: HeartbeatRequest, nowMs: number): void {
    this.#counts(nowMs)
    this.books.sends(request)
    if (request.findsCoordinator) this.#place = this.#coordinator.place
    this.#out.push({ kind: 'heartbeat', request, sentAtMs: nowMs, answer: undefined })
  }

  /** Tries these, whoever owns them, as a consumer would that has not looked. */
  commit(partitions: readonly GroupPartition[], nowMs: number): void {
    if (this.listener !== undefined) {
      const claim = this.listener.claim(partitions)
      if (claim !== undefined) this.#line.push(claim)
      this.#sendLine(nowMs)
      return
    }
    const owned = new Set(this.membership.owned(partitions).map(keyOf))
    for (const each of partitions) this.books.filtered(each, owned.has(keyOf(each)))
    const grant = this.membership.grant
    const sendable = partitions.filter((each) => owned.has(keyOf(each)))
    if (grant === undefined) {
      if (sendable.length > 0) throw new Violation('GRANT', `${this.id} owns partitions and may not commit them`)
      return
    }
    if (sendable.length === 0) return
    const commit = { partitions: sendable, grant }
    this.#out.push({ kind: 'commit', commit, sentAtMs: nowMs, answer: undefined })
  }

  /** A listener's next commit waits, as it does while one before it is sent again and again. */
  stallCommits(untilMs: number): void {
    this.#lineNotBeforeMs = untilMs
  }

  /** The coordinator handles the oldest request that it has not seen. */
  deliver(nowMs: number): void {
    const out = this.#out.find(({ answer }) => answer === undefined)
    if (out === undefined) return
    out.answer = this.#handle(out, nowMs)
    if (typeof out.answer === 'number' && out.answer !== 0) this.troubleAtMs = nowMs
  }

  /** The oldest answer arrives. */
  reply(nowMs: number): void {
    const [out] = this.#out
    if (out?.answer === undefined) return
    this.#out.shift()
    if (out.kind === 'commit') this.#committed(out.commit, out.answer as number, nowMs)
    else {
      const { id } = out.request
      if (typeof out.answer === 'number') this.membership.refused(id, out.answer, nowMs)
      else this.membership.answered(id, out.answer, nowMs)
      if (!Number.isFinite(this.#lineNotBeforeMs)) this.#lineNotBeforeMs = nowMs
      const again = this.#waiting.splice(0)
      if (again.length === 0) return
      this.pump(nowMs)
      this.commit(again, nowMs)
    }
  }

  /** The connection ends: the coordinator has handled so many of what is out, and no answer arrives. */
  break(nowMs: number, handled: number): void {
    for (let left = handled; left > 0; left -= 1) this.deliver(nowMs)
    this.troubleAtMs = nowMs
    for (const out of this.#out.splice(0)) {
      groupSeen.unanswered += 1
      if (out.kind === 'heartbeat') this.membership.unanswered(out.request.id, nowMs)
      else {
        this.membership.coordinatorMoved()
        this.#lineNotBeforeMs = nowMs + COMMIT_AGAIN_MS
      }
    }
  }

  leave(nowMs: number): void {
    this.isLeaving = true
    this.listener?.close()
    this.membership.leave(nowMs)
  }

  /** One of the hooks that run, if any. */
  settle(share: number, nowMs: number): void {
    this.#nowMs = nowMs
    this.listener?.hook?.settle()
    const [hook] = this.hooks.splice(Math.floor(share * this.hooks.length), 1)
    if (hook !== undefined) this.#released(hook.revokeId)
  }

  /** Those that have run for so long. */
  settleDue(hookMs: number, nowMs: number): void {
    this.#nowMs = nowMs
    const { hook } = this.listener ?? {}
    if (hook !== undefined && nowMs >= hook.beganAtMs + hookMs) hook.settle()
    const due = this.hooks.findIndex(({ beganAtMs }) => nowMs >= beganAtMs + hookMs)
    if (due >= 0) this.settle(due / this.hooks.length, nowMs)
  }

  #released(revokeId: number): void {
    this.books.settled(revokeId)
    this.membership.revoked(revokeId, this.#nowMs)
  }

  /** One commit at a time, each only while the assignment lasts in which it was asked for. */
  #sendLine(nowMs: number): void {
    for (;;) {
      const [claim] = this.#line
      if (claim === undefined || nowMs < this.#lineNotBeforeMs) return
      if (this.#out.some(({ kind }) => kind === 'commit')) return
      const { grant } = this.membership
      if (grant !== undefined && claim.mayBeSent()) {
        const commit = { partitions: claim.partitions, grant }
        this.#out.push({ kind: 'commit', commit, sentAtMs: nowMs, answer: undefined })
        return
      }
      this.#line.shift()
    }
  }

  #counts(nowMs: number): void {
    this.#atOnce = nowMs === this.#lastMs ? this.#atOnce + 1 : 0
    this.#lastMs = nowMs
    if (this.#atOnce > MOST_AT_ONCE) throw new Violation('SPIN', `${this.id} does not come to rest at ${nowMs} ms`)
  }

  #take(event: MembershipEvent, nowMs: number): void {
    this.books.told(event)
    this.listener?.take(event)
    if (event.kind === 'revoke' && this.listener === undefined)
      this.hooks.push({ revokeId: event.revokeId, beganAtMs: nowMs })
    else if (event.kind === 'assigned') for (const each of event.partitions) this.stored.delete(keyOf(each))
    else if (event.kind === 'failed') this.failedWith = event.code
  }

  #handle(out: Out, nowMs: number): HeartbeatAnswer | number {
    const { group, place, loadingUntilMs, refuseNext } = this.#coordinator
    if (this.#place !== place) return codes.NOT_COORDINATOR
    if (nowMs < loadingUntilMs) return codes.LOADING
    if (refuseNext !== undefined) {
      this.#coordinator.refuseNext = undefined
      return refuseNext
    }
    const of = { memberId: this.id, instanceId: this.instanceId }
    if (out.kind === 'heartbeat') {
      const answer = group.heartbeat(of, out.request, nowMs)
      if (answer === codes.UNRELEASED_INSTANCE) this.#checkName()
      if (answer === codes.FENCED_EPOCH) this.#checkFence()
      if (answer === codes.INVALID_REQUEST)
        throw new Violation('INVALID', `${this.id} sends ${JSON.stringify(out.request)}`)
      return answer
    }
    const { partitions, grant } = out.commit
    const keys = partitions.map(keyOf)
    const code = group.commit(of, grant.memberEpoch, keys)
    if (code === 0) storedCommit(group, this.id, keys)
    else if (code === codes.STALE_EPOCH) groupSeen.staleCommits += 1
    return code
  }

  /** It may meet its own name once: then it knows. */
  #checkName(): void {
    const { group, isCalm } = this.#coordinator
    if (!isCalm || this.instanceId === undefined || group.holderOf(this.instanceId) !== this.id) return
    this.#metItself += 1
    if (this.#metItself > 1) throw new Violation('OWN-NAME', `${this.id} waits for its own name`)
  }

  /** It must not go on with what it is fenced for. */
  #checkFence(): void {
    if (!this.#coordinator.isCalm) return
    this.#fences += 1
    if (this.#fences > 2) throw new Violation('FENCED', `${this.id} goes on at an epoch for which it was fenced`)
  }

  #committed({ partitions, grant }: Commit, code: number, nowMs: number): void {
    if (code === 0) {
      for (const key of partitions.map(keyOf)) this.stored.add(key)
      this.#line.shift()
      this.#sendLine(nowMs)
      return
    }
    groupSeen.refusedCommits += 1
    const verdict = this.membership.commitRefused(code, grant, nowMs)
    if (this.listener !== undefined) {
      if (verdict === 'lost' || verdict === 'final') this.#line.shift()
      else if (verdict === 'later') this.#lineNotBeforeMs = Number.POSITIVE_INFINITY
      else if (verdict === 'retry') this.#lineNotBeforeMs = nowMs + COMMIT_AGAIN_MS
      this.#sendLine(nowMs)
      return
    }
    if (verdict === 'again') this.commit(partitions, nowMs)
    else if (verdict === 'later') this.#waiting.push(...partitions)
  }
}

export function allPartitions(group: ModelGroup): readonly GroupPartition[] {
  return group.partitions.map(partitionOf)
}
