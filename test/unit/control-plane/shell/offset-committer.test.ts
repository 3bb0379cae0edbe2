/** When commits leave: one at a time, not too often, again when they fail, and within their time when a partition goes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeCompleted } from '../../../../framework/control-plane/offsets/metadata-encoder.ts'
import { OffsetCommitter } from '../../../../framework/control-plane/shell/offset-committer.ts'
import type { CommitRequest } from '../../../../framework/kafka/kafka-client.ts'
import { type ErrorCode, PyrallelError } from '../../../../framework/model/errors.ts'
import { seededRandom } from '../../../../framework/runtime/seeded-random.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'
import { aRecord, Driver, of, range } from '../builders.ts'
import { shapes, windowOf } from '../windows.ts'

const INTERVAL_MS = 1_000
const PATIENCE_MS = 7_500

interface Asked {
  readonly commits: readonly CommitRequest[]
  readonly at: number
  readonly answer: () => Promise<void>
  readonly refuse: (code: ErrorCode, retriable?: boolean) => Promise<void>
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

function committerOf({
  minIntervalMs = INTERVAL_MS,
  partitions = 1,
  sessionTimeoutMs = Number.POSITIVE_INFINITY,
  maxUncommitted = 1_000_000,
} = {}) {
  const clock = new ManualClock(0)
  const driver = new Driver({
    route: { ordering: 'unordered', concurrency: 10_000 },
    limits: { maxUncommitted },
    sessionTimeoutMs,
  })
  const next: number[] = []
  for (const partition of range(0, partitions)) {
    driver.assign(partition, 0)
    next.push(0)
  }
  const asked: Asked[] = []
  let unanswered = 0
  let mostUnanswered = 0
  const client = {
    commit: (commits: readonly CommitRequest[]) =>
      new Promise<void>((resolve, reject) => {
        unanswered += 1
        mostUnanswered = Math.max(mostUnanswered, unanswered)
        const end = (by: () => void) => {
          unanswered -= 1
          by()
          return settle()
        }
        const refuse = (code: ErrorCode, retriable = true) =>
          end(() => reject(new PyrallelError(code, 'refused', { retriable })))
        asked.push({ commits, at: clock.now(), answer: () => end(resolve), refuse })
      }),
  }
  const { manager } = driver
  const onEvent = driver.events.push.bind(driver.events)
  const committer = new OffsetCommitter({ client, manager, clock, minIntervalMs, patienceMs: PATIENCE_MS, onEvent })
  /** One more record of the partition is done. */
  const progress = (partition = 0) => {
    const offset = next[partition] ?? 0
    next[partition] = offset + 1
    driver.poll(aRecord(offset, { partition })).endAll(driver.start())
  }
  const positions = () =>
    asked.map(({ commits }) => commits.map(({ partition, position }) => `${partition}:${position}`))
  return { clock, driver, asked, committer, progress, positions, mostUnanswered: () => mostUnanswered }
}

describe('OffsetCommitter', () => {
  it('commits at once when nothing was committed for long, and nothing when nothing has changed', () => {
    const { committer, progress, positions } = committerOf()
    committer.request()
    assert.deepEqual(positions(), [])
    progress()
    committer.request()
    assert.deepEqual(positions(), [['0:1']])
  })

  it('keeps one commit in flight, and the interval between two', async () => {
    const { clock, committer, progress, positions, asked } = committerOf()
    progress()
    committer.request()
    progress()
    committer.request()
    assert.deepEqual(positions(), [['0:1']])
    await asked[0]!.answer()
    committer.request()
    assert.deepEqual(positions(), [['0:1']])
    clock.advance(INTERVAL_MS - 1)
    assert.deepEqual(positions(), [['0:1']])
    clock.advance(1)
    assert.deepEqual(positions(), [['0:1'], ['0:2']])
    // How long its answer is waited for.
    assert.equal(clock.pendingTimers, 1)
  })

  it('commits without a pause when no interval is asked for', async () => {
    const { committer, progress, positions, asked } = committerOf({ minIntervalMs: 0 })
    progress()
    committer.request()
    progress()
    await asked[0]!.answer()
    assert.deepEqual(positions(), [['0:1'], ['0:2']])
  })

  it('waits for an answer for a sixth of the session time-out, sends the next, and counts the answer that comes later', async () => {
    const { clock, driver, committer, progress, positions, asked } = committerOf()
    progress()
    committer.request()
    await clock.advanceAndSettle(PATIENCE_MS - 1)
    assert.deepEqual(driver.eventsOf('commit.failed'), [])
    progress()
    await clock.advanceAndSettle(1)
    assert.equal(driver.eventsOf('commit.failed')[0]?.willRetry, true)
    await clock.advanceAndSettle(100)
    assert.deepEqual(positions(), [['0:1'], ['0:2']])
    await asked[0]!.answer()
    assert.equal(driver.manager.readings.metrics(0, () => 0, 1)[0]?.committedPosition, 1)
    await asked[1]!.answer()
    assert.equal(driver.manager.readings.metrics(0, () => 0, 1)[0]?.committedPosition, 2)
    assert.deepEqual(driver.manager.collectCommits(), [])
  })

  it('says that commits work again, once, with how many have failed and for how long', async () => {
    const { clock, driver, committer, progress, asked } = committerOf({ minIntervalMs: 0 })
    progress()
    committer.request()
    await asked[0]!.refuse('PYR_COMMIT_FAILED')
    await clock.advanceAndSettle(100)
    await asked[1]!.refuse('PYR_COMMIT_FAILED')
    await clock.advanceAndSettle(200)
    assert.deepEqual(driver.eventsOf('commit.recovered'), [])
    await asked[2]!.answer()
    assert.deepEqual(driver.eventsOf('commit.recovered'), [{ kind: 'commit.recovered', failures: 2, outageMs: 300 }])
    progress()
    committer.request()
    await asked[3]!.answer()
    assert.equal(driver.eventsOf('commit.recovered').length, 1)
  })

  it('commits again what the group has already, of one partition after the other, when a sixth of the session has passed in silence', async () => {
    const { clock, committer, progress, positions, asked } = committerOf({ partitions: 2, sessionTimeoutMs: 6_000 })
    progress(0)
    progress(1)
    committer.request()
    await asked[0]!.answer()
    for (let ms = 0; ms < 2_000; ms += 20) {
      await clock.advanceAndSettle(20)
      committer.request()
      if (asked.length > 1) await asked.at(-1)!.answer()
    }
    assert.deepEqual(positions(), [['0:1', '1:1'], ['1:1'], ['0:1']])
    assert.deepEqual(
      asked.map(({ at }) => at),
      [0, 1_000, 2_000],
    )
  })

  it('does not wait for its interval when half of what may be done and not committed is', async () => {
    const { clock, committer, progress, positions, asked } = committerOf({ minIntervalMs: 60_000, maxUncommitted: 10 })
    progress()
    committer.request()
    await asked[0]!.answer()
    for (let i = 0; i < 4; i += 1) progress()
    committer.request()
    assert.equal(asked.length, 1)
    progress()
    committer.request()
    assert.deepEqual(positions(), [['0:1'], ['0:6']])
    await asked[1]!.answer()
    assert.equal(clock.now(), 0)
  })

  it('tries again with growing delays, of what is done by then, and starts over after a success', async () => {
    const { clock, driver, committer, progress, positions, asked } = committerOf({ minIntervalMs: 0 })
    progress()
    committer.request()
    const delays: number[] = []
    for (let i = 0; i < 9; i += 1) {
      await asked.at(-1)!.refuse('PYR_COMMIT_FAILED')
      const failedAt = clock.now()
      progress()
      committer.request()
      for (const before = asked.length; asked.length === before && clock.pendingTimers > 0; ) clock.advance(50)
      delays.push(clock.now() - failedAt)
    }
    assert.deepEqual(delays, [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000])
    assert.deepEqual(positions().at(-1), ['0:10'])
    assert.ok(driver.eventsOf('commit.failed').every(({ willRetry }) => willRetry))
    await asked.at(-1)!.answer()
    progress()
    committer.request()
    await asked.at(-1)!.refuse('PYR_COMMIT_FAILED')
    const before = asked.length
    clock.advance(100)
    assert.equal(asked.length, before + 1)
  })

  it('goes on when a partition is not owned any more, and says that this commit will not be tried again', async () => {
    const { clock, driver, committer, progress, positions, asked } = committerOf({ partitions: 2 })
    progress(0)
    progress(1)
    committer.request()
    driver.manager.onLost([of(0)])
    await asked[0]!.refuse('PYR_NOT_OWNED', false)
    assert.deepEqual(driver.eventsOf('commit.failed')[0]?.willRetry, false)
    clock.advance(INTERVAL_MS)
    assert.deepEqual(positions(), [['0:1', '1:1'], ['1:1']])
  })

  it('halves the metadata of a partition that is alone until the broker takes it, and that at once', async () => {
    const { driver, committer, asked } = committerOf()
    const random = seededRandom(1)
    driver.poll(...range(0, 800).map((offset) => aRecord(offset)))
    driver.endAll(
      driver.start(),
      range(0, 800).filter((offset) => offset === 0 || (offset > 1 && random() < 0.5)),
    )
    committer.request()
    const lengths = [asked[0]!.commits[0]!.metadata.length]
    while (lengths.at(-1) !== 0 && lengths.length < 20) {
      await asked.at(-1)!.refuse('PYR_METADATA_TOO_LARGE', false)
      lengths.push(asked.at(-1)!.commits[0]!.metadata.length)
    }
    assert.ok(lengths[0]! > 31 && lengths.length <= 7, lengths.join())
    for (const [index, length] of lengths.entries()) if (index > 0) assert.ok(length <= lengths[index - 1]! / 2)
    assert.equal(asked.at(-1)!.commits[0]!.position, asked[0]!.commits[0]!.position)
    await asked.at(-1)!.answer()
    assert.deepEqual(driver.manager.collectCommits(), [])
  })

  it('waits before it tries again when the broker refuses even a commit without metadata as too large', async () => {
    const { clock, committer, progress, asked } = committerOf()
    progress()
    committer.request()
    await asked[0]!.refuse('PYR_COMMIT_TOO_LARGE', false)
    assert.deepEqual([asked.length, clock.pendingTimers], [1, 1])
    await clock.advanceAndSettle(100)
    assert.equal(asked.length, 2)
  })

  it('splits a commit whose metadata would make too large a request, and keeps what the first part has achieved', async () => {
    const { driver, committer, asked, clock } = committerOf({ partitions: 0 })
    const { text } = encodeCompleted(7, windowOf(7, 45_000, shapes['random, half']!(seededRandom(1))), 4_095)
    for (const partition of range(0, 60)) driver.assign(partition, 7, text).poll(aRecord(7, { partition }))
    driver.endAll(driver.start())
    committer.request()
    const [first] = asked
    const length = first!.commits.reduce((sum, { metadata }) => sum + metadata.length, 0)
    assert.ok(length > 100_000 && length <= 160_000 && first!.commits.length < 60, `${length} characters`)
    await first!.answer()
    assert.equal(first!.commits.length + asked[1]!.commits.length, 60)
    await asked[1]!.refuse('PYR_COMMIT_FAILED')
    await clock.advanceAndSettle(100)
    assert.deepEqual(asked[2]!.commits, asked[1]!.commits)
    await asked[2]!.answer()
    assert.deepEqual(driver.manager.collectCommits(), [])
  })

  it('goes on with all others when one partition is refused, which stands still until its commits are taken', async () => {
    const { driver, clock, committer, asked, progress } = committerOf({ partitions: 5 })
    for (const partition of range(0, 5)) progress(partition)
    committer.request()
    const refuses = (commits: readonly CommitRequest[]) => commits.some(({ partition }) => partition === 3)
    const serve = async () => {
      for (let seen = -1; seen !== asked.length; ) {
        seen = asked.length
        const { commits, answer, refuse } = asked.at(-1)!
        if (refuses(commits)) await refuse('PYR_COMMIT_REFUSED', false)
        else await answer()
      }
    }
    await serve()
    const acknowledged = () =>
      driver.manager.readings.metrics(0, () => 0, 9).map(({ committedPosition }) => committedPosition)
    assert.deepEqual(acknowledged(), [1, 1, 1, 0, 1])
    const before = asked.length
    // Before its time, the others do not fail with it.
    for (const partition of range(0, 5)) driver.poll(aRecord(1, { partition }))
    const started = driver.start()
    assert.deepEqual(
      started.map(({ records }) => records[0]?.partition),
      [0, 1, 2, 4],
    )
    driver.endAll(started)
    await clock.advanceAndSettle(INTERVAL_MS)
    const [together, alone] = asked.slice(before).map(({ commits }) => commits.map(({ partition }) => partition))
    assert.deepEqual([together, alone], [[0, 1, 2, 4], undefined])
    await asked.at(-1)!.answer()
    assert.deepEqual(
      asked.at(-1)!.commits.map(({ partition }) => partition),
      [3],
    )
    await asked.at(-1)!.answer()
    assert.deepEqual(acknowledged(), [2, 2, 2, 1, 2])
    assert.deepEqual(driver.startOffsets(), [1])
  })

  it('commits nothing after its end', () => {
    const { clock, committer, progress, positions } = committerOf()
    progress()
    committer.close()
    committer.request()
    clock.advance(10_000)
    assert.deepEqual(positions(), [])
    assert.equal(clock.pendingTimers, 0)
  })
})

describe('a flush', () => {
  it('commits only the partitions that go, without waiting for the interval', async () => {
    const { committer, progress, positions, asked, clock } = committerOf({ partitions: 2 })
    progress(0)
    committer.request()
    await asked[0]!.answer()
    progress(0)
    progress(1)
    const flushed = committer.flush([of(1)], 5_000)
    await settle()
    assert.deepEqual(positions(), [['0:1'], ['1:1']])
    await asked[1]!.answer()
    assert.equal(await flushed, true)
    committer.close()
    assert.equal(clock.pendingTimers, 0)
  })

  it('has nothing to wait for when all is committed', async () => {
    const { committer } = committerOf()
    assert.equal(await committer.flush([of(0)], 5_000), true)
  })

  it('waits for the commit in flight, and is not held up by what other partitions commit meanwhile', async () => {
    const { committer, progress, positions, asked, mostUnanswered } = committerOf({ partitions: 2, minIntervalMs: 0 })
    progress(0)
    committer.request()
    const flushed = committer.flush([of(1)], 5_000)
    progress(0)
    progress(1)
    committer.request()
    await asked[0]!.answer()
    progress(0)
    committer.request()
    assert.deepEqual(positions(), [['0:1'], ['1:1']])
    await asked[1]!.answer()
    assert.equal(await flushed, true)
    assert.deepEqual(positions().at(-1), ['0:3'])
    assert.equal(mostUnanswered(), 1)
  })

  it('keeps the commit that was due meanwhile until it is done itself', async () => {
    const { clock, committer, progress, asked, positions, mostUnanswered } = committerOf({ partitions: 2 })
    progress(0)
    committer.request()
    await asked[0]!.answer()
    progress(0)
    progress(1)
    committer.request()
    const flushed = committer.flush([of(1)], 5_000)
    await clock.advanceAndSettle(INTERVAL_MS)
    assert.deepEqual(positions(), [['0:1'], ['1:1']])
    await asked[1]!.answer()
    assert.equal(await flushed, true)
    await clock.advanceAndSettle(INTERVAL_MS)
    assert.deepEqual([positions(), mostUnanswered()], [[['0:1'], ['1:1'], ['0:2']], 1])
  })

  it('tries again with growing delays as long as there is time, one commit at a time', async () => {
    const { clock, committer, progress, asked, mostUnanswered, positions } = committerOf({ partitions: 2 })
    progress(0)
    progress(1)
    const flushed = committer.flush([of(1)], 5_000)
    await settle()
    await asked.at(-1)!.refuse('PYR_COMMIT_FAILED')
    assert.equal(asked.length, 1)
    await clock.advanceAndSettle(100)
    assert.equal(asked.length, 2)
    await asked.at(-1)!.refuse('PYR_COMMIT_FAILED')
    await clock.advanceAndSettle(199)
    assert.equal(asked.length, 2)
    await clock.advanceAndSettle(1)
    assert.equal(asked.length, 3)
    await asked.at(-1)!.answer()
    assert.equal(await flushed, true)
    assert.deepEqual(positions().slice(0, 3), [['1:1'], ['1:1'], ['1:1']])
    assert.equal(mostUnanswered(), 1)
  })

  it('does not try again what cannot succeed', async () => {
    const { committer, progress, asked, clock } = committerOf()
    progress()
    const flushed = committer.flush([of(0)], 5_000)
    await settle()
    await asked[0]!.refuse('PYR_NOT_OWNED', false)
    assert.equal(await flushed, false)
    committer.close()
    assert.equal(clock.pendingTimers, 0)
  })

  for (const [name, refuse] of [
    ['the coordinator does not answer', false],
    ['every commit is refused', true],
  ] as const) {
    it(`is over when its time is: ${name}`, async () => {
      const { clock, committer, progress, asked } = committerOf()
      progress()
      const flushed = committer.flush([of(0)], 5_000)
      let isOver = false
      void flushed.then(() => {
        isOver = true
      })
      await settle()
      for (let ms = 0; ms < 5_000; ms += 100) {
        assert.equal(isOver, false)
        if (refuse && asked.at(-1) !== undefined) await asked.at(-1)!.refuse('PYR_COMMIT_FAILED')
        await clock.advanceAndSettle(100)
      }
      assert.equal(await flushed, false)
      committer.close()
      const before = asked.length
      await clock.advanceAndSettle(60_000)
      assert.deepEqual([asked.length, clock.pendingTimers], [before, 0])
    })
  }

  it('leaves the way free for later commits when it was given up', async () => {
    const { clock, driver, committer, progress, asked, positions, mostUnanswered } = committerOf({ partitions: 2 })
    progress(0)
    progress(1)
    const flushed = committer.flush([of(1)], 5_000)
    await clock.advanceAndSettle(5_000)
    assert.equal(await flushed, false)
    driver.manager.onRevoked([of(1)])
    await asked[0]!.answer()
    clock.advance(INTERVAL_MS)
    committer.request()
    assert.deepEqual(positions(), [['1:1'], ['0:1']])
    assert.equal(mostUnanswered(), 1)
  })

  it('of two at once commits each after the other', async () => {
    const { committer, progress, asked, positions, mostUnanswered } = committerOf({ partitions: 2 })
    progress(0)
    progress(1)
    const both = [committer.flush([of(0)], 5_000), committer.flush([of(1)], 5_000)]
    await settle()
    await asked[0]!.answer()
    await settle()
    await asked[1]!.answer()
    assert.deepEqual(await Promise.all(both), [true, true])
    assert.deepEqual([positions(), mostUnanswered()], [[['0:1'], ['1:1']], 1])
  })
})
