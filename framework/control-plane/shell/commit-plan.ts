/**
 * Decides which commits go together in one request, and what is asked after a refusal. Whoever is refused for what another has asked is asked for
 * again without it: a request is halved until a partition is alone, then that partition's metadata is, and then it waits by itself. Sends nothing.
 */
import type { TopicPartition } from '../../model/record.ts'
import type { Epoch } from '../../model/work.ts'
import type { CommitSnapshot } from '../partition/commit-budget.ts'
import type { Assignment } from '../partition/partition-table.ts'

/**
 * Metadata in one request, in UTF-16 units of at most 3 bytes. The coordinator stores a request as one batch, which `max.message.bytes` of
 * its own topic limits (1 MB by default); without metadata, 10,000 partitions pass that.
 */
const MOST_CHARACTERS = 160_000
const MOST_PARTITIONS = 1_000
/** In one round. What is left is asked for in the next, so that a coordinator that refuses everything is not asked about each partition at once. */
const MOST_REQUESTS = 200
/** A partition whose commits are refused, though they are alone and without metadata, waits for so long. */
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 10_000

/**
 * `too-large`: the request, for the coordinator. `metadata`: that of a partition in it. `partition`: something about a partition in it. `gone`: a partition is not
 * ours. `everybody`: nothing about its partitions, so that no other would be accepted either.
 */
export type Refusal = 'too-large' | 'metadata' | 'partition' | 'gone' | 'everybody'

type Request = readonly CommitSnapshot[]

export interface CommitPlanManager {
  collectCommits(only: readonly TopicPartition[]): readonly CommitSnapshot[]
  onMetadataTooLarge(commit: CommitSnapshot): void
  /** Nothing of this partition starts until a commit of it is accepted: else what is done and not committed grows without end. */
  onCommitRefused(commit: CommitSnapshot): void
  present(assignments: readonly Assignment[]): readonly Assignment[]
}

export class CommitPlan {
  readonly #manager: CommitPlanManager
  #mostCharacters = MOST_CHARACTERS
  #mostPartitions = MOST_PARTITIONS
  #requests: Request[] = []
  #asked = 0
  /** By assignment: refused alone and without metadata. */
  readonly #waiting = new Map<Epoch, { readonly of: Assignment; readonly until: number; readonly waitMs: number }>()

  constructor(manager: CommitPlanManager) {
    this.#manager = manager
  }

  /** @param isLast there is no later: those that wait are asked for too */
  begin(commits: readonly CommitSnapshot[], now: number, isLast: boolean): void {
    this.#forgetGone()
    const waiting = commits.filter(({ epoch }) => this.#waiting.has(epoch))
    const due = waiting.filter(({ epoch }) => isLast || now >= (this.#waiting.get(epoch)?.until ?? 0))
    const others = waiting.length === 0 ? commits : commits.filter(({ epoch }) => !this.#waiting.has(epoch))
    this.#requests = [...this.#together(others), ...due.map((commit) => [commit])]
    this.#asked = 0
  }

  get isEmpty(): boolean {
    return this.#requests.length === 0
  }

  /** The next request to send; undefined when the round is over. */
  next(): Request | undefined {
    if (this.#asked === MOST_REQUESTS) return undefined
    this.#asked += 1
    return this.#requests.shift()
  }

  /** Partitions that wait by themselves. */
  get waiting(): number {
    return this.#waiting.size
  }

  acknowledged(request: Request): void {
    if (this.#waiting.size > 0) for (const { epoch } of request) this.#waiting.delete(epoch)
  }

  refused(request: Request, why: Refusal, now: number): void {
    if (why === 'everybody') this.#requests = []
    if (why === 'everybody' || why === 'gone') return
    const [only] = request
    if (request.length > 1) this.#halve(request, why)
    else if (only !== undefined) this.#refusedAlone(only, why, now)
  }

  /** Those whose assignment has ended wait for nothing. */
  #forgetGone(): void {
    if (this.#waiting.size === 0) return
    const present = new Set(
      this.#manager.present([...this.#waiting.values()].map(({ of }) => of)).map(({ epoch }) => epoch),
    )
    for (const epoch of this.#waiting.keys()) if (!present.has(epoch)) this.#waiting.delete(epoch)
  }

  #halve(request: Request, why: Refusal): void {
    const half = Math.ceil(request.length / 2)
    if (why === 'too-large') this.#learnSize(request)
    this.#requests.unshift(request.slice(0, half), request.slice(half))
  }

  /** So that the next round does not begin with what is too large again. */
  #learnSize(request: Request): void {
    const characters = request.reduce((sum, { metadata }) => sum + metadata.length, 0)
    if (characters > 0) this.#mostCharacters = Math.max(1, Math.floor(characters / 2))
    else this.#mostPartitions = Math.max(1, Math.floor(request.length / 2))
  }

  #refusedAlone(commit: CommitSnapshot, why: Refusal, now: number): void {
    if (commit.metadata !== '' && why !== 'partition') {
      this.#manager.onMetadataTooLarge(commit)
      const shorter = this.#manager.collectCommits([commit])
      if (shorter.length > 0) this.#requests.unshift(shorter)
      return
    }
    const before = this.#waiting.get(commit.epoch)?.waitMs
    const waitMs = before === undefined ? FIRST_WAIT_MS : Math.min(before * 2, LONGEST_WAIT_MS)
    this.#waiting.set(commit.epoch, { of: commit, until: now + waitMs, waitMs })
    this.#manager.onCommitRefused(commit)
  }

  *#together(commits: readonly CommitSnapshot[]): Generator<Request> {
    let request: CommitSnapshot[] = []
    let length = 0
    for (const commit of commits) {
      const isFull = request.length === this.#mostPartitions || length + commit.metadata.length > this.#mostCharacters
      if (request.length > 0 && isFull) {
        yield request
        request = []
        length = 0
      }
      request.push(commit)
      length += commit.metadata.length
    }
    if (request.length > 0) yield request
  }
}
