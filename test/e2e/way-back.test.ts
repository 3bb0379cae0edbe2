/** The way back from Pyrallel: by a last run with contiguous commits, and then whatever consumer goes on in the group, with what runs again counted. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { configDefaults } from '../../framework/config/resolve-config.ts'
import { decodeMetadata } from '../../framework/control-plane/offsets/metadata-encoder.ts'
import { connectUnderTest } from '../client-under-test.ts'
import { readByTheBook } from '../unit/control-plane/reference-reader.ts'
import { startKafka } from './kafka-harness.ts'
import { eventually, type MemberProcess } from './member-process.ts'
import { OtherMember } from './other-member.ts'
import { parallelConsumerCommand, pyrallelConsumerCommand } from './predecessors/install.mjs'
import { quietLog, Scenario } from './scenario.ts'

const cluster = await startKafka()
const looks = await connectUnderTest({ brokers: cluster.brokers, clientId: 'looks', log: quietLog })
after(async () => {
  await looks.close()
  await cluster.stop()
})

const successors = {
  kafkajs: [process.execPath, fileURLToPath(new URL('./predecessors/kafkajs_member.mjs', import.meta.url))],
  'parallel-consumer': parallelConsumerCommand(),
  'pyrallel-consumer': pyrallelConsumerCommand(),
}
const count = 300
/** Of each partition, some records that are not done at first: those of partition 0 are later, those of partition 1 never by us. */
const stuckKeys = ['freed', 'held']
const shapes = stuckKeys.map((stuck, partition) =>
  Array.from({ length: count }, (_, index) => (index % 10 === 1 ? stuck : `p${partition}-${index % 25}`)),
)
const doable = shapes.flat().filter((key) => !stuckKeys.includes(key)).length
const { commit, shutdown } = configDefaults

function placesOf(member: MemberProcess, kind: 'done' | 'start'): ReadonlySet<string> {
  return new Set(member.lines.flatMap((line) => (line.kind === kind ? [`${line.partition} ${line.offset}`] : [])))
}

function places(partition: number, from: number, end: number): readonly string[] {
  return Array.from({ length: end - from }, (_, index) => `${partition} ${from + index}`)
}

describe('the way back', { timeout: 240_000, concurrency: 2 }, () => {
  for (const [successor, command] of Object.entries(successors)) {
    it(`to ${successor}: nothing is lost, nothing of a drained partition runs again, and of another what is done above its position`, {
      skip: command === undefined ? `${successor} is not installed (node .ci/setup.mjs --with-kafka says why)` : false,
    }, async (t) => {
      const scenario = await Scenario.open(t, cluster, { partitions: shapes.length })
      const { group, topic } = scenario
      for (const [partition, keys] of shapes.entries()) await scenario.produce(keys, partition)
      const committed = () => cluster.admin.committed(group, topic)

      const first = await scenario.start({ behaviour: { blockedKeys: stuckKeys } })
      await first.until('all is done that can be', () => placesOf(first, 'done').size === doable)
      await eventually('what is done above the positions is stored', async () => {
        const now = await committed()
        return now.length === 2 && now.every(({ offset, metadata }) => offset === 1 && metadata.startsWith('P1'))
      })
      await scenario.untilQuiet(first)
      await first.kill()

      const contiguous = {
        commit: { ...commit, recovery: 'contiguous' },
        shutdown: { ...shutdown, drainMs: 500 },
      } as const
      const last = await scenario.start({ ...contiguous, behaviour: { blockedKeys: ['held'] } })
      const heldLeft = shapes[1]?.filter((key) => key === 'held').length ?? 0
      await eventually(
        () => `the last run has done what it can\n${last.describe()}`,
        () => placesOf(last, 'done').size === 2 * (count - 1) - heldLeft,
      )
      // It goes by positions: all that was done above them runs again, this once.
      const again = [...placesOf(first, 'done')].filter((place) => !place.endsWith(' 0'))
      const done = placesOf(last, 'done')
      assert.deepEqual(
        again.filter((place) => !done.has(place)),
        [],
      )
      await last.stop()
      const left = await committed()
      assert.deepEqual(
        left.map(({ partition, offset, metadata }) => [partition, offset, metadata]),
        [
          [0, count, ''],
          [1, 1, ''],
        ],
      )

      const file = join(cluster.directory ?? '', `${group}.txt`)
      const other = new OtherMember(t, command ?? [], { brokers: cluster.brokers, group, topic, file })
      const behind = 20
      await scenario.produce(
        Array.from({ length: behind }, (_, index) => `new-${index}`),
        0,
      )
      await other.untilDone(count - 1 + behind)
      const aboveThePosition = [...done].filter((place) => place.startsWith('1 '))
      t.diagnostic(`${aboveThePosition.length} run again of the partition that was not drained`)
      assert.deepEqual(other.done, new Set([...places(0, count, count + behind), ...places(1, 1, count)]))
    })
  }
})

/** They read the format as its description has it, without what was added for attempts: `readByTheBook` does. */
describe('a version of Pyrallel from before attempts were carried', { timeout: 240_000, concurrency: 2 }, () => {
  const [open] = shapes
  const openPlaces = open?.flatMap((key, index) => (key === 'freed' ? [index] : [])) ?? []
  const doneAbove = Array.from({ length: count }, (_, index) => index).filter(
    (index) => index > 0 && !openPlaces.includes(index),
  )

  /** What the group has stored of its one partition. */
  async function stored({ group }: Scenario): Promise<{ readonly position: number; readonly metadata: string }> {
    const [of] = await looks.view.groupOffsets(group)
    return { position: of?.position ?? -1, metadata: of?.metadata ?? '' }
  }

  it('reads what is stored where no record was tried that is not done', async (t) => {
    const scenario = await Scenario.open(t, cluster, { partitions: 1 })
    await scenario.produce(open ?? [], 0)
    const member = await scenario.start({ behaviour: { blockedKeys: ['freed'] } })
    await member.until('all is done that can be', () => placesOf(member, 'done').size === count - openPlaces.length)
    await scenario.untilQuiet(member)
    await member.kill()
    const { position, metadata } = await stored(scenario)
    assert.equal(position, 1)
    assert.deepEqual(readByTheBook(position, metadata), doneAbove)
  })

  it('believes nothing where attempts are carried, and has nothing to believe after the last run with contiguous commits', async (t) => {
    const scenario = await Scenario.open(t, cluster, { partitions: 1 })
    await scenario.produce(open ?? [], 0)
    const plan = {
      shutdown: { ...shutdown, drainMs: 500 },
      retry: { attempts: 1_000, backoff: 'fixed', minMs: 200, maxMs: 200, jitter: false },
      behaviour: { failures: { freed: 1_000 } },
    } as const
    const first = await scenario.start(plan)
    await first.until('all is done that can be', () => placesOf(first, 'done').size === count - openPlaces.length)
    await first.stop()
    const { position, metadata } = await stored(scenario)
    const decoded = decodeMetadata(position, metadata)
    assert.ok(decoded.kind === 'completed' && decoded.attempts !== undefined, JSON.stringify(decoded))
    assert.throws(() => readByTheBook(position, metadata))

    const last = await scenario.start({ ...plan, commit: { ...commit, recovery: 'contiguous' } })
    await last.until('it has done what it can', () => placesOf(last, 'done').size === doneAbove.length)
    await last.stop()
    assert.deepEqual(await stored(scenario), { position: 1, metadata: '' })
  })
})
