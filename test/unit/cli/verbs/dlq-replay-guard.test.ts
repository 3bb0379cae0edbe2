/** What fails after each replay does not go round for ever; and what a replay says of the kinds of failures that it publishes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { replayLetters } from '../../../../cli/verbs/dlq-replay.ts'
import { deadLetterRecord } from '../../../../framework/control-plane/failures/dead-letter-record.ts'
import type { MemoryCluster } from '../../../../framework/kafka/memory/client.ts'
import { aFailure, Driver, keyed } from '../../control-plane/builders.ts'
import { cluster1, clusterWith, DLQ, on, planned, replayed, valuesIn } from '../dlq-fixtures.ts'
import { projectFolder, testIo } from '../test-io.ts'

const replayedBefore = (times: number, error = 'boom') => ({
  error,
  headers: { 'pyrallel-replay-count': String(times), 'pyrallel-error-fingerprint': `of ${error}` },
})

async function said(cluster: MemoryCluster, options: object): Promise<{ readonly out: string; readonly code: number }> {
  const io = testIo(projectFolder())
  const code = await replayLetters(DLQ, { ...cluster1, ...options }, io, on(cluster))
  return { out: io.out(), code }
}

/** The newest copy fails as its first did, and is given up. */
function failAgain(cluster: MemoryCluster): void {
  const record = cluster.log('orders', 0).records.at(-1)
  assert.ok(record !== undefined)
  const driver = new Driver().assign(0, 0).poll(keyed(0, 'k'))
  driver.end(driver.start()[0], { kind: 'failed', failure: aFailure({ retryable: false }) })
  const request = { ...driver.takeDeadLetter(), record, topic: DLQ }
  const letter = deadLetterRecord(request, { group: 'shop', payload: 'full', now: 0 })
  cluster.append({ ...letter, partition: 0 })
}

describe('the guard of a replay against loops', { timeout: 60_000 }, () => {
  for (const [what, options, most] of [
    ['three times by default', {}, 3],
    ['once where one replay is allowed', { maxReplays: 1 }, 1],
    ['five times where five are allowed', { maxReplays: 5 }, 5],
  ] as const) {
    it(`publishes a record that is given up each time ${what}, and then leaves it out`, async () => {
      const cluster = await clusterWith({})
      for (let round = 0; round < most; round += 1) {
        const { replayed: done, replayedTooOften } = await replayed(cluster, options)
        assert.deepEqual([done, replayedTooOften], [1, 0])
        failAgain(cluster)
      }
      const last = await replayed(cluster, options)
      assert.deepEqual([last.replayed, last.replayedTooOften, last.notReplayable], [0, 1, 1])
      assert.equal(valuesIn(cluster).length, most)
    })
  }

  it('does not mark what it leaves out, so that a higher maximum publishes it', async () => {
    const cluster = await clusterWith(replayedBefore(3), {}, replayedBefore(7))
    const { replayed: done, replayedTooOften } = await replayed(cluster)
    assert.deepEqual([done, replayedTooOften, valuesIn(cluster)], [1, 2, ['v1']])
    const more = await replayed(cluster, { maxReplays: 4 })
    assert.deepEqual([more.replayed, more.replayedTooOften, valuesIn(cluster)], [1, 1, ['v1', 'v0']])
  })

  it('counts none that was not selected, and asks for no topic that only such letters name', async () => {
    const of = { 'pyrallel-topic': 'elsewhere', 'kafka_dlt-original-topic': 'elsewhere', 'pyrallel-replay-count': '3' }
    const cluster = await clusterWith({ error: 'a', headers: of }, { error: 'b' })
    const { replayedTooOften, notSelected, refused } = await planned(cluster, {
      selection: ({ errorMessage }) => errorMessage === 'b',
    })
    assert.deepEqual([replayedTooOften, notSelected, refused.size], [0, 1, 0])
    const all = await planned(cluster)
    assert.deepEqual([all.replayedTooOften, all.notSelected, all.refused.size], [1, 0, 0])
  })

  it('is told in the plan and in the report, which end well', async () => {
    const cluster = await clusterWith(replayedBefore(3), {})
    for (const options of [{ dryRun: true }, {}]) {
      const { out, code } = await said(cluster, options)
      assert.match(out, /^ {2}1 were replayed as often as --max-replays allows, and given up each time/m)
      assert.equal(code, 0)
    }
  })
})

describe('the kinds of failures of a replay', { timeout: 60_000 }, () => {
  const letters = [replayedBefore(0, 'b'), replayedBefore(0, 'a'), replayedBefore(1, 'a'), replayedBefore(3, 'a')]

  it('are counted by fingerprint in a plan, the most frequent first, and before it says what would be published', async () => {
    const { out } = await said(await clusterWith(...letters), { dryRun: true })
    assert.match(out, /^ +2 × Error: a .*of a.*\n +1 × Error: b .*of b.*\n○ .*3 would be published/m)
  })

  it('are those of what was published in a report', async () => {
    const cluster = await clusterWith(...letters)
    const { out } = await said(cluster, { limit: 2 })
    assert.match(out, /^✓ .*: 2 published again[^×]*\n +1 × Error: b .*\n +1 × Error: a .*\n$/)
  })

  it('are ten at most in words, and all in JSON', async () => {
    const cluster = await clusterWith(...Array.from({ length: 13 }, (_, index) => replayedBefore(0, `e${index}`)))
    const { out } = await said(cluster, { dryRun: true })
    assert.equal(out.split('\n').filter((line) => line.includes(' × ')).length, 10)
    assert.match(out, /… and 3 more kinds of failures/)
    const { reasons } = await replayed(cluster)
    assert.ok(Array.isArray(reasons))
    assert.deepEqual(
      reasons.map(({ count, error, fingerprint, handler }) => [count, error, fingerprint, handler]),
      Array.from({ length: 13 }, (_, index) => [1, `Error: e${index}`, `of e${index}`, 'pay']),
    )
  })
})
