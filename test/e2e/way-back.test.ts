/** The way back from Pyrallel: by a last run with contiguous commits, and then whatever consumer goes on in the group, with what runs again counted. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { configDefaults } from '../../framework/config/resolve-config.ts'
import { startKafka } from './kafka-harness.ts'
import { eventually, type MemberProcess } from './member-process.ts'
import { OtherMember } from './other-member.ts'
import { parallelConsumerCommand, pyrallelConsumerCommand } from './predecessors/install.mjs'
import { Scenario } from './scenario.ts'

const cluster = await startKafka()
after(() => cluster.stop())

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
