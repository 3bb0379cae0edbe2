/** Which offsets may be committed: by example, and against a model that keeps plain sets. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type OffsetTicket, OffsetTracker } from '../../../../framework/control-plane/offsets/offset-tracker.ts'
import { type OffsetRange, RangeList } from '../../../../framework/control-plane/offsets/range-list.ts'
import { range } from '../builders.ts'

function trackerOf(position: number | undefined, restored: readonly OffsetRange[], arrivals: readonly number[]) {
  const tracker = new OffsetTracker<string>(position, RangeList.of(position ?? 0, restored))
  const tickets = new Map<number, OffsetTicket>()
  for (const offset of arrivals) {
    if (!tracker.skipRestored(offset)) tickets.set(offset, tracker.track(offset, `item ${offset}`))
  }
  const complete = (offset: number) => tracker.complete(tickets.get(offset)!)
  return { tracker, complete }
}

function shown(ranges: readonly OffsetRange[]): string {
  return ranges.map(({ start, end }) => `${start}-${end}`).join(' ')
}

interface Row {
  readonly name: string
  readonly from?: number
  readonly restored?: readonly OffsetRange[]
  readonly arrivals: readonly number[]
  readonly done: readonly number[]
  readonly position: number | undefined
  readonly completed: string
  readonly span: number
  readonly blocking?: string
}

const table: readonly Row[] = [
  {
    name: 'nothing committed and nothing arrived',
    arrivals: [],
    done: [],
    position: undefined,
    completed: '',
    span: 0,
  },
  { name: 'nothing arrived', from: 7, arrivals: [], done: [], position: 7, completed: '', span: 0 },
  {
    name: 'nothing done',
    from: 0,
    arrivals: [0, 1],
    done: [],
    position: 0,
    completed: '',
    span: 0,
    blocking: 'item 0',
  },
  { name: 'all done', from: 0, arrivals: [0, 1, 2], done: [2, 0, 1], position: 3, completed: '', span: 0 },
  {
    name: 'the log starts above the committed position',
    from: 0,
    arrivals: [5, 6],
    done: [5],
    position: 6,
    completed: '',
    span: 0,
    blocking: 'item 6',
  },
  {
    name: 'the log starts above 0 and nothing is committed',
    arrivals: [100, 101],
    done: [101],
    position: 100,
    completed: '101-102',
    span: 2,
    blocking: 'item 100',
  },
  {
    name: 'done above an incomplete one',
    from: 0,
    arrivals: range(0, 6),
    done: [5, 3, 2],
    position: 0,
    completed: '2-4 5-6',
    span: 6,
    blocking: 'item 0',
  },
  {
    name: 'a hole between done ones counts as done',
    from: 0,
    arrivals: [0, 1, 4, 5],
    done: [1, 4],
    position: 0,
    completed: '1-5',
    span: 5,
    blocking: 'item 0',
  },
  {
    name: 'a hole behind the last done one is not told',
    from: 0,
    arrivals: [0, 1, 9],
    done: [1],
    position: 0,
    completed: '1-2',
    span: 2,
    blocking: 'item 0',
  },
  {
    name: 'a hole between incomplete ones is not told: nothing beside it is done',
    from: 0,
    arrivals: [0, 4, 8, 9, 12],
    done: [9],
    position: 0,
    completed: '9-10',
    span: 10,
    blocking: 'item 0',
  },
  {
    name: 'a hole at the position is passed with what follows',
    from: 0,
    arrivals: [0, 4],
    done: [0],
    position: 4,
    completed: '',
    span: 0,
    blocking: 'item 4',
  },
  {
    name: 'restored, not arrived',
    from: 5,
    restored: [{ start: 7, end: 9 }],
    arrivals: [],
    done: [],
    position: 5,
    completed: '7-9',
    span: 4,
  },
  {
    name: 'restored and arrived in part',
    from: 5,
    restored: [{ start: 7, end: 9 }],
    arrivals: [5, 6, 7],
    done: [6],
    position: 5,
    completed: '6-9',
    span: 4,
    blocking: 'item 5',
  },
  {
    name: 'all below a restored range is done',
    from: 5,
    restored: [{ start: 7, end: 9 }],
    arrivals: [5, 6],
    done: [5, 6],
    position: 9,
    completed: '',
    span: 0,
  },
  {
    name: 'restored offsets that were compacted away',
    from: 5,
    restored: [{ start: 7, end: 9 }],
    arrivals: [5, 12],
    done: [5],
    position: 12,
    completed: '',
    span: 0,
    blocking: 'item 12',
  },
  {
    name: 'two restored ranges, one of them passed',
    from: 0,
    restored: [
      { start: 1, end: 2 },
      { start: 5, end: 8 },
    ],
    arrivals: [0, 1, 2, 3],
    done: [0, 3],
    position: 2,
    completed: '3-4 5-8',
    span: 6,
    blocking: 'item 2',
  },
]

describe('OffsetTracker', () => {
  for (const row of table) {
    it(`knows position, completed ranges, span and blocking item: ${row.name}`, () => {
      const { tracker, complete } = trackerOf(row.from, row.restored ?? [], row.arrivals)
      for (const offset of row.done) complete(offset)
      assert.equal(tracker.position, row.position)
      assert.equal(shown(tracker.completedRanges()), row.completed)
      assert.equal(tracker.span, row.span)
      assert.equal(tracker.blocking, row.blocking)
    })
  }

  it('grows with what it holds, keeps the order while its ring turns over, and shrinks when it is empty', () => {
    const tracker = new OffsetTracker<number>(0)
    for (let round = 0; round < 3; round += 1) {
      const from = round * 50_000
      const tickets = range(from, from + 50_000).map((offset) => tracker.track(offset, offset))
      assert.equal(tracker.incomplete, 50_000)
      for (const ticket of tickets.slice(0, -1)) tracker.complete(ticket)
      assert.equal(tracker.position, from + 49_999)
      assert.equal(tracker.blocking, from + 49_999)
      tracker.complete(tickets.at(-1)!)
    }
    assert.equal(tracker.position, 150_000)
    assert.equal(tracker.incomplete, 0)
  })

  it('finds every offset of a log that is mostly holes', () => {
    const offsets = range(0, 2_000).map((i) => i * i)
    const { tracker, complete } = trackerOf(0, [], offsets)
    for (const offset of offsets.toReversed()) complete(offset)
    assert.equal(tracker.position, 1_999 ** 2 + 1)
  })

  it('counts as far as offsets go', () => {
    const last = Number.MAX_SAFE_INTEGER - 1
    const { tracker, complete } = trackerOf(last - 1, [], [last - 1, last])
    complete(last)
    assert.equal(shown(tracker.completedRanges()), `${last}-${last + 1}`)
    complete(last - 1)
    assert.equal(tracker.position, last + 1)
  })

  for (const [name, misuse] of [
    ['a ticket that is used twice', (tracker: OffsetTracker<string>) => tracker.complete(2)],
    ['a ticket of an offset that was passed', (tracker: OffsetTracker<string>) => tracker.complete(0)],
    ['a ticket that was never given', (tracker: OffsetTracker<string>) => tracker.complete(4)],
    ['a ticket that is none', (tracker: OffsetTracker<string>) => tracker.complete(-1)],
    ['an offset that arrives twice', (tracker: OffsetTracker<string>) => tracker.track(13, 'again')],
    ['a lower offset that arrives late', (tracker: OffsetTracker<string>) => tracker.skipRestored(12)],
  ] as const) {
    it(`refuses ${name} as a bug`, () => {
      const { tracker, complete } = trackerOf(9, [], [9, 10, 11, 13])
      complete(9)
      complete(11)
      assert.throws(() => misuse(tracker), { code: 'PYR_BUG' })
      assert.deepEqual([tracker.position, tracker.incomplete], [10, 2])
    })
  }
})

/** Says the same with sets, slowly. */
class Model {
  readonly #incomplete = new Set<number>()
  /** Those that have arrived, restored ones among them. */
  readonly #done = new Set<number>()
  readonly #restored: ReadonlySet<number>
  #next: number | undefined
  #highest: number

  constructor(position: number | undefined, restored: readonly OffsetRange[]) {
    this.#next = position
    this.#restored = new Set(restored.flatMap(({ start, end }) => range(start, end)))
    this.#highest = Math.max(-1, ...this.#restored)
  }

  /** @returns whether it must run */
  arrive(offset: number): boolean {
    this.#next = offset + 1
    if (this.#restored.has(offset)) this.#done.add(offset)
    else this.#incomplete.add(offset)
    return this.#incomplete.has(offset)
  }

  complete(offset: number): void {
    this.#incomplete.delete(offset)
    this.#done.add(offset)
    this.#highest = Math.max(this.#highest, offset)
  }

  get position(): number | undefined {
    if (this.#incomplete.size > 0) return Math.min(...this.#incomplete)
    let position = this.#next
    while (position !== undefined && this.#restored.has(position)) position += 1
    return position
  }

  get blocking(): number | undefined {
    return this.#incomplete.size > 0 ? Math.min(...this.#incomplete) : undefined
  }

  get incomplete(): number {
    return this.#incomplete.size
  }

  get span(): number {
    return this.position === undefined ? 0 : Math.max(0, this.#highest + 1 - this.position)
  }

  completed(): number[] {
    const { position } = this
    if (position === undefined) return []
    const hasArrived = (offset: number) => offset < (this.#next ?? 0)
    return range(position, this.#highest + 1).filter((offset) =>
      hasArrived(offset) ? this.#isBesideDone(offset) : this.#restored.has(offset),
    )
  }

  /** Neither it nor what lies between it and a completed one is incomplete. */
  #isBesideDone(offset: number): boolean {
    if (this.#incomplete.has(offset)) return false
    const below = Math.max(-1, ...[...this.#incomplete].filter((each) => each < offset))
    const above = Math.min(...[...this.#incomplete].filter((each) => each > offset))
    return [...this.#done].some((each) => each > below && each < above)
  }
}

const start = fc.option(fc.nat(50), { nil: undefined })
/** Distances from one offset to the next: 1 without a hole. */
const distances = fc.array(fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: 6 })), {
  maxLength: 40,
})
/** Alternating: how many offsets are not restored, how many are. */
const restoredRuns = fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })), {
  maxLength: 4,
})
/** When to complete, and which of those that are incomplete. */
const choices = fc.array(fc.tuple(fc.nat(3), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })), {
  minLength: 40,
  maxLength: 160,
})

function rangesFrom(position: number, runs: readonly (readonly [number, number])[]): OffsetRange[] {
  let at = position
  return runs.map(([gap, length]) => {
    const from = at + gap
    at = from + length
    return { start: from, end: at }
  })
}

describe('OffsetTracker against sets', () => {
  it('says the same after every step: any order of completion, holes, any start, restored ranges', () => {
    fc.assert(
      fc.property(start, distances, restoredRuns, choices, (from, steps, runs, picks) => {
        const restored = from === undefined ? [] : rangesFrom(from, runs)
        const [tracker, model] = [
          new OffsetTracker<number>(from, RangeList.of(from ?? 0, restored)),
          new Model(from, restored),
        ]
        const incomplete: { readonly offset: number; readonly ticket: OffsetTicket }[] = []
        let offset = (from ?? 17) - 1
        const waiting = [...steps]
        for (const [when, which] of picks) {
          const distance = when < 2 ? waiting.shift() : undefined
          if (distance !== undefined) {
            offset += distance
            const mustRun = model.arrive(offset)
            assert.equal(tracker.skipRestored(offset), !mustRun)
            if (mustRun) incomplete.push({ offset, ticket: tracker.track(offset, offset) })
          } else if (incomplete.length > 0) {
            const done = incomplete.splice(Math.floor(which * incomplete.length), 1)[0]!
            tracker.complete(done.ticket)
            model.complete(done.offset)
          }
          assertSame(tracker, model)
        }
      }),
      { numRuns: 1_000, seed: 20_261_123 },
    )
  })
})

function assertSame(tracker: OffsetTracker<number>, model: Model): void {
  const ranges = tracker.completedRanges()
  assert.deepEqual(
    [tracker.position, tracker.blocking, tracker.incomplete, tracker.span],
    [model.position, model.blocking, model.incomplete, model.span],
  )
  assert.deepEqual(
    ranges.flatMap(({ start: from, end }) => range(from, end)),
    model.completed(),
  )
  // As metadata-encoder.ts asks for them.
  for (const [i, { start: from, end }] of ranges.entries()) {
    assert.ok(from < end && from > (ranges[i - 1]?.end ?? tracker.position ?? -1))
  }
}

describe('offsets without a record behind the last one', () => {
  it('are passed by the position once everything below is done', () => {
    const { tracker, complete } = trackerOf(3, [], [3, 4])
    assert.equal(tracker.readTo(9), true)
    assert.deepEqual([tracker.position, tracker.next, tracker.span], [3, 9, 0])
    complete(4)
    assert.equal(tracker.position, 3)
    complete(3)
    assert.equal(tracker.position, 9)
  })

  it('are no news where the position has passed them, and never turn it back', () => {
    const { tracker } = trackerOf(9, [], [])
    assert.deepEqual([tracker.readTo(9), tracker.readTo(4), tracker.position], [false, false, 9])
  })

  it('may have been completions that an earlier owner has told of', () => {
    const { tracker } = trackerOf(3, [{ start: 5, end: 7 }], [])
    tracker.readTo(9)
    assert.deepEqual([tracker.position, tracker.completedRanges()], [9, []])
    const inside = trackerOf(3, [{ start: 5, end: 12 }], []).tracker
    inside.readTo(9)
    assert.equal(inside.position, 12)
  })

  it('give a position to a partition that had none, unless nothing was ever written', () => {
    const { tracker } = trackerOf(undefined, [], [])
    tracker.readTo(0)
    assert.equal(tracker.position, undefined)
    tracker.readTo(5)
    assert.equal(tracker.position, 5)
  })
})
