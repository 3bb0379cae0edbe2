/**
 * The books of a test: what was produced, and what each member process says it did with it. Accounts for every record, and explains what is
 * wrong with the history of the record in question. Never asks the code under test what is right.
 */
import assert from 'node:assert/strict'
import type { MemberLine, OfRecord } from './member-log.ts'
import { type Ownership, type Run, readStory, type Story } from './member-story.ts'

export interface MemberBooks {
  readonly name: string
  readonly lines: readonly MemberLine[]
}

export interface Account {
  readonly acknowledged: number
  readonly deadLettered: number
  /** Handler calls that returned for a record for which one had returned before. */
  readonly repeats: number
  /** Handlers of two members at work on one key at once. */
  readonly overlaps: number
  /** Records that members gave up in flight, as they said themselves. */
  readonly leftBehind: number
}

/** What a scenario allows. Everything that is not named must be as it should. */
export interface Allowed {
  /** The offsets of the log began anew, so an offset says nothing about a record. */
  readonly offsetsBeginAnew?: boolean
  /** What a stop may take, until the process is gone. Milliseconds. */
  readonly stopWithinMs?: number
}

interface Sent {
  readonly key: string
  readonly sequence: number
  /** Where the broker says that it stands. */
  readonly place?: { readonly partition: number; readonly offset: number } | undefined
}

export class Ledger {
  readonly #acknowledged = new Map<string, Sent>()
  readonly #missing = new Set<string>()
  /** By member: how many of its lines are in the books, and which record stands at which place. */
  readonly #read = new Map<string, { lines: number; readonly places: Map<string, string> }>()
  readonly #settled = new Set<string>()

  acknowledge(key: string, sequence: number, place?: Sent['place']): void {
    const name = nameOf({ key, sequence })
    this.#acknowledged.set(name, { key, sequence, place })
    if (!this.#settled.has(name)) this.#missing.add(name)
  }

  /** It is not expected any more: its log was cut, or its transaction was aborted. */
  strike(key: string, sequence: number): void {
    this.#acknowledged.delete(nameOf({ key, sequence }))
    this.#missing.delete(nameOf({ key, sequence }))
  }

  /** All that is acknowledged. */
  sent(): readonly { readonly key: string; readonly sequence: number }[] {
    return [...this.#acknowledged.values()]
  }

  get acknowledged(): number {
    return this.#acknowledged.size
  }

  /** Names of acknowledged records that no handler has ended and no dead-letter topic has. Reads only what is new, so it may be asked often. */
  missing(members: readonly MemberBooks[]): readonly string[] {
    for (const member of members) this.#readOn(member)
    return [...this.#missing]
  }

  /** What is missing, and what the members have written down of the place where the first of it stands, and around it. */
  describeMissing(members: readonly MemberBooks[]): string {
    const missing = this.missing(members)
    const place = this.#acknowledged.get(missing[0] ?? '')?.place
    const names = missing.slice(0, 10).map((name) => `${name} at ${placeText(this.#acknowledged.get(name)?.place)}`)
    const lines = members.flatMap(({ name, lines }) =>
      lines.filter((line) => place !== undefined && isAround(line, place)).map((line) => ({ name, line })),
    )
    const around = lines.sort((a, b) => a.line.at - b.line.at).slice(0, 60)
    return [
      `missing ${names.join(', ')}; of its partition, members have written:`,
      ...around.map(({ name, line }) => `  ${name} ${JSON.stringify(line)}`),
    ].join('\n')
  }

  /** @throws AssertionError with the history of the first record that was lost, overtaken, or repeated without need */
  check(members: readonly MemberBooks[], allowed: Allowed = {}): Account {
    const stories = members.map(({ name, lines }) => readStory(name, lines))
    this.#checkNothingLost(members, stories)
    for (const story of stories) checkOrder(story, stories)
    if (allowed.offsetsBeginAnew !== true) checkNoNeedlessRepeat(stories)
    const leftBehind = stories.flatMap(({ ownerships }) => ownerships).reduce((sum, each) => sum + each.leftBehind, 0)
    const overlaps = findOverlaps(stories)
    // Who was expelled hears of it late, and until then reads on beside the new owner: either of the two may have begun first.
    const unexplained = overlaps.find((both) => !both.some(({ ownership }) => ownership.gaveUp))
    if (unexplained !== undefined) {
      assert.fail(`two members were at work on key ${unexplained[0].key} at once\n${history(unexplained[0], stories)}`)
    }
    return {
      acknowledged: this.#acknowledged.size,
      deadLettered: stories.reduce((sum, { runs }) => sum + runs.filter(({ isDead }) => isDead).length, 0),
      repeats: countRepeats(stories),
      overlaps: overlaps.length,
      leftBehind,
    }
  }

  #readOn({ name, lines }: MemberBooks): void {
    const read = this.#read.get(name) ?? { lines: 0, places: new Map<string, string>() }
    this.#read.set(name, read)
    for (const line of lines.slice(read.lines)) {
      if (line.kind === 'start') read.places.set(placeOf(line), nameOf(line))
      if (line.kind === 'end' || (line.kind === 'fail' && line.isGivenUp === true)) this.#settle(nameOf(line))
      if (line.kind === 'dead') this.#settle(read.places.get(placeOf(line)) ?? '')
    }
    read.lines = lines.length
  }

  #settle(name: string): void {
    this.#settled.add(name)
    this.#missing.delete(name)
  }

  #checkNothingLost(members: readonly MemberBooks[], stories: readonly Story[]): void {
    const missing = this.missing(members)
    const [first] = missing
    if (first === undefined) return
    const record = this.#acknowledged.get(first) as Sent
    assert.fail(
      `${missing.length} of ${this.acknowledged} records were lost, ${first} first\n${history(record, stories)}`,
    )
  }
}

function nameOf({ key, sequence }: Sent): string {
  return `${key}#${sequence}`
}

function placeText(place: Sent['place']): string {
  return place === undefined ? 'an unknown place' : placeOf(place)
}

/** Who had the partition, up to where it was committed, and what was done two offsets before and behind. */
function isAround(line: MemberLine, { partition, offset }: NonNullable<Sent['place']>): boolean {
  if (line.kind === 'commit') return line.partitions.some((each) => each.partition === partition)
  if (!('partition' in line) || line.partition !== partition) return false
  return !('offset' in line) || Math.abs(line.offset - offset) <= 2
}

function isSettled(run: Run): boolean {
  return run.ended || run.isDead || run.isGivenUp
}

/** Within one ownership, records of a key are handled one after the other, by offset, and a retry holds back those behind it. */
function checkOrder(story: Story, stories: readonly Story[]): void {
  const last = new Map<string, Run>()
  for (const run of story.runs) {
    const shard = `${run.partition} ${run.key}`
    const before = last.get(shard)
    last.set(shard, run)
    if (before === undefined) continue
    if (before.endAt > run.startAt) {
      assert.fail(
        `${story.member} worked on key ${run.key} twice at once\n${history(run, stories)}${history(before, stories)}`,
      )
    }
    if (before.ownership !== run.ownership) continue
    const isRetry = before.offset === run.offset && !isSettled(before) && run.attempt >= before.attempt
    const isNext = before.offset < run.offset && isSettled(before)
    if (isRetry || isNext) continue
    assert.fail(
      `${story.member} handled ${nameOf(run)} (offset ${run.offset}) after ${nameOf(before)} (offset ${before.offset})\n${history(before, stories)}${history(run, stories)}`,
    )
  }
}

/** What was done before an acknowledged commit of its partition must not run again for an owner that came later. */
function checkNoNeedlessRepeat(stories: readonly Story[]): void {
  const safeSince = new Map<string, number>()
  for (const { runs } of stories) {
    for (const run of runs) {
      const place = placeOf(run)
      if (run.safeAt !== undefined) safeSince.set(place, Math.min(run.safeAt, safeSince.get(place) ?? run.safeAt))
    }
  }
  for (const { runs } of stories) {
    for (const run of runs) {
      const safeAt = safeSince.get(placeOf(run))
      if (safeAt === undefined || safeAt >= run.ownership.assignedAt) continue
      assert.fail(`${nameOf(run)} ran again although its completion was committed\n${history(run, stories)}`)
    }
  }
}

function countRepeats(stories: readonly Story[]): number {
  const seen = new Set<string>()
  let repeats = 0
  for (const run of stories.flatMap(({ runs }) => runs.filter(({ ended }) => ended))) {
    if (seen.has(placeOf(run))) repeats += 1
    seen.add(placeOf(run))
  }
  return repeats
}

/** Pairs of runs of one key by different members that were under way at one moment, the earlier start first. */
function findOverlaps(stories: readonly Story[]): readonly (readonly [Run, Run])[] {
  const runs = stories.flatMap((story) => story.runs).sort((a, b) => a.startAt - b.startAt)
  const open = new Map<string, Run[]>()
  const overlaps: (readonly [Run, Run])[] = []
  for (const run of runs) {
    const shard = `${run.partition} ${run.key}`
    const still = (open.get(shard) ?? []).filter((other) => other.endAt > run.startAt)
    for (const other of still) if (other.ownership.member !== run.ownership.member) overlaps.push([other, run])
    open.set(shard, [...still, run])
  }
  return overlaps
}

function placeOf({ partition, offset }: { readonly partition: number; readonly offset: number }): string {
  return `${partition}:${offset}`
}

/** Everything that was written down of one record, and of the partition it stands in, in the order of time. */
function history(record: Sent & Partial<OfRecord>, stories: readonly Story[]): string {
  const mine = stories.flatMap(({ runs }) => runs.filter((run) => nameOf(run) === nameOf(record)))
  const partition = record.partition ?? mine[0]?.partition
  const events: (readonly [at: number, text: string])[] = mine.flatMap((run) => [
    [run.startAt, `${run.ownership.member} starts offset ${run.offset}, attempt ${run.attempt}`] as const,
    [run.endAt, `${run.ownership.member} ${endOf(run)} offset ${run.offset}`] as const,
    ...(run.safeAt === undefined
      ? []
      : [[run.safeAt, `${run.ownership.member}'s commit of it is acknowledged`] as const]),
  ])
  for (const ownership of stories.flatMap((story) => story.ownerships)) {
    if (ownership.partition === partition) events.push(...ownershipEvents(ownership))
  }
  const lines = events.sort(([a], [b]) => a - b).map(([at, text]) => `  ${at.toFixed(1)} ${text}`)
  return `history of ${nameOf(record)}, partition ${partition ?? 'unknown: no handler has seen it'}:\n${lines.join('\n')}\n`
}

function endOf(run: Run): string {
  if (run.ended) return 'ends'
  return run.isCut ? 'was killed at' : 'fails'
}

function ownershipEvents(ownership: Ownership): (readonly [number, string])[] {
  const { member, epoch, position, restored, assignedAt, goneAt, gaveUp } = ownership
  const gone = gaveUp ? `gives it up with ${ownership.leftBehind} in flight` : 'gives it back'
  return [
    [assignedAt, `${member} is assigned (epoch ${epoch}, position ${position ?? 'none'}, ${restored} restored)`],
    ...(goneAt === undefined ? [] : [[goneAt, `${member} ${gone}`] as const]),
  ]
}
