/** Groups of other consumers, killed with gaps: what they have stored as done does not run again, over either group protocol; and the way back. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { configDefaults } from '../../framework/config/resolve-config.ts'
import type { Predecessor } from '../../framework/model/settings.ts'
import { connectUnderTest } from '../client-under-test.ts'
import { clientUnderTest } from '../test-client.ts'
import { startKafka } from './kafka-harness.ts'
import { eventually } from './member-process.ts'
import { OtherMember } from './other-member.ts'
import { parallelConsumerCommand, pyrallelConsumerCommand } from './predecessors/install.mjs'
import { namedByPyrallelConsumer } from './predecessors/pyrallel-consumer-metadata.ts'
import { commitWithoutNul } from './raw-log.ts'
import { quietLog, Scenario } from './scenario.ts'

const cluster = await startKafka()
const connection = await connectUnderTest({ brokers: cluster.brokers, clientId: 'looks', log: quietLog })
after(async () => {
  await connection.close()
  await cluster.stop()
})

const commands: Readonly<Record<Predecessor, readonly string[] | undefined>> = {
  'parallel-consumer': parallelConsumerCommand(),
  'pyrallel-consumer': pyrallelConsumerCommand(),
}
const stuck = 'stuck'
const protocols = clientUnderTest === 'javascript' ? (['consumer'] as const) : (['consumer', 'classic'] as const)

/** Which records of a partition are never done. Each has its own shape of gaps, for which the tool chooses another encoding. */
const gaps: readonly ((index: number) => boolean)[] = [
  (index) => index % 10 === 1,
  (index) => index === 1,
  (index) => index === 1 || Math.sin(index * index) > 0.6,
]
/** Keys, in the order of the partition's records. The first one is done late: only then does the position move. */
const shapes = gaps.map((isStuck, partition) =>
  Array.from({ length: 2_000 }, (_, index) => {
    if (index === 0) return `late${partition}`
    return isStuck(index) ? `${stuck}${index % 9}` : `k${index % 50}`
  }),
)
const records = shapes.flat().length
const doable = shapes.flat().filter((key) => !key.startsWith(stuck)).length

/** What a group has committed, its metadata whole whoever has written it. */
async function committed(group: string, topic: string) {
  const offsets = await connection.view.groupOffsets(group)
  return offsets.filter((each) => each.topic === topic)
}

/**
 * Waits until the group has committed nothing new for ten of the tool's commit intervals. Of encodings of one length, Parallel Consumer takes another each
 * time, so the lengths are compared.
 */
async function untilCommitsAreQuiet({ group, topic }: Scenario): Promise<void> {
  let last = ''
  let since = performance.now()
  await eventually(
    () => `the commits are quiet: ${last}`,
    async () => {
      const commits = await committed(group, topic)
      const now = commits.map(({ position, metadata }) => `${position} ${metadata.length}`).join(', ')
      if (now !== last) since = performance.now()
      last = now
      const areMarked = commits.filter(({ metadata }) => metadata !== '').length === gaps.length
      return areMarked && performance.now() - since > 1_000
    },
  )
}

describe('a group that was killed with gaps', { timeout: 240_000, concurrency: 2 }, () => {
  for (const takeOver of ['parallel-consumer', 'pyrallel-consumer'] as const) {
    const command = commands[takeOver]
    it(`of ${takeOver} is taken over without running again what was done, and what is taken over is stored as ours`, {
      skip: command === undefined ? `${takeOver} is not installed (node .ci/setup.mjs --with-kafka says why)` : false,
    }, async (t) => {
      const scenario = await Scenario.open(t, cluster, { partitions: shapes.length })
      for (const [partition, keys] of shapes.entries()) await scenario.produce(keys, partition)
      const file = join(cluster.directory ?? '', `${scenario.group}.txt`)
      const other = new OtherMember(t, command ?? [], {
        ...scenario,
        brokers: cluster.brokers,
        file,
        stuck,
        others: doable - gaps.length,
      })
      await other.untilDone(doable)
      await untilCommitsAreQuiet(scenario)
      await other.kill()
      const stored = await committed(scenario.group, scenario.topic)
      t.diagnostic(
        stored.map(({ position, metadata }) => `${position} ${metadata.slice(0, 12)} (${metadata.length})`).join(', '),
      )
      assert.equal(stored.filter(({ metadata }) => metadata !== '').length, shapes.length)
      assert.deepEqual(
        stored.map(({ position }) => position),
        gaps.map(() => 1),
      )
      // Pyrallel-Consumer stores what is done when its position moves, and not before; Parallel Consumer at its next commit.
      const told =
        takeOver === 'pyrallel-consumer'
          ? stored.flatMap(({ partition, metadata }) =>
              namedByPyrallelConsumer(metadata).map((offset) => `${partition} ${offset}`),
            )
          : [...other.done].filter((place) => !place.endsWith(' 0'))
      const isTold = new Set(told)
      t.diagnostic(`done above the position: ${doable - gaps.length}, and stored: ${told.length}`)
      assert.ok(told.length > (doable * 9) / 10 && told.every((place) => other.done.has(place)))

      const commits = stored.map(({ partition, position, metadata }) => ({ partition, offset: position, metadata }))
      for (const groupProtocol of protocols) {
        const copy = groupProtocol === 'consumer' ? scenario.group : `${scenario.group}-${groupProtocol}`
        if (copy !== scenario.group) await commitWithoutNul(cluster.brokers, copy, scenario.topic, commits)
        const plan = { group: copy, groupProtocol }
        const first = await scenario.start({
          ...plan,
          commit: { ...configDefaults.commit, takeOver },
          behaviour: { blockedKeys: shapes.flat().filter((key) => key.startsWith(stuck)) },
        })
        const takenOver = () => first.logged('a partition was taken over from another consumer')
        await first.until('it has taken every partition over', () => takenOver().length === shapes.length)
        const taken = takenOver()
        assert.ok(taken.every(({ fields }) => fields.takenOverFrom === takeOver))
        const restored = taken.reduce((sum, { fields }) => sum + Number(fields.restored), 0)
        assert.equal(restored, told.length)
        // At once: nothing of these partitions can be done.
        await eventually('what was taken over is stored as ours', async () => {
          const now = await committed(copy, scenario.topic)
          return now.every(({ metadata }) => metadata.startsWith('P1'))
        })
        await first.kill()
        // Without the option, from what is ours.
        const second = await scenario.start(plan)
        await eventually('all of it is committed', async () => {
          const now = await committed(copy, scenario.topic)
          return now.every(({ partition, position }) => position === shapes[partition]?.length)
        })
        const started = [first, second].flatMap(({ lines }) =>
          lines.flatMap((line) => (line.kind === 'start' ? [`${line.partition} ${line.offset}`] : [])),
        )
        const again = started.filter((place) => isTold.has(place))
        t.diagnostic(`${groupProtocol}: ${again.length} of ${told.length} ran again`)
        assert.deepEqual(again, [])
        // And nothing is left out, but what was below the position.
        assert.equal(new Set(started).size, records - told.length - gaps.length)
        await second.stop()
      }
    })
  }
})
