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
import { groupSeen, MemberBooks, storedCommit } from './group-oracle.ts'
import { codes, keyOf, type MemberId, type ModelGroup, partitionOf } from './model-group.ts'

/** A request without an answer ends the connection. */
const REQUEST_TIMEOUT_MS = 6_000
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
}

export class GroupMember {
  readonly id: string
  readonly instanceId: string | undefined
  readonly books: MemberBooks
  readonly membership: GroupMembership
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
  #metItself = 0
  #fences = 0
  #atOnce = 0
  #lastMs = -1

  constructor({ memberId, instanceId, rebalanceTimeoutMs, coordinator }: MemberOptions) {
    this.id = memberId
    this.instanceId = instanceId
    this.books = new MemberBooks(memberId)
    this.#coordinator = coordinator
    const nameLimitMs = instanceId === undefined ? undefined : 20_000
    this.membership = new GroupMembership({ topics: ['orders'], rebalanceTimeoutMs, nameLimitMs })
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
    const oldest = this.#out[0]
    if (oldest !== undefined && nowMs >= oldest.sentAtMs + REQUEST_TIMEOUT_MS) this.break(nowMs, 0)
    const { events, request } = this.membership.step(nowMs)
    for (const event of events) this.#take(event, nowMs)
    if (request === undefined) return
    this.#counts(nowMs)
    this.books.sends(request)
    if (request.findsCoordinator) this.#place = this.#coordinator.place
    this.#out.push({ kind: 'heartbeat', request, sentAtMs: nowMs, answer: undefined })
  }

  /** Tries these, whoever owns them, as a consumer would that has not looked. */
  commit(partitions: readonly GroupPartition[], nowMs: number): void {
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
      else this.membership.coordinatorMoved()
    }
  }

  settle(index: number, nowMs: number): void {
    const [hook] = this.hooks.splice(index, 1)
    if (hook === undefined) return
    this.books.settled(hook.revokeId)
    this.membership.revoked(hook.revokeId, nowMs)
  }

  #counts(nowMs: number): void {
    this.#atOnce = nowMs === this.#lastMs ? this.#atOnce + 1 : 0
    this.#lastMs = nowMs
    if (this.#atOnce > MOST_AT_ONCE) throw new Violation('SPIN', `${this.id} does not come to rest at ${nowMs} ms`)
  }

  #take(event: MembershipEvent, nowMs: number): void {
    this.books.told(event)
    if (event.kind === 'revoke') this.hooks.push({ revokeId: event.revokeId, beganAtMs: nowMs })
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
      return
    }
    groupSeen.refusedCommits += 1
    const verdict = this.membership.commitRefused(code, grant, nowMs)
    if (verdict === 'again') this.commit(partitions, nowMs)
    else if (verdict === 'later') this.#waiting.push(...partitions)
  }
}

export function allPartitions(group: ModelGroup): readonly GroupPartition[] {
  return group.partitions.map(partitionOf)
}
