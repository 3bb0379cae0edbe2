/** What a test can make happen to the in-memory cluster. That it is a Kafka client at all is shown by the conformance suite. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AssignedPartition, ConsumerOptions, KafkaClient } from '../../../../framework/kafka/kafka-client.ts'
import { type MemoryCluster, memoryCluster } from '../../../../framework/kafka/memory/client.ts'
import type { TopicPartition } from '../../../../framework/model/record.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'

function clusterOf(partitions: number) {
  const clock = new ManualClock()
  const cluster = memoryCluster({ clock })
  cluster.createTopic('orders', partitions)
  return { clock, cluster }
}

async function member(cluster: MemoryCluster, startFrom: ConsumerOptions['startFrom'] = 'earliest') {
  const client = await cluster.connection().consumer({ group: 'g', startFrom })
  const told: [what: string, ...partitions: number[]][] = []
  const tell = (what: string) => (partitions: readonly TopicPartition[]) => {
    told.push([what, ...partitions.map((each) => each.partition)])
  }
  const assigned: AssignedPartition[] = []
  await client.subscribe(['orders'], {
    onAssigned(partitions) {
      assigned.push(...partitions)
      tell('assigned')(partitions)
    },
    async onRevoked(partitions) {
      tell('revoked')(partitions)
    },
    onLost: tell('lost'),
  })
  return { client, told, assigned }
}

const put = (cluster: MemoryCluster, ...values: string[]) => {
  for (const value of values) {
    cluster.append({ topic: 'orders', partition: 0, key: null, value: Buffer.from(value), headers: [] })
  }
}
const taken = async (client: KafkaClient) =>
  (await client.poll(100, 0)).map((each) => `${each.offset}:${String(each.value)}`)
const commitOf = (partition: number, position: number) => ({ topic: 'orders', partition, position, metadata: 'm' })

describe('the log', () => {
  it('leaves holes out, be they offsets never used or records compacted away', async () => {
    const { cluster } = clusterOf(1)
    const { client } = await member(cluster)
    put(cluster, 'a', 'b')
    cluster.log('orders', 0).skip(3)
    put(cluster, 'c')
    cluster.log('orders', 0).remove(new Set([1]))
    assert.deepEqual(await taken(client), ['0:a', '5:c'])
    assert.equal(client.logEnd({ topic: 'orders', partition: 0 }), 6)
  })

  it('goes on behind a hole at its end', async () => {
    const { cluster } = clusterOf(1)
    const { client } = await member(cluster)
    put(cluster, 'a')
    cluster.log('orders', 0).skip(3)
    assert.deepEqual(await taken(client), ['0:a'])
    put(cluster, 'b')
    assert.deepEqual(await taken(client), ['4:b'])
  })

  it('starts above 0 when it was cut below', async () => {
    const { cluster } = clusterOf(1)
    put(cluster, 'a', 'b', 'c')
    cluster.log('orders', 0).truncateBelow(2)
    const { client } = await member(cluster)
    assert.deepEqual(await taken(client), ['2:c'])
  })

  for (const startFrom of ['earliest', 'latest'] as const) {
    it(`cut below a reader, goes on at its first record, also with '${startFrom}'`, async () => {
      const { cluster } = clusterOf(1)
      const { client } = await member(cluster, startFrom)
      assert.deepEqual(await taken(client), [])
      put(cluster, 'a', 'b', 'c', 'd')
      cluster.log('orders', 0).truncateBelow(3)
      assert.deepEqual(await taken(client), ['3:d'])
    })
  }

  it('cut above a reader, gives out offsets again, from a lower one', async () => {
    const { cluster } = clusterOf(1)
    const { client } = await member(cluster)
    put(cluster, 'a', 'b', 'c')
    assert.equal((await taken(client)).length, 3)
    cluster.log('orders', 0).truncateFrom(1)
    assert.deepEqual(await taken(client), ['0:a'])
    put(cluster, 'x')
    assert.deepEqual(await taken(client), ['1:x'])
  })

  it('made anew, starts again at 0', async () => {
    const { cluster } = clusterOf(1)
    const { client } = await member(cluster)
    put(cluster, 'a', 'b', 'c')
    assert.equal((await taken(client)).length, 3)
    cluster.log('orders', 0).recreate()
    put(cluster, 'x')
    assert.deepEqual(await taken(client), ['0:x'])
  })
})

describe('the group', () => {
  it('moves only what must move, and tells each member in its own poll', async () => {
    const { cluster } = clusterOf(4)
    const first = await member(cluster)
    await first.client.poll(0, 0)
    const second = await member(cluster)
    await second.client.poll(0, 0)
    assert.deepEqual(second.told, [])
    await first.client.poll(0, 0)
    await second.client.poll(0, 0)
    assert.deepEqual(first.told, [
      ['assigned', 0, 1, 2, 3],
      ['revoked', 2, 3],
    ])
    assert.deepEqual(second.told, [['assigned', 2, 3]])
  })

  it('takes lost partitions away at once: no commit, onLost before the next assignment', async () => {
    const { cluster } = clusterOf(2)
    const { client, told } = await member(cluster)
    await client.poll(0, 0)
    cluster.group('g').lose([{ topic: 'orders', partition: 1 }])
    await assert.rejects(client.commit([commitOf(1, 1)]), { code: 'PYR_NOT_OWNED' })
    await client.poll(0, 0)
    assert.deepEqual(told, [
      ['assigned', 0, 1],
      ['lost', 1],
      ['assigned', 1],
    ])
  })

  it('gives the partitions of one that it has not heard of to others: that one learns it in its next poll, and joins again', async () => {
    const { cluster, clock } = clusterOf(1)
    const [first, second] = [await member(cluster), await member(cluster)]
    await first.client.poll(0, 0)
    cluster.expel(first.client, 1_000)
    await second.client.poll(0, 0)
    await assert.rejects(first.client.commit([commitOf(0, 1)]), { code: 'PYR_NOT_OWNED' })
    await first.client.poll(0, 0)
    assert.deepEqual(first.told, [
      ['assigned', 0],
      ['lost', 0],
    ])
    assert.deepEqual(second.told, [['assigned', 0]])
    cluster.kill(second.client)
    await first.client.poll(0, 0)
    assert.equal(first.told.length, 2)
    clock.advance(1_000)
    await first.client.poll(0, 0)
    assert.deepEqual(first.told.at(-1), ['assigned', 0])
  })

  it('gives the partitions of one that is dead to others, and tells it nothing', async () => {
    const { cluster, clock } = clusterOf(1)
    const [first, second] = [await member(cluster), await member(cluster)]
    await first.client.poll(0, 0)
    const waiting = first.client.poll(0, 60_000)
    await new Promise(setImmediate)
    cluster.kill(first.client)
    assert.deepEqual(await waiting, [])
    await second.client.poll(0, 0)
    assert.deepEqual(first.told, [['assigned', 0]])
    assert.deepEqual(second.told, [['assigned', 0]])
    assert.equal(clock.pendingTimers, 0)
    cluster.kill(first.client)
    cluster.expel(first.client, 1)
    assert.equal(clock.pendingTimers, 0)
  })

  it('gives out partitions that are added', async () => {
    const { cluster } = clusterOf(1)
    const { client, told } = await member(cluster)
    await client.poll(0, 0)
    cluster.addPartitions('orders', 3)
    await client.poll(0, 0)
    assert.deepEqual(told, [
      ['assigned', 0],
      ['assigned', 1, 2],
    ])
  })

  it('shows and sets what is committed', async () => {
    const { cluster } = clusterOf(1)
    cluster.group('g').commit({ topic: 'orders', partition: 0 }, { position: 1, metadata: 'of another tool' })
    const { client, assigned } = await member(cluster)
    put(cluster, 'a', 'b')
    assert.deepEqual(await taken(client), ['1:b'])
    assert.deepEqual(assigned, [{ topic: 'orders', partition: 0, position: 1, metadata: 'of another tool', logEnd: 2 }])
    await client.commit([commitOf(0, 2)])
    const committed = cluster.group('g').committed({ topic: 'orders', partition: 0 })
    assert.deepEqual(committed, { position: 2, metadata: 'm' })
  })
})

describe('faults', () => {
  it('refuses as many commits as it was told, and stores nothing of them', async () => {
    const { cluster } = clusterOf(1)
    const { client } = await member(cluster)
    await client.poll(0, 0)
    cluster.failCommits(1)
    await assert.rejects(client.commit([commitOf(0, 1)]), { code: 'PYR_COMMIT_FAILED', retriable: true })
    assert.equal(cluster.group('g').committed({ topic: 'orders', partition: 0 }), undefined)
    await client.commit([commitOf(0, 1)])
  })

  it('delays commits, and refuses one whose partition has gone meanwhile', async () => {
    const { clock, cluster } = clusterOf(2)
    const { client } = await member(cluster)
    await client.poll(0, 0)
    cluster.delayCommits(60_000)
    const kept = client.commit([commitOf(0, 1)])
    const gone = assert.rejects(client.commit([commitOf(1, 1)]), { code: 'PYR_NOT_OWNED' })
    cluster.group('g').lose([{ topic: 'orders', partition: 1 }])
    await clock.advanceAndSettle(59_999)
    assert.equal(cluster.group('g').committed({ topic: 'orders', partition: 0 }), undefined)
    await clock.advanceAndSettle(1)
    await Promise.all([kept, gone])
    assert.equal(cluster.group('g').committed({ topic: 'orders', partition: 0 })?.position, 1)
  })

  it('refuses as many look-ups as it was told: nothing is assigned before one was answered', async () => {
    const { cluster } = clusterOf(2)
    const { client, told } = await member(cluster, 'latest')
    put(cluster, 'old')
    cluster.failLookUps(2)
    await client.poll(0, 0)
    await client.poll(0, 0)
    assert.deepEqual(told, [])
    assert.equal(cluster.group('g').committed({ topic: 'orders', partition: 0 }), undefined)
    await client.poll(0, 0)
    assert.deepEqual(told, [['assigned', 0, 1]])
    assert.equal(cluster.group('g').committed({ topic: 'orders', partition: 0 })?.position, 1)
  })

  it('refuses as many productions as it was told', async () => {
    const { cluster } = clusterOf(1)
    const producer = await cluster.connection().producer()
    const record = { topic: 'orders', key: null, value: Buffer.from('x'), headers: [] }
    cluster.failProductions(1)
    await assert.rejects(producer.produce(record), { code: 'PYR_PRODUCE_FAILED', retriable: true })
    await producer.produce(record)
    assert.equal(cluster.log('orders', 0).end, 1)
  })
})

describe('waiting', () => {
  it('wakes a poll when a record comes', async () => {
    const { clock, cluster } = clusterOf(1)
    const { client } = await member(cluster)
    const polling = client.poll(10, 60_000)
    await new Promise(setImmediate)
    put(cluster, 'a')
    assert.equal((await polling).length, 1)
    assert.equal(clock.pendingTimers, 0)
  })

  it('ends a poll that finds nothing when its time is over', async () => {
    const { clock, cluster } = clusterOf(1)
    const { client } = await member(cluster)
    const polling = client.poll(10, 1_000)
    await clock.advanceAndSettle(1_000)
    await clock.advanceAndSettle(1_000)
    assert.deepEqual(await polling, [])
  })

  it('takes turns among partitions, so that a full one does not starve the others', async () => {
    const { cluster } = clusterOf(2)
    const { client } = await member(cluster)
    for (let index = 0; index < 100; index++) {
      cluster.append({ topic: 'orders', partition: 0, key: null, value: null, headers: [] })
    }
    cluster.append({ topic: 'orders', partition: 1, key: null, value: null, headers: [] })
    const firstTwo = [...(await client.poll(10, 0)), ...(await client.poll(10, 0))]
    assert.ok(firstTwo.some((each) => each.partition === 1))
  })

  it('closes although nobody polls, after a while', async () => {
    const { clock, cluster } = clusterOf(1)
    const { client } = await member(cluster)
    await client.poll(0, 0)
    const closing = client.close()
    await clock.advanceAndSettle(10_000)
    await closing
    const next = await member(cluster)
    await next.client.poll(0, 0)
    assert.deepEqual(next.told, [['assigned', 0]])
  })
})
