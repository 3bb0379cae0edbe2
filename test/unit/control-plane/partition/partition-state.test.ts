/** What one partition commits, and when it stops starting records because their completions would not fit into the metadata. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeCompleted, encodeCompleted } from '../../../../framework/control-plane/offsets/metadata-encoder.ts'
import { type OffsetRange, RangeList } from '../../../../framework/control-plane/offsets/range-list.ts'
import type { CommitSnapshot } from '../../../../framework/control-plane/partition/commit-budget.ts'
import { emptyTally } from '../../../../framework/control-plane/partition/handler-tally.ts'
import { PartitionState } from '../../../../framework/control-plane/partition/partition-state.ts'
import { nextEpoch } from '../../../../framework/control-plane/partition/partition-table.ts'
import type { Pending } from '../../../../framework/control-plane/partition/shard-queue.ts'
import { seededRandom } from '../../../../framework/runtime/seeded-random.ts'
import { aRecord, aRoute, of, range } from '../builders.ts'

interface Start {
  readonly position?: number | undefined
  readonly metadata?: string
  readonly restored?: readonly OffsetRange[]
  readonly maxMetadataLength?: number
  readonly maxOffsetSpan?: number
}

function partition(start: Start = {}) {
  const { metadata = '', restored = [], maxMetadataLength = 4_095, maxOffsetSpan = 1_000_000 } = start
  const position = 'position' in start ? start.position : 0
  const route = aRoute({ ordering: 'unordered' })
  const settings = { maxMetadataLength, maxOffsetSpan }
  const begin = { position, metadata, restored: RangeList.of(position ?? 0, restored) }
  const state = new PartitionState(of(0), nextEpoch(), route, begin, settings, emptyTally())
  const pendings = new Map<number, Pending>()
  const receive = (...offsets: number[]) => {
    for (const offset of offsets) {
      const pending = state.receive(aRecord(offset), 0)
      if (typeof pending !== 'string') pendings.set(offset, pending)
    }
  }
  const takeAll = () => {
    const taken: number[] = []
    for (let pending = state.take(); pending !== undefined; pending = state.take()) taken.push(pending.record.offset)
    return taken
  }
  const complete = (...offsets: number[]) => {
    for (const offset of offsets) {
      state.load.ended(1)
      state.complete(pendings.get(offset)!, 0)
    }
  }
  const commit = () => {
    const snapshot = state.commits.snapshot()
    if (snapshot !== undefined) state.commits.onAcknowledged(snapshot)
    return snapshot
  }
  return { state, receive, takeAll, complete, commit }
}

function completedIn({ position, metadata }: CommitSnapshot): number[] {
  const decoded = decodeCompleted(position, metadata)
  return decoded.kind === 'completed' ? decoded.ranges.flatMap(({ start, end }) => range(start, end)) : []
}

describe('what a partition commits', () => {
  it('commits nothing while nothing is done, and nothing that the group has already', () => {
    const { receive, takeAll, complete, commit } = partition()
    receive(0, 1)
    takeAll()
    assert.equal(commit(), undefined)
    complete(0)
    assert.equal(commit()?.position, 1)
    assert.equal(commit(), undefined)
  })

  it('collects the same again as long as no coordinator has acknowledged it', () => {
    const { state, receive, takeAll, complete } = partition()
    receive(0)
    takeAll()
    complete(0)
    const snapshot = state.commits.snapshot()
    assert.deepEqual(state.commits.snapshot(), snapshot)
    assert.ok(snapshot !== undefined)
    state.commits.onAcknowledged(snapshot)
    assert.equal(state.commits.snapshot(), undefined)
    assert.equal(state.commits.committedPosition, 1)
  })

  it('takes position and metadata at one moment: what completes later changes neither', () => {
    const { state, receive, takeAll, complete } = partition()
    receive(...range(0, 10))
    takeAll()
    complete(3, 4, 7)
    const snapshot = state.commits.snapshot()!
    complete(0, 1, 2, 9)
    assert.deepEqual([snapshot.position, completedIn(snapshot)], [0, [3, 4, 7]])
    const later = state.commits.snapshot()!
    assert.deepEqual([later.position, completedIn(later)], [5, [7, 9]])
  })

  it('commits where it starts when the group has no position, before anything is done', () => {
    const { receive, commit } = partition({ position: undefined })
    assert.equal(commit(), undefined)
    receive(100)
    assert.deepEqual([commit()?.position, commit()], [100, undefined])
  })

  it('commits the passing of records that an earlier owner completed, though nothing ran', () => {
    const { receive, commit } = partition({ position: 5, metadata: 'ours', restored: [{ start: 6, end: 8 }] })
    assert.equal(commit(), undefined)
    receive(6, 7)
    assert.equal(commit()?.position, 8)
  })

  it('replaces metadata that it does not believe, even when nothing else changes', () => {
    const { commit } = partition({ position: 5, metadata: 'foreign' })
    const snapshot = commit()
    assert.deepEqual([snapshot?.position, snapshot?.metadata], [5, ''])
    assert.equal(commit(), undefined)
  })

  it('stores nothing but the position when it may have no metadata', () => {
    const { receive, takeAll, complete, commit } = partition({ maxMetadataLength: 0 })
    receive(0, 1, 2)
    takeAll()
    complete(2)
    assert.equal(commit(), undefined)
    complete(0)
    assert.deepEqual([commit()?.position, commit()], [1, undefined])
  })

  it('keeps what it commits within the limit, as a true prefix, when it cannot fit', () => {
    const { receive, takeAll, complete, commit } = partition({ maxMetadataLength: 24 })
    const random = seededRandom(1)
    receive(...range(0, 2_000))
    takeAll()
    const done = range(1, 2_000).filter(() => random() < 0.5)
    complete(...done)
    const snapshot = commit()!
    const told = completedIn(snapshot)
    assert.ok(snapshot.metadata.length <= 24 && told.length > 0)
    assert.deepEqual(told, done.slice(0, told.length))
  })
})

describe('the budget of the commit metadata', () => {
  it('starts nothing above the highest completed offset once 75 % of it are used, and goes on when there is room', () => {
    const part = partition({ maxMetadataLength: 40 })
    const { state, receive, takeAll, complete } = part
    const random = seededRandom(3)
    receive(...range(0, 3_000))
    const started = new Set<number>()
    const done = new Set<number>()
    while (!state.commits.isTight && started.size < 3_000) {
      const pending = state.take()!
      const { offset } = pending.record
      started.add(offset)
      if (offset > 0 && random() < 0.5) {
        complete(offset)
        done.add(offset)
      }
    }
    assert.ok(state.commits.isTight && started.size < 3_000, `${started.size} started`)
    assert.ok(
      state.commits.metadataLength > 30 && state.commits.metadataLength <= 40,
      `${state.commits.metadataLength} characters`,
    )
    const highest = Math.max(...done)
    assert.ok(takeAll().every((offset) => offset < highest))
    complete(...[...started].filter((offset) => !done.has(offset)))
    assert.equal(state.commits.isTight, false)
    assert.ok(takeAll().length > 0)
  })

  it('never commits cut metadata while the brake works: half of the completions irregular, 3,000 offsets, 60 characters', () => {
    const part = partition({ maxMetadataLength: 60 })
    const random = seededRandom(5)
    part.receive(...range(0, 3_000))
    const open: number[] = []
    for (let step = 0; step < 20_000 && part.state.load.records > 1; step += 1) {
      const pending = part.state.take()
      if (pending !== undefined) open.push(pending.record.offset)
      // The position is held by offset 0 up to the end.
      const choice = open.splice(1 + Math.floor(random() * (open.length - 1)), 1)[0]
      if (choice !== undefined && random() < 0.6) part.complete(choice)
      else if (choice !== undefined) open.push(choice)
      if (pending === undefined && open.length < 2) break
    }
    const snapshot = part.commit()!
    const told = new Set(completedIn(snapshot))
    const lost = range(1, 3_000).filter((offset) => isDone(part.state, offset) && !told.has(offset))
    assert.deepEqual(lost, [])
  })

  it('always lets the blocking record start', () => {
    const { state, receive, takeAll, complete } = partition({ maxOffsetSpan: 10 })
    receive(...range(0, 30))
    assert.equal(state.take()?.record.offset, 0)
    takeAll()
    complete(...range(1, 30))
    assert.ok(state.commits.isTight)
    receive(30)
    assert.equal(state.take(), undefined)
    complete(0)
    assert.equal(state.take()?.record.offset, 30)
  })

  it('limits the span between the position and the highest completed offset', () => {
    const part = partition({ maxOffsetSpan: 100, maxMetadataLength: 0 })
    part.receive(...range(0, 500))
    part.state.take()
    let highest = 0
    for (let pending = part.state.take(); pending !== undefined; pending = part.state.take()) {
      highest = pending.record.offset
      part.complete(highest)
    }
    assert.equal(highest, 99)
    assert.equal(part.state.tracker.span, 100)
    part.complete(0)
    assert.equal(part.state.commits.isTight, false)
    assert.equal(part.state.take()?.record.offset, 100)
  })

  it('holds from the first record on when what an earlier owner has completed leaves no room', () => {
    const random = seededRandom(9)
    const restored = range(101, 300)
      .filter(() => random() < 0.5)
      .map((offset) => ({ start: offset, end: offset + 1 }))
    const highest = restored.at(-1)!.end - 1
    const metadata = encodeCompleted(100, restored, 4_095).text
    assert.ok(metadata.length > 18)
    const part = partition({ position: 100, metadata, restored, maxMetadataLength: 24 })
    part.receive(...range(100, 1_000))
    const started = part.takeAll()
    assert.ok(started.length > 50 && started.every((offset) => offset < highest), `up to ${started.at(-1)}`)
    part.complete(...started)
    assert.ok(part.takeAll().length > 0)
  })

  it('does not hold because of completed offsets that a compacted log has passed', () => {
    const restored = [{ start: 150, end: 250 }]
    const { state, receive, takeAll } = partition({ position: 100, metadata: 'ours', restored, maxOffsetSpan: 100 })
    assert.ok(state.commits.isTight)
    receive(300, 301, 302)
    assert.deepEqual(takeAll(), [300, 301, 302])
  })

  it('halves its metadata when the broker takes less than was thought, and is tight if need be', () => {
    const part = partition({ maxMetadataLength: 100 })
    const random = seededRandom(7)
    part.receive(...range(0, 800))
    part.takeAll()
    part.complete(...range(1, 800).filter(() => random() < 0.5))
    const before = part.commit()!
    assert.ok(!part.state.commits.isTight && before.metadata.length > 50, `${before.metadata.length} characters`)
    for (const limit of [50, 25, 12]) {
      part.state.commits.halveMetadata(part.state.commits.metadataLimit)
      assert.equal(part.state.commits.metadataLimit, limit)
    }
    const after = part.state.commits.snapshot()!
    assert.ok(after.metadata.length <= 12 && after.position === before.position)
    assert.ok(part.state.commits.isTight)
    const told = completedIn(after)
    assert.deepEqual(told, completedIn(before).slice(0, told.length))
  })
})

function isDone(state: PartitionState, offset: number): boolean {
  const ranges = state.tracker.completedRanges()
  return ranges.some(({ start, end }) => offset >= start && offset < end)
}
