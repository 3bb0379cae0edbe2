/** Shows events as lines; where a kind of event comes more than 20 times a second, as one line per handler and second. */
import type { RuntimeEvent } from '../../../framework/model/events.ts'
import type { Clock, Timer } from '../../../framework/time/clock.ts'
import { msText, timeText } from '../../records/record-text.ts'
import { type DevNote, noteText } from './dev-note.ts'
import { eventLine, type LineSetup, type MembershipEvent, membershipLine } from './event-line.ts'
import type { View } from './view.ts'

/** Lines of one kind in one second that are shown one by one; nobody reads more. */
const LINES_PER_SECOND = 20
const WINDOW_MS = 1_000

type Grouped = Extract<RuntimeEvent, { readonly kind: 'record.done' | 'record.retry' | 'record.dead' }>

interface Group {
  readonly topic: string
  readonly handlerId: string
  count: number
  filtered: number
  totalMs: number
  maxMs: number
}

/** Events of one kind in the running second. */
interface Window {
  seen: number
  /** The last second was too busy: this one is summed up from its beginning, instead of 20 lines and then a sum. */
  isBusy: boolean
  readonly groups: Map<string, Group>
}

export interface TerminalViewOptions extends LineSetup {
  readonly write: (text: string) => void
  readonly clock: Clock
}

export class TerminalView implements View {
  readonly #options: TerminalViewOptions
  readonly #windows: Readonly<Record<Grouped['kind'], Window>> = {
    'record.done': { seen: 0, isBusy: false, groups: new Map() },
    'record.retry': { seen: 0, isBusy: false, groups: new Map() },
    'record.dead': { seen: 0, isBusy: false, groups: new Map() },
  }
  /** By handler, in the running second: each poll may have some. */
  readonly #leftOut = new Map<string, { readonly topic: string; count: number }>()
  #timer: Timer | undefined
  /** Of one kind; a rebalance brings one event for each partition. */
  #membership: MembershipEvent[] = []
  #membershipTimer: Timer | undefined

  constructor(options: TerminalViewOptions) {
    this.#options = options
  }

  onEvent(event: RuntimeEvent, publishedTo: readonly string[]): void {
    if (event.kind === 'partition.assigned' || 'leftBehind' in event) {
      if (this.#membership[0]?.kind !== event.kind) this.#writeMembership()
      this.#membership.push(event)
      this.#membershipTimer ??= this.#options.clock.setTimer(0, () => this.#writeMembership())
      return
    }
    if (event.kind === 'records.left-out') {
      const { handlerId, records } = event
      const group = this.#leftOut.get(handlerId) ?? { topic: records[0]?.topic ?? '', count: 0 }
      group.count += records.length
      this.#leftOut.set(handlerId, group)
      this.#timer ??= this.#options.clock.setTimer(WINDOW_MS, () => this.#endWindow())
      return
    }
    if (event.kind === 'record.done' || event.kind === 'record.retry' || event.kind === 'record.dead') {
      const window = this.#windows[event.kind]
      window.seen++
      this.#timer ??= this.#options.clock.setTimer(WINDOW_MS, () => this.#endWindow())
      if (window.isBusy || window.seen > LINES_PER_SECOND) {
        add(window.groups, event)
        return
      }
    }
    const line = eventLine(event, publishedTo, this.#options)
    if (line !== undefined) this.#line(line)
  }

  onNote(note: DevNote): void {
    const [first, ...others] = noteText(note, this.#options.paint)
    if (first !== undefined) this.#line(first)
    for (const line of others) this.#options.write(`            ${line}`.trimEnd().concat('\n'))
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#writeMembership()
    this.#writeGroups()
  }

  #writeMembership(): void {
    this.#membershipTimer?.cancel()
    this.#membershipTimer = undefined
    const [first, ...others] = this.#membership
    this.#membership = []
    if (first !== undefined) this.#line(membershipLine(first.kind, [first, ...others], this.#options.paint))
  }

  #endWindow(): void {
    this.#timer = undefined
    this.#writeGroups()
    for (const window of Object.values(this.#windows)) {
      window.isBusy = window.seen > LINES_PER_SECOND
      window.seen = 0
    }
    // A busy second is followed by one that is summed up: it must end by itself, too, when nothing comes any more.
    if (Object.values(this.#windows).some(({ isBusy }) => isBusy)) {
      this.#timer = this.#options.clock.setTimer(WINDOW_MS, () => this.#endWindow())
    }
  }

  #writeGroups(): void {
    const { paint } = this.#options
    for (const group of drain(this.#windows['record.done'])) {
      const filtered = group.filtered === 0 ? '' : `  ${group.filtered} of them filtered`
      this.#line(`${paint('green', '✓')} ${this.#head(group)}  ${durations(group)}${filtered}`)
    }
    for (const group of drain(this.#windows['record.retry'])) {
      this.#line(`${paint('yellow', '↻')} ${this.#head(group)}  to be retried`)
    }
    for (const group of drain(this.#windows['record.dead'])) {
      this.#line(`${paint('red', '✗')} ${this.#head(group)}  dead letters`)
    }
    for (const [handlerId, { topic, count }] of this.#leftOut) {
      this.#line(`${paint('gray', '○')} ${this.#head({ handlerId, topic, count })}  left out`)
    }
    this.#leftOut.clear()
  }

  #head({ topic, count, handlerId }: Pick<Group, 'topic' | 'count' | 'handlerId'>): string {
    const { widths, paint } = this.#options
    const what = `${topic} × ${count}`.padEnd(widths.place)
    return `${what}  ${' '.repeat(8)}  ${paint('cyan', handlerId.padEnd(widths.handler))}`
  }

  #line(text: string): void {
    const { write, clock, paint } = this.#options
    write(`  ${paint('gray', timeText(clock.now()))}  ${text}\n`)
  }
}

function add(groups: Map<string, Group>, event: Grouped): void {
  const { handlerId, durationMs, record } = event
  const group = groups.get(handlerId) ?? { topic: record.topic, handlerId, count: 0, filtered: 0, totalMs: 0, maxMs: 0 }
  groups.set(handlerId, group)
  group.count++
  group.totalMs += durationMs
  group.maxMs = Math.max(group.maxMs, durationMs)
  if (event.kind === 'record.done' && event.filtered) group.filtered++
}

function drain(window: Window): readonly Group[] {
  const groups = [...window.groups.values()].sort((a, b) => (a.handlerId < b.handlerId ? -1 : 1))
  window.groups.clear()
  return groups
}

function durations({ totalMs, maxMs, count }: Group): string {
  return `${msText(totalMs / count)} on average, ${msText(maxMs)} at most`
}
