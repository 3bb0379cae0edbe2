/** What is shown of a group from outside: the metadata that others have stored, to the letter, where logs really end, and names that are another type's. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { inspectOffsets } from '../../cli/verbs/inspect-offsets.ts'
import type { KafkaClient } from '../../framework/kafka/kafka-client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { connectUnderTest, skipWithout } from '../client-under-test.ts'
import { clientUnderTest } from '../test-client.ts'
import { projectFolder, testIo } from '../unit/cli/test-io.ts'
import { joinShareGroup, joinStreamsGroup, leaveShareGroup, startShareGroupAt } from './groups-of-other-types.ts'
import { startKafka } from './kafka-harness.ts'
import { eventually } from './member-process.ts'
import { commitWithoutNul, insideTransaction } from './raw-log.ts'
import { quietLog } from './scenario.ts'

const cluster = await startKafka()
const { brokers } = cluster
const connection = await connectUnderTest({ brokers, clientId: 'looks', log: quietLog })
after(async () => {
  await connection.close()
  await cluster.stop()
})

/** Of many lengths: what stands behind a text in memory depends on it. */
const foreign = [
  ...Array.from({ length: 28 }, (_, index) => Buffer.from(`n${'\u0001\u0002'.repeat(index + 1)}`).toString('base64')),
  'AgAAAZNxw2Y4',
  'x',
  'ends with é',
  'ends with 漢',
  'ends with 😀',
  'x'.repeat(4_096),
  '',
]

describe('a group that is looked at from outside', { timeout: 480_000 }, () => {
  it('shows the metadata of other clients to the letter, each time', async () => {
    await cluster.admin.createTopic('foreign', { partitions: foreign.length })
    const commits = foreign.map((metadata, partition) => ({ partition, offset: 7, metadata }))
    // Whoever asks first has Kafka make the topic of the offsets.
    await connection.view.groupOffsets('others').catch(() => {})
    await commitWithoutNul(brokers, 'others', 'foreign', commits)
    for (let look = 0; look < 5; look++) {
      const seen = await connection.view.groupOffsets('others')
      assert.deepEqual(
        seen.map(({ metadata }) => metadata),
        foreign,
        `look ${look}`,
      )
    }
  })

  it('is looked at with settings that only its own group protocol takes', {
    skip: skipWithout('settings of librdkafka'),
  }, async () => {
    const librdkafka = { 'max.poll.interval.ms': 20_000, 'group.remote.assignor': 'uniform' }
    const common = { brokers, clientId: 'looks', log: quietLog }
    const looks = [
      await connectUnderTest({ ...common, librdkafka }),
      await connectUnderTest({
        ...common,
        groupProtocol: 'classic',
        librdkafka: { 'group.protocol.type': 'consumer' },
      }),
    ]
    try {
      for (const { view } of looks) assert.equal((await view.groupOffsets('others')).length, foreign.length)
    } finally {
      for (const look of looks) await look.close()
    }
  })

  it('shows where the log ends, and not where a transaction begins that is still open', async () => {
    await cluster.admin.createTopic('transactions')
    const producer = await connection.producer()
    await insideTransaction(brokers, { topic: 'transactions' }, async () => {
      for (const value of ['a', 'b', 'c']) {
        await producer.produce({
          topic: 'transactions',
          partition: 0,
          key: null,
          value: Buffer.from(value),
          headers: [],
        })
      }
      await commitWithoutNul(brokers, 'readers', 'transactions', [{ partition: 0, offset: 4 }])
      const [seen] = await connection.view.groupOffsets('readers')
      assert.deepEqual([seen?.position, seen?.logStart, seen?.logEnd], [4, 0, 4])
    })
    await producer.close(5_000)
  })
})

describe('a group of another type', { timeout: 480_000 }, () => {
  const nobody = { onAssigned: () => assert.fail('it was let in'), async onRevoked() {}, onLost() {} }
  const join = { share: joinShareGroup, streams: joinStreamsGroup }
  for (const type of ['share', 'streams'] as const) {
    it(`a ${type} group ends a consumer of its name with the likely cause, and shows no commits`, async () => {
      const group = `${type}-group`
      await joined(type, group)
      const consumer = await connection.consumer({ group, startFrom: 'earliest' })
      await consumer.subscribe([`${type}-topic`], nobody)
      const cause = {
        code: 'PYR_GROUP_TAKEN',
        message: new RegExp(`'${group}'.*share.*choose another `),
      }
      await assert.rejects(async () => {
        for (;;) await consumer.poll(1, 20)
      }, cause)
      await closed(consumer)
      assert.deepEqual(await connection.view.groupOffsets(group), [])
    })

    it(`a ${type} group is told to a classic consumer of its name, which goes on asking`, {
      skip: skipWithout('the classic group protocol'),
    }, async () => {
      const group = `${type}-group-classic`
      await joined(type, group)
      let warned: { readonly code?: unknown; readonly why?: unknown } | undefined
      const log: Logger = {
        ...quietLog,
        warn(fields: object) {
          warned ??= fields
        },
        child: () => log,
      }
      const classic = await connectUnderTest({ brokers, clientId: 'asks', groupProtocol: 'classic', log })
      const consumer = await classic.consumer({ group, startFrom: 'earliest' })
      await consumer.subscribe([`${type}-topic`], nobody)
      while (warned === undefined) await consumer.poll(1, 20)
      assert.equal(warned.code, 'PYR_GROUP_TAKEN')
      assert.match(String(warned.why), /share group.*choose another `group`/)
      await consumer.poll(1, 20)
      await closed(consumer)
      await classic.close()
    })
  }

  it('a share group is shown with its members and its starts, where the client can ask', async () => {
    const [group, topic] = ['scores', 'shared']
    await cluster.admin.createTopic(topic, { partitions: 3 })
    const producer = await connection.producer()
    for (let n = 0; n < 10; n++)
      await producer.produce({ topic, partition: n % 2, key: null, value: Buffer.from('x'), headers: [] })
    await producer.close(5_000)
    await leaveShareGroup(brokers, group, await joinShareGroup(brokers, group, topic))
    await startShareGroupAt(brokers, group, topic, [3, 0])
    const member = await joinShareGroup(brokers, group, topic)
    const { view } = connection
    const shareGroup = view.shareGroup?.bind(view)
    const io = testIo(projectFolder())
    const look = () =>
      inspectOffsets(group, { brokers }, io, () => connectUnderTest({ brokers, clientId: 'inspects', log: quietLog }))
    assert.equal(shareGroup === undefined, clientUnderTest === 'librdkafka')
    if (shareGroup === undefined) {
      assert.equal(await look(), 1)
      assert.match(io.out(), /cannot tell whether it is a share group/)
      return
    }
    await eventually('the member has all partitions', async () => {
      await joinShareGroup(brokers, group, topic, member)
      return (await shareGroup(group))?.members[0]?.partitions === 3
    })
    const found = await shareGroup(group)
    assert.equal(found?.state, 'Stable')
    const facts = { clientId: 'raw', host: '/127.0.0.1', topics: [topic], partitions: 3 }
    assert.deepEqual(found?.members, [{ id: member, ...facts }])
    assert.deepEqual(
      found?.offsets.slice(0, 2).map(({ partition, startOffset, logEnd }) => [partition, startOffset, logEnd]),
      [
        [0, 3, 5],
        [1, 0, 5],
      ],
    )
    assert.equal(await shareGroup('nobody'), undefined)
    assert.equal(await shareGroup('others'), undefined)
    assert.equal(await look(), 0)
    assert.match(io.out(), /^group scores at .* is a share group: Stable, with 1 member\n/)
    assert.match(io.out(), /\n {2}shared\[0\] +3 +0\.\.5 /)
  })

  async function joined(type: 'share' | 'streams', group: string): Promise<void> {
    const topic = `${type}-topic`
    await cluster.admin.createTopic(topic).catch(() => {})
    await join[type](brokers, group, topic)
  }

  async function closed(consumer: KafkaClient): Promise<void> {
    let isClosed = false
    const closing = consumer.close().finally(() => {
      isClosed = true
    })
    while (!isClosed) await consumer.poll(0, 20).catch(() => nextTurn())
    await closing
  }
})
