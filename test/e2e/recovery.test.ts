/** What survives a kill: completions above a blocked offset, and the commit metadata that carries them, at full length, on Apache Kafka. */
import assert from 'node:assert/strict'
import { after, describe, it, type TestContext } from 'node:test'
import { configDefaults } from '../../framework/config/resolve-config.ts'
import { StartPermit } from '../../framework/control-plane/flow/start-permit.ts'
import { encodeCompleted } from '../../framework/control-plane/offsets/metadata-encoder.ts'
import type { CommitSnapshot } from '../../framework/control-plane/partition/commit-budget.ts'
import { OffsetCommitter } from '../../framework/control-plane/shell/offset-committer.ts'
import type { AssignedPartition, KafkaClient } from '../../framework/kafka/kafka-client.ts'
import type { RuntimeEvent } from '../../framework/model/events.ts'
import type { Epoch } from '../../framework/model/work.ts'
import { systemClock } from '../../framework/time/clock.ts'
import { connectUnderTest } from '../client-under-test.ts'
import { startKafka } from './kafka-harness.ts'
import type { CommitLine } from './member-log.ts'
import { eventually } from './member-process.ts'
import { quietLog, Scenario } from './scenario.ts'

const cluster = await startKafka()
after(() => cluster.stop())

const { limits } = configDefaults
const sparse = 10_000
/** Several, so that what they hold back is done sooner once they are free. The first record of the log is one of theirs. */
const blockedKeys = Array.from({ length: 20 }, (_, index) => `blocked${index}`)
const inFlight = 6_000

/** Every other record waits behind the first, so that what is done has gaps throughout. */
function interleaved(count: number): string[] {
  return Array.from({ length: count }, (_, index) => [`blocked${index % blockedKeys.length}`, `k${index % 97}`]).flat()
}

describe('after a SIGKILL', { concurrency: 2, timeout: 480_000 }, () => {
  it('none of 10,000 sparse completions above a blocked offset runs again once they are committed', async (t) => {
    const scenario = await Scenario.open(t, cluster, { partitions: 1 }, { limits: { ...limits, maxRecords: 50_000 } })
    await scenario.produce(interleaved(sparse))
    const plan = { limits: { ...limits, maxRecords: 50_000, maxRecordsPerPartition: 50_000 } }
    const first = await scenario.start({ ...plan, behaviour: { blockedKeys } })
    await first.until('all that can be done is done', () => first.count('done') === sparse)
    await scenario.untilQuiet(first)
    await first.kill()
    const second = await scenario.start(plan)
    await scenario.untilAllHandled()
    const again = second.count('end') - sparse
    t.diagnostic(`completed records that ran again after a quiet moment: ${again} of ${sparse}`)
    assert.equal(again, 0)
    const [assigned] = second.lines.flatMap((line) => (line.kind === 'assigned' ? [line] : []))
    assert.deepEqual([assigned?.position, assigned?.restored], [0, sparse])
    await scenario.untilCommitted(new Map([[0, sparse * 2]]))
    await scenario.finish()
  })

  it('only what was done after the last acknowledged commit runs again when it came in full flight', async (t) => {
    const scenario = await Scenario.open(
      t,
      cluster,
      { partitions: 1 },
      {
        limits: { ...limits, maxRecords: 50_000, maxRecordsPerPartition: 50_000 },
        behaviour: { takesMs: [0, 5] },
      },
    )
    await scenario.produce(interleaved(inFlight))
    const first = await scenario.start({ behaviour: { blockedKeys, takesMs: [0, 5] } })
    // How often it commits is up to the machine: one commit must have told of some that are done.
    const isTold = () => {
      const answered = new Set(first.lines.flatMap((line) => (line.kind === 'committed' ? [line.id] : [])))
      return first.lines.some((line) => line.kind === 'commit' && answered.has(line.id) && hasMetadata(line))
    }
    await first.until('half is done, and some of it committed', () => first.count('done') > inFlight / 2 && isTold())
    await first.kill()
    const done = first.count('done')
    await scenario.start({ behaviour: { takesMs: [0, 0] } })
    const { repeats } = await scenario.finish()
    // That each of them was done after the last acknowledged commit, the ledger has seen.
    t.diagnostic(`completed records that ran again after a kill in full flight: ${repeats} of ${done}`)
    assert.ok(repeats < done, `${repeats} of ${done} ran again`)
  })

  it('a static member of the new protocol waits until its name is free, comes back, and nothing is lost', async (t) => {
    const scenario = await Scenario.open(t, cluster, { partitions: 4 }, { behaviour: { takesMs: [1, 10] } })
    const load = scenario.load(100, 20)
    const [first, second] = await Promise.all(['a', 'b'].map((instanceId) => scenario.start({ instanceId })))
    await scenario.untilBalanced(4, [first!, second!])
    await scenario.untilProgress(100)
    // Its successor asks for the name while it lives: a machine that is busy may take longer to start a process than the session lasts.
    const again = await scenario.start({ instanceId: 'b' })
    const waits = () =>
      again.logged(
        'the static name of this member is still in use; it is free when the session of whoever had it is over',
      ).length
    await again.until('it is told that it waits', () => waits() > 0)
    await second!.kill()
    await again.until('it has partitions', () => again.partitions.length > 0)
    assert.equal(waits(), 1)
    await scenario.untilProgress(50, [again])
    await load.stop()
    await scenario.finish()
  })
})

function hasMetadata({ partitions }: CommitLine): boolean {
  return partitions.some(({ metadataLength }) => metadataLength > 0)
}

/** A member of our own client alone: it is polled until it closes, and keeps what it was assigned. */
async function client(t: TestContext, topic: string, group: string) {
  const { brokers } = cluster
  const connection = await connectUnderTest({ brokers, clientId: 'metadata', log: quietLog })
  const consumer = await connection.consumer({ group, startFrom: 'earliest' })
  const assigned: AssignedPartition[] = []
  await consumer.subscribe([topic], {
    onAssigned: (partitions) => void assigned.push(...partitions),
    onRevoked: async () => {},
    onLost: () => {},
  })
  let isClosed = false
  const polling = (async () => {
    while (!isClosed) await consumer.poll(10, 20)
  })()
  const close = async () => {
    await consumer.close()
    isClosed = true
    await polling
    await connection.close()
  }
  t.after(close)
  return { consumer, assigned, close }
}

/** As `inspect` reads it. librdkafka's own list gives texts that another client has written with characters behind them. */
async function committedOf(t: TestContext, group: string) {
  const connection = await connectUnderTest({ brokers: cluster.brokers, clientId: 'outside', log: quietLog })
  t.after(() => connection.close())
  const offsets = await connection.view.groupOffsets(group)
  return offsets.map(({ topic, partition, position, metadata }) => ({ topic, partition, position, metadata }))
}

/** Real metadata of exactly `length` characters: as many completions of a random pattern as fit. */
function metadataOf(length: number, position: number, seed: number): string {
  let state = seed
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return state / 0x7fffffff
  }
  const ranges = []
  for (let offset = position + 1; offset < position + 90_000; offset++) {
    if (random() < 0.5) ranges.push({ start: offset, end: offset + 1 })
  }
  // The prefix that fits best can be a character short: then the limit is raised by what is missing.
  for (let limit = length; limit < length + 3; limit++) {
    const { text } = encodeCompleted(position, ranges, limit)
    if (text.length === length) return text
  }
  throw new Error(`no metadata of ${length} characters`)
}

const longest = 4_095

describe('commit metadata', { timeout: 480_000 }, () => {
  it('of 4,095 characters comes back unchanged through another member, and to who looks from outside', async (t) => {
    const scenario = await Scenario.open(t, cluster, { partitions: 1 })
    const { topic, group } = scenario
    const metadata = metadataOf(longest, 7, 1)
    const first = await client(t, topic, group)
    await eventually('the first member is assigned', () => first.assigned.length === 1)
    await first.consumer.commit([{ topic, partition: 0, position: 7, metadata }])
    await first.close()
    assert.deepEqual(await committedOf(t, group), [{ topic, partition: 0, position: 7, metadata }])
    const second = await client(t, topic, group)
    await eventually('the second member is assigned', () => second.assigned.length === 1)
    assert.deepEqual(second.assigned, [{ topic, partition: 0, position: 7, metadata, logEnd: 0 }])
  })

  it('of full length for 200 partitions is committed in as many requests as it takes, and comes back', async (t) => {
    const partitions = 200
    const scenario = await Scenario.open(t, cluster, { partitions })
    const { topic, group } = scenario
    const { consumer, assigned } = await client(t, topic, group)
    await eventually('all is assigned', () => assigned.length === partitions)
    const metadata = metadataOf(longest, 7, 2)
    const snapshots = Array.from({ length: partitions }, (_, partition): CommitSnapshot => {
      return {
        topic,
        partition,
        position: 7,
        metadata,
        epoch: 1 as Epoch,
        carries: 0,
        coveredTo: Number.POSITIVE_INFINITY,
      }
    })
    const { requests, isCommitted, failures } = await flushed(consumer, snapshots)
    assert.deepEqual(failures, [])
    assert.equal(isCommitted, true)
    assert.ok(requests > 1 && requests <= 10, `${requests} requests`)
    assert.deepEqual(
      await committedOf(t, group),
      snapshots.map(({ partition }) => ({ topic, partition, position: 7, metadata })),
    )
  })
})

/** Commits by the real committer, which decides what goes into one request. */
async function flushed(consumer: KafkaClient, snapshots: readonly CommitSnapshot[]) {
  let open = snapshots
  let requests = 0
  const failures: RuntimeEvent[] = []
  const committer = new OffsetCommitter({
    client: {
      commit: (commits) => {
        requests += 1
        return consumer.commit(commits)
      },
    },
    manager: {
      collectCommits: () => [...open],
      onCommitted: (commits) => {
        open = open.filter((each) => !commits.includes(each))
      },
      collectRenewal: () => [],
      onMetadataTooLarge: () => {},
      onCommitRefused: () => {},
      present: (assignments) => assignments,
      permit: new StartPermit({ sessionTimeoutMs: 45_000, maxUncommitted: 1_000_000 }),
    },
    clock: systemClock(),
    minIntervalMs: 0,
    patienceMs: 30_000,
    onEvent: (event) => event.kind === 'commit.failed' && failures.push(event),
  })
  const isCommitted = await committer.flush(snapshots, 30_000)
  committer.close()
  return { requests, isCommitted, failures }
}
