/** Turns the lines of one member into what they tell: who owned what when, which handler calls there were, and what was surely committed. Pure. */
import type {
  AssignedLine,
  CommitLine,
  EndLine,
  GoneLine,
  MemberLine,
  OfRecord,
  SettledLine,
  StartLine,
} from './member-log.ts'

/** One assignment of one partition to one member. */
export interface Ownership {
  readonly member: string
  readonly partition: number
  readonly epoch: number
  readonly position: number | null
  readonly restored: number
  readonly assignedAt: number
  /** Undefined while it lasts, and for a member that was killed. */
  goneAt: number | undefined
  leftBehind: number
  /** Ended with records in flight, by loss, or by a kill: then others may work on the same keys. */
  gaveUp: boolean
}

/** One call of the handler. */
export interface Run extends OfRecord {
  readonly ownership: Ownership
  readonly attempt: number
  readonly startAt: number
  /** For a handler that was cut off by a kill: when its process was last heard of. */
  endAt: number
  /** It returned. */
  ended: boolean
  isCut: boolean
  /** Its dead letter was acknowledged. */
  isDead: boolean
  /** It has given the record up, and the key need not wait for the dead letter. */
  isGivenUp: boolean
  /** When a commit that includes its completion was acknowledged first. */
  safeAt: number | undefined
}

export interface Story {
  readonly member: string
  readonly ownerships: readonly Ownership[]
  /** By their starts. */
  readonly runs: readonly Run[]
}

class StoryReader {
  readonly #member: string
  readonly ownerships: Ownership[] = []
  readonly runs: Run[] = []
  readonly #owned = new Map<number, Ownership>()
  /** Handlers at work, by place. */
  readonly #open = new Map<string, Run>()
  /** The last run of each place, for what the runtime says of it. */
  readonly #latest = new Map<string, Run>()
  /** Done, and in no commit yet: by partition. */
  #uncommitted = new Map<number, Run[]>()
  readonly #inCommit = new Map<number, Run[]>()

  constructor(member: string) {
    this.#member = member
  }

  read(line: MemberLine): void {
    switch (line.kind) {
      case 'assigned':
        this.#assign(line)
        return
      case 'revoked':
      case 'lost':
        this.#end(line)
        return
      case 'start':
        this.#start(line)
        return
      case 'end':
      case 'fail':
        this.#finish(line)
        return
      case 'done':
      case 'dead':
        this.#settle(line)
        return
      case 'commit':
        this.#commit(line)
        return
      case 'committed':
        for (const run of this.#inCommit.get(line.id) ?? []) run.safeAt ??= line.at
        this.#inCommit.delete(line.id)
        return
      case 'refused':
        this.#takeBack(line.id)
        return
      case 'started':
      case 'stopped':
      case 'event':
      case 'log':
      case 'failed':
        return
    }
  }

  /** The process is gone, or has written nothing since. */
  finish(at: number): void {
    for (const run of this.#open.values()) {
      run.endAt = at
      run.isCut = true
      run.ownership.gaveUp = true
    }
  }

  #assign(line: AssignedLine): void {
    const { partition, epoch, position, restored, at } = line
    const of = { member: this.#member, partition, epoch, position, restored, assignedAt: at }
    const ownership: Ownership = { ...of, goneAt: undefined, leftBehind: 0, gaveUp: false }
    this.ownerships.push(ownership)
    this.#owned.set(partition, ownership)
    this.#uncommitted.delete(partition)
  }

  #end(line: GoneLine): void {
    const ownership = this.#owned.get(line.partition)
    if (ownership === undefined)
      throw new Error(`${this.#member} gave up partition ${line.partition} without having it`)
    ownership.goneAt = line.at
    ownership.leftBehind = line.leftBehind
    ownership.gaveUp = line.leftBehind > 0 || line.kind === 'lost'
    this.#owned.delete(line.partition)
  }

  #start(line: StartLine): void {
    const { partition, offset, key, sequence, attempt, at } = line
    const ownership = this.#owned.get(partition)
    if (ownership === undefined) throw new Error(`${this.#member} started ${partition}:${offset} without owning it`)
    const run: Run = {
      ...{ partition, offset, key, sequence, attempt, ownership, startAt: at },
      ...{
        endAt: Number.POSITIVE_INFINITY,
        ended: false,
        isCut: false,
        isDead: false,
        isGivenUp: false,
        safeAt: undefined,
      },
    }
    this.runs.push(run)
    this.#open.set(placeOf(line), run)
    this.#latest.set(placeOf(line), run)
  }

  #finish(line: EndLine): void {
    const run = this.#open.get(placeOf(line))
    if (run === undefined) throw new Error(`${this.#member} ended ${placeOf(line)} without having started it`)
    run.endAt = line.at
    run.ended = line.kind === 'end'
    run.isGivenUp = line.isGivenUp === true
    this.#open.delete(placeOf(line))
  }

  #settle(line: SettledLine): void {
    const run = this.#latest.get(placeOf(line))
    if (run === undefined) throw new Error(`${placeOf(line)} is ${line.kind} and never ran`)
    run.isDead = line.kind === 'dead'
    this.#pendingOf(line.partition).push(run)
  }

  #commit(line: CommitLine): void {
    const carried = line.partitions.flatMap(({ partition }) => {
      const runs = this.#uncommitted.get(partition) ?? []
      this.#uncommitted.delete(partition)
      return runs
    })
    this.#inCommit.set(line.id, carried)
  }

  /** A commit was refused: what it carried is in none yet, unless its partition is gone. */
  #takeBack(commitId: number): void {
    for (const run of this.#inCommit.get(commitId) ?? []) {
      if (this.#owned.get(run.partition) === run.ownership) this.#pendingOf(run.partition).push(run)
    }
    this.#inCommit.delete(commitId)
  }

  #pendingOf(partition: number): Run[] {
    const known = this.#uncommitted.get(partition)
    if (known !== undefined) return known
    const fresh: Run[] = []
    this.#uncommitted.set(partition, fresh)
    return fresh
  }
}

function placeOf({ partition, offset }: { readonly partition: number; readonly offset: number }): string {
  return `${partition}:${offset}`
}

export function readStory(member: string, lines: readonly MemberLine[]): Story {
  const reader = new StoryReader(member)
  for (const line of lines) reader.read(line)
  reader.finish(lines.at(-1)?.at ?? 0)
  return { member, ownerships: reader.ownerships, runs: reader.runs }
}
