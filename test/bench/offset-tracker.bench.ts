/** Prints what one operation of the offset tracker costs, by how many offsets it holds: `node --import tsx test/bench/offset-tracker.bench.ts`. */
import { OffsetTracker } from '../../framework/control-plane/offsets/offset-tracker.ts'
import { seededRandom } from '../../framework/runtime/seeded-random.ts'

const WINDOWS = [100, 1_000, 10_000, 100_000, 1_000_000]
/** Operations per figure, so that small windows are measured as long as large ones. */
const OPERATIONS = 1_000_000
const SEED = 1

type Order = 'in order' | 'reverse' | 'random'
const orders: readonly Order[] = ['in order', 'reverse', 'random']

/** Distances between neighbours: 1 in a dense log; else one in ten offsets is followed by a hole of up to 9. */
function offsetsOf(window: number, hasHoles: boolean): Float64Array {
  const random = seededRandom(SEED)
  const offsets = new Float64Array(window)
  let offset = 1_000_000_000
  for (let i = 0; i < window; i += 1) {
    offsets[i] = offset
    offset += hasHoles && random() < 0.1 ? 2 + Math.floor(random() * 9) : 1
  }
  return offsets
}

/** Which of those that arrived is completed first, second, ... */
function sequence(window: number, order: Order): Uint32Array {
  const indexes = Uint32Array.from({ length: window }, (_, i) => i)
  if (order === 'in order') return indexes
  if (order === 'reverse') return indexes.toReversed()
  const random = seededRandom(SEED)
  const shuffled = indexes
  for (let i = shuffled.length - 1; i > 0; i -= 1) {
    const other = Math.floor(random() * (i + 1))
    const held = shuffled[i] as number
    shuffled[i] = shuffled[other] as number
    shuffled[other] = held
  }
  return shuffled
}

interface Spent {
  track: number
  complete: number
  position: number
  bare: number
}

/** Nanoseconds for one window from empty to empty. */
function once(offsets: Float64Array, completions: Uint32Array): Spent {
  const tracker = new OffsetTracker<object>(0)
  const [item, given] = [{}, new Float64Array(offsets.length)]
  const start = performance.now()
  for (let i = 0; i < offsets.length; i += 1) given[i] = tracker.track(offsets[i] as number, item)
  const tracked = performance.now()
  const tickets = Float64Array.from(completions, (index) => given[index] as number)
  const from = performance.now()
  for (const ticket of tickets) tracker.complete(ticket)
  const completed = performance.now()
  if (tracker.incomplete > 0) throw new Error('not all is complete')
  return { track: (tracked - start) * 1e6, complete: (completed - from) * 1e6, position: 0, bare: 0 }
}

/** The same with the position read after each completion, as a commit and the span check do. */
function onceReading(offsets: Float64Array, completions: Uint32Array): number {
  const tracker = new OffsetTracker<object>(0)
  const item = {}
  const given = Float64Array.from(offsets, (offset) => tracker.track(offset, item))
  const tickets = Float64Array.from(completions, (index) => given[index] as number)
  const start = performance.now()
  let sum = 0
  for (const ticket of tickets) {
    tracker.complete(ticket)
    sum += tracker.position ?? 0
  }
  if (sum === 0) throw new Error('no position')
  return (performance.now() - start) * 1e6
}

/** What the machine takes to touch two bare arrays in that order: a window that is larger than the processor's cache costs this much anyway. */
function onceBare(offsets: Float64Array, completions: Uint32Array): number {
  const items: (object | undefined)[] = new Array(offsets.length).fill(offsets)
  const start = performance.now()
  let highest = 0
  for (const index of completions) {
    items[index] = undefined
    highest = Math.max(highest, offsets[index] as number)
  }
  if (highest === 0) throw new Error('no offset')
  return (performance.now() - start) * 1e6
}

function measure(window: number, hasHoles: boolean, order: Order): Record<string, string | number> {
  const offsets = offsetsOf(window, hasHoles)
  const completions = sequence(window, order)
  const rounds = Math.ceil(OPERATIONS / window)
  const spent: Spent = { track: 0, complete: 0, position: 0, bare: 0 }
  for (let round = -Math.ceil(rounds / 4); round < rounds; round += 1) {
    const { track, complete } = once(offsets, completions)
    const reading = onceReading(offsets, completions)
    const bare = onceBare(offsets, completions)
    // The first rounds are for the compiler.
    if (round < 0) continue
    spent.track += track
    spent.complete += complete
    spent.position += reading - complete
    spent.bare += bare
  }
  const each = (ns: number) => Number((ns / (rounds * window)).toFixed(1))
  return {
    window: window.toLocaleString('en'),
    track: each(spent.track),
    complete: each(spent.complete),
    'read position': Math.max(0, each(spent.position)),
    'two bare arrays': each(spent.bare),
  }
}

for (const hasHoles of [false, true]) {
  for (const order of orders) {
    console.log(`ns per operation, completed ${order}, ${hasHoles ? 'with holes' : 'dense'}`)
    console.table(WINDOWS.map((window) => measure(window, hasHoles, order)))
  }
}
