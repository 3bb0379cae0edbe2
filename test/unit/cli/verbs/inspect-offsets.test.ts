/** `inspect offsets` of groups that others have worked for: what they have stored, and how many records run again for whom. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspectOffsets } from '../../../../cli/verbs/inspect-offsets.ts'
import { encodeCompleted } from '../../../../framework/control-plane/offsets/metadata-encoder.ts'
import { type MemoryCluster, memoryCluster } from '../../../../framework/kafka/memory/client.ts'
import { projectFolder, testIo } from '../test-io.ts'

const ours = encodeCompleted(2, [{ start: 4, end: 7 }], 4_095).text
/** Bits, made by its own classes: 3, 4, 6 and 7 above 2. */
const parallelConsumer = 'bAAGNgA='
const pyrallelConsumer = 'R3-4,6'

/** A topic of 10 records in each partition, and a commit at 2 with each of the texts. */
function groupWith(...texts: readonly string[]): MemoryCluster {
  const cluster = memoryCluster()
  cluster.createTopic('orders', texts.length)
  for (const [partition, metadata] of texts.entries()) {
    for (let n = 0; n < 10; n++) cluster.append({ topic: 'orders', partition, key: null, value: null, headers: [] })
    cluster.group('shop').commit({ topic: 'orders', partition }, { position: 2, metadata })
  }
  return cluster
}

async function inspected(cluster: MemoryCluster, json = false): Promise<string> {
  const io = testIo(projectFolder())
  assert.equal(await inspectOffsets('shop', { brokers: 'a:1', json }, io, async () => cluster.connection()), 0)
  return io.out()
}

/** What is said below the table. */
async function runsAgain(cluster: MemoryCluster): Promise<readonly string[]> {
  const lines = (await inspected(cluster)).trimEnd().split('\n')
  return lines.slice(lines.findIndex((line) => line.includes('done above their positions')))
}

describe('a group of another consumer, looked at', { timeout: 60_000 }, () => {
  it('has the ranges that Parallel Consumer and Pyrallel-Consumer have stored, and their names', async () => {
    const cluster = groupWith(parallelConsumer, pyrallelConsumer, 'R')
    const text = await inspected(cluster)
    assert.match(
      text,
      /orders\[0\] .* {2}4 done above the position, in 2 ranges up to 7, by Confluent Parallel Consumer \(8 characters\)\n/,
    )
    assert.match(
      text,
      /orders\[1\] .* {2}3 done above the position, in 2 ranges up to 6, by Pyrallel-Consumer \(Python\) \(6 /,
    )
    assert.match(
      text,
      /orders\[2\] .* {2}nothing done above the position; it may be that of Pyrallel-Consumer \(Python\) \(1 char/,
    )
    const { offsets } = JSON.parse(await inspected(cluster, true))
    assert.deepEqual(
      offsets.map(({ metadata }: { readonly metadata: object }) => metadata),
      [
        {
          length: 8,
          writtenBy: 'parallel-consumer',
          kind: 'completed',
          ranges: [
            { start: 3, end: 5 },
            { start: 6, end: 8 },
          ],
        },
        {
          length: 6,
          writtenBy: 'pyrallel-consumer',
          kind: 'completed',
          ranges: [
            { start: 3, end: 5 },
            { start: 6, end: 7 },
          ],
        },
        { length: 1, writtenBy: 'pyrallel-consumer', mayBeOf: 'pyrallel-consumer', kind: 'none' },
      ],
    )
  })

  it('has the times that Kafka Streams has stored, and none of that runs again', async () => {
    const cluster = groupWith('AgAAAZNxw2Y4')
    const text = await inspected(cluster)
    assert.match(text, /nothing done above the position, by Kafka Streams: its partition time is 2024-11-28T\S+Z \(12 /)
    assert.doesNotMatch(text, /run again/)
    const { offsets } = JSON.parse(await inspected(cluster, true))
    const expected = { writtenBy: 'kafka-streams', kind: 'none', partitionTime: 0x019371c36638, processors: [] }
    assert.deepEqual(offsets[0].metadata, { length: 12, ...expected })
  })

  it('may be of somebody, in words, where it only begins as theirs does', async () => {
    const text = await inspected(groupWith('bash script 7', 'bgananas', 'Agatha'))
    assert.match(text, /orders\[0\] .*: it is not in a format that Pyrallel knows/)
    assert.match(text, /orders\[1\] .*: it may be that of Confluent Parallel Consumer/)
    assert.match(text, /orders\[2\] .*: it may be that of Kafka Streams/)
  })

  it('says why its metadata is not believed, and counts nothing of it', async () => {
    const cluster = groupWith('R3-4,99', 'of nobody')
    const text = await inspected(cluster)
    assert.match(
      text,
      /not believed .*: it may be that of Pyrallel-Consumer \(Python\), but it names offsets up to 99, beyond the end/,
    )
    assert.match(text, /not believed .*: it is not in a format that Pyrallel knows/)
    assert.doesNotMatch(text, /run again/)
    const { offsets } = JSON.parse(await inspected(cluster, true))
    assert.deepEqual(
      offsets.map(({ metadata }: { readonly metadata: { readonly writtenBy: unknown } }) => metadata.writtenBy),
      [null, null],
    )
  })
})

describe('how many records run again', { timeout: 60_000 }, () => {
  it('is told for us with and without the take-over, for who has stored them, and for all others', async () => {
    assert.deepEqual(await runsAgain(groupWith(parallelConsumer)), [
      '4 done above their positions. Of these run again, by who goes on with the group:',
      '  4 in Pyrallel',
      "  0 in Pyrallel with commit.takeOver: 'parallel-consumer'",
      '  0 in Confluent Parallel Consumer',
      '  4 in any other consumer',
    ])
    assert.deepEqual(await runsAgain(groupWith(ours)), [
      '3 done above their positions. Of these run again, by who goes on with the group:',
      '  0 in Pyrallel',
      '  3 in any other consumer',
    ])
  })

  it('is the sum of all partitions, whoever has written the metadata of each', async () => {
    const { runsAgain: sum } = JSON.parse(
      await inspected(groupWith(ours, parallelConsumer, pyrallelConsumer, ''), true),
    )
    assert.deepEqual(sum, {
      done: 10,
      isAtLeast: false,
      pyrallel: 7,
      takeOver: { 'parallel-consumer': 3, 'pyrallel-consumer': 4 },
      predecessors: { 'parallel-consumer': 6, 'pyrallel-consumer': 7 },
      others: 10,
    })
  })

  it('leaves out what the log does not have any more', async () => {
    const cluster = groupWith(ours)
    cluster.log('orders', 0).truncateBelow(5)
    assert.match((await runsAgain(cluster))[0] ?? '', /^2 done/)
  })

  it('is a lower bound where the metadata has more ranges than are read', async () => {
    const cluster = memoryCluster()
    cluster.createTopic('orders', 1)
    for (let n = 0; n < 20_010; n++)
      cluster.append({ topic: 'orders', partition: 0, key: null, value: null, headers: [] })
    const many = Array.from({ length: 10_001 }, (_, index) => ({ start: 2 * index + 1, end: 2 * index + 2 }))
    const { text: metadata } = encodeCompleted(0, many, 4_095)
    cluster.group('shop').commit({ topic: 'orders', partition: 0 }, { position: 0, metadata })
    assert.match((await runsAgain(cluster))[0] ?? '', /^At least 10000 done/)
  })
})
