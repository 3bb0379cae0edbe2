/** The offsets of one partition as shapes on a line: what each state is called, how it looks, and what is where. */
import type { RunState } from '../../../model/partition-view.ts'
import type { RunRow } from '../../protocol-records.ts'
import { digits, plural, span } from './numbers.ts'

export interface RunLook {
  readonly says: string
  /** Where the shape begins, from 0 at the upper edge to 1: by height too, not by colour alone. */
  readonly top: number
  /** Whether it is striped. */
  readonly isStriped: boolean
  /** Of several on one pixel, the highest is seen. */
  readonly rank: number
}

/** In the order of the legend. */
export const runLooks: { readonly [State in RunState]: RunLook } = {
  committed: { says: 'committed', top: 0.88, isStriped: false, rank: 0 },
  done: { says: 'done, not committed yet', top: 0.74, isStriped: false, rank: 2 },
  'done-above-gap': { says: 'done above a gap', top: 0.5, isStriped: false, rank: 3 },
  'in-flight': { says: 'running', top: 0, isStriped: false, rank: 7 },
  delayed: { says: 'waiting for its time', top: 0.3, isStriped: true, rank: 5 },
  waiting: { says: 'waiting for its retry', top: 0, isStriped: true, rank: 8 },
  parked: { says: 'parked', top: 0.06, isStriped: false, rank: 10 },
  dead: { says: 'waiting for its dead letter', top: 0.12, isStriped: true, rank: 9 },
  queued: { says: 'queued', top: 0.3, isStriped: false, rank: 6 },
  hole: { says: 'a hole: the offset does not exist', top: 0.88, isStriped: true, rank: 1 },
  'not-fetched': { says: 'not fetched yet', top: 0.62, isStriped: true, rank: 4 },
}

/** What is seen of the offsets: from the first to before `to`. */
export interface Stretch {
  readonly from: number
  readonly to: number
}

/** All that there is to see. `undefined`: nothing. */
export function wholeOf(runs: readonly RunRow[]): Stretch | undefined {
  const first = runs[0]
  const last = runs.at(-1)
  return first === undefined || last === undefined ? undefined : { from: first[1], to: last[2] }
}

export interface RunShape {
  readonly state: RunState
  readonly x: number
  readonly width: number
}

const leastWidth = 1

/** What stands on a line of `width` pixels, the least important first. Runs of one state that fall on the same pixels are one shape. */
export function runShapes(runs: readonly RunRow[], { from, to }: Stretch, width: number): readonly RunShape[] {
  const scale = width / Math.max(1, to - from)
  const shapes: RunShape[] = []
  const lastOf = new Map<RunState, number>()
  for (const [state, start, end] of runs) {
    if (end <= from || start >= to) continue
    const x = (Math.max(start, from) - from) * scale
    const right = Math.max(x + leastWidth, (Math.min(end, to) - from) * scale)
    const index = lastOf.get(state)
    const before = index === undefined ? undefined : shapes[index]
    if (index !== undefined && before !== undefined && x - (before.x + before.width) < leastWidth / 2) {
      shapes[index] = { ...before, width: Math.max(right, before.x + before.width) - before.x }
      continue
    }
    lastOf.set(state, shapes.length)
    shapes.push({ state, x, width: right - x })
  }
  return shapes.sort((a, b) => runLooks[a.state].rank - runLooks[b.state].rank)
}

/** The run with this offset; -1: none. They ascend. */
export function runAt(runs: readonly RunRow[], offset: number): number {
  let low = 0
  let high = runs.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const [, from, to] = runs[middle] ?? ['hole', 0, 0]
    if (offset < from) high = middle - 1
    else if (offset >= to) low = middle + 1
    else return middle
  }
  return -1
}

/** The run that is seen at a pixel: of all that lie on it, the one that needs a look most. -1: none. */
export function runAtPixel(runs: readonly RunRow[], { from, to }: Stretch, width: number, x: number): number {
  const perPixel = (to - from) / Math.max(1, width)
  const low = from + (x - 1) * perPixel
  const high = from + (x + 1) * perPixel
  let found = runAt(runs, Math.floor(from + x * perPixel))
  // Only where offsets are denser than pixels does one pixel show several runs.
  if (perPixel < 0.5) return found
  for (let index = firstEndingAfter(runs, low); index < runs.length; index++) {
    const run = runs[index]
    if (run === undefined || run[1] >= high) break
    const best = runs[found]
    if (best === undefined || runLooks[run[0]].rank > runLooks[best[0]].rank) found = index
  }
  return found
}

function firstEndingAfter(runs: readonly RunRow[], offset: number): number {
  let low = 0
  let high = runs.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((runs[middle]?.[2] ?? 0) <= offset) low = middle + 1
    else high = middle
  }
  return low
}

const fewestOffsets = 8

/** `factor` below 1: closer. The offset `around` stays where it is; never beyond `whole`. */
export function zoomed(stretch: Stretch, whole: Stretch, factor: number, around: number): Stretch {
  const length = stretch.to - stretch.from
  const next = Math.min(whole.to - whole.from, Math.max(Math.min(fewestOffsets, length), Math.round(length * factor)))
  const share = length === 0 ? 0.5 : (around - stretch.from) / length
  return within({ from: Math.round(around - share * next), to: Math.round(around - share * next) + next }, whole)
}

/** As long as it is, as near as it may be: what moves with new offsets does not leave them. */
export function within({ from, to }: Stretch, whole: Stretch): Stretch {
  const length = Math.min(to - from, whole.to - whole.from)
  const start = Math.min(Math.max(from, whole.from), whole.to - length)
  return { from: start, to: start + length }
}

/** `offsets 19 to 24 (6): waiting for its retry, the first in 3.0 s` */
export function runText([state, from, to, dueAt]: RunRow, now: number): string {
  const { says } = runLooks[state]
  const count = to - from
  const due = dueAt === undefined ? '' : dueText(dueAt, now, count)
  if (count === 1) return `offset ${digits(from)}: ${says}${due}`
  return `offsets ${digits(from)} to ${digits(to - 1)} (${digits(count)}): ${says}${due}`
}

function dueText(dueAt: number, now: number, count: number): string {
  const which = count === 1 ? '' : 'the first '
  return dueAt <= now ? `, ${which}due now` : `, ${which}in ${span(Math.ceil((dueAt - now) / 1000) * 1000)}`
}

/** How many offsets are in each state, in the order of the legend; those that none is in are left out. */
export function stateCounts(runs: readonly RunRow[]): readonly { readonly state: RunState; readonly count: number }[] {
  const counts = new Map<RunState, number>()
  for (const [state, from, to] of runs) counts.set(state, (counts.get(state) ?? 0) + to - from)
  return states.flatMap((state) => {
    const count = counts.get(state)
    return count === undefined ? [] : [{ state, count }]
  })
}

export const states = [
  'committed',
  'done',
  'done-above-gap',
  'in-flight',
  'waiting',
  'parked',
  'dead',
  'queued',
  'delayed',
  'hole',
  'not-fetched',
] as const satisfies readonly RunState[]

/** What a crash at this moment would cost. */
export function crashText(runsAgain: number): string {
  if (runsAgain === 0) return 'A crash now would run nothing again.'
  return `A crash now would run ${plural(runsAgain, 'record')} again.`
}
