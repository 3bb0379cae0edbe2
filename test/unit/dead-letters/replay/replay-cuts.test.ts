/** A replay publishes and marks in one transaction: what it does when one fails, is not answered, or loses its partition. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Connect } from '../../../../cli/cluster/connect.ts'
import { replayLetters } from '../../../../cli/verbs/dlq-replay.ts'
import { replayGroup } from '../../../../framework/dead-letters/replay/partition-marks.ts'
import type { MemoryCluster } from '../../../../framework/kafka/memory/client.ts'
import { PyrallelError } from '../../../../framework/model/errors.ts'
import { cluster1, clusterWith, DLQ, type Letter, on, replayed, valuesIn } from '../../cli/dlq-fixtures.ts'
import { projectFolder, testIo } from '../../cli/test-io.ts'

const letters = (count: number): readonly Letter[] =>
  Array.from({ length: count }, (_, index) => ({ key: `k${index}` }))
const all = (count: number) => Array.from({ length: count }, (_, index) => `v${index}`)
const inOrder = (values: readonly string[]) =>
  [...values].sort((one, other) => Number(one.slice(1)) - Number(other.slice(1)))

/** More than go with one transaction. */
const MANY = 1_200

async function eachOnce(cluster: MemoryCluster, count: number): Promise<void> {
  assert.deepEqual(inOrder(valuesIn(cluster)), all(count))
  assert.equal((await replayed(cluster)).replayed, 0)
}

/** @param onSent called when a transaction has begun, and its offsets are on their way */
function connectWith(cluster: MemoryCluster, onSent: () => void): Connect {
  const connection = cluster.connection()
  return async () => ({
    ...connection,
    transactionalProducer(...parameters) {
      const producer = connection.transactionalProducer?.(...parameters)
      assert.ok(producer)
      return {
        open: () => producer.open(),
        settle: () => producer.settle(),
        close: (timeoutMs) => producer.close(timeoutMs),
        transact(cut) {
          const outcome = producer.transact(cut)
          onSent()
          return outcome
        },
      }
    },
  })
}

describe('a replay in transactions', () => {
  it('keeps the order of a key within one transaction and over several', async () => {
    const cluster = await clusterWith(...Array.from({ length: MANY }, () => ({ key: 'one' })))
    const { replayed: done, isTransactional } = await replayed(cluster)
    assert.deepEqual([done, isTransactional], [MANY, true])
    assert.deepEqual(valuesIn(cluster), all(MANY))
  })

  for (const how of ['unanswered', 'lost'] as const) {
    it(`publishes each letter once where commits are ${how}, whichever of its transactions that befalls`, async () => {
      const cluster = await clusterWith(...letters(MANY))
      let sent = 0
      const connect = connectWith(cluster, () => {
        sent += 1
        if (sent % 2 === 0) cluster.failTransactions(1, how)
      })
      assert.equal(await replayLetters(DLQ, cluster1, testIo(projectFolder()), connect), 0)
      assert.ok(sent > 2, `${sent}`)
      await eachOnce(cluster, MANY)
    })
  }

  it('sends the same again where the group does not take its offsets for a moment', async () => {
    const cluster = await clusterWith(...letters(5))
    cluster.failCommits(2)
    assert.deepEqual((await replayed(cluster)).replayed, 5)
    await eachOnce(cluster, 5)
  })

  it('publishes and marks nothing of a transaction in which a record is refused, and says why', async () => {
    const cluster = await clusterWith(...letters(5))
    cluster.failProductions(1, new PyrallelError('PYR_RECORD_TOO_LARGE', 'It is too large.'))
    const io = testIo(projectFolder())
    await assert.rejects(replayLetters(DLQ, cluster1, io, on(cluster)), { code: 'PYR_RECORD_TOO_LARGE' })
    assert.match(io.out(), /nothing was published\n {2}5 of 5 were not published by this replay/)
    assert.deepEqual(valuesIn(cluster), [])
    assert.equal((await replayed(cluster)).replayed, 5)
    await eachOnce(cluster, 5)
  })

  it('says of what has waited for its transaction that it was not published, not that nobody knows', async () => {
    const cluster = await clusterWith(...letters(MANY))
    const io = testIo(projectFolder())
    let sent = 0
    const connect = connectWith(cluster, () => {
      sent += 1
      // Until it has failed, others wait for their turn.
      if (sent === 2) cluster.failProductions(1, new PyrallelError('PYR_RECORD_TOO_LARGE', 'It is too large.'))
    })
    const running = replayLetters(DLQ, { ...cluster1, json: true }, io, connect)
    await assert.rejects(running, { code: 'PYR_RECORD_TOO_LARGE' })
    const { replayed: done, onTheirWay, notMarked } = JSON.parse(io.out())
    assert.deepEqual([onTheirWay, notMarked], [0, 0])
    assert.equal(valuesIn(cluster).length, done)
    assert.ok(done < MANY, `${done}`)
  })

  it('ends where somebody else has stored marks of its partition, and marks nothing that it has not published', async () => {
    const cluster = await clusterWith(...letters(MANY))
    const io = testIo(projectFolder())
    let sent = 0
    const connect = connectWith(cluster, () => {
      sent += 1
      if (sent !== 2) return
      cluster.failTransactions(1, 'lost')
      cluster.group(replayGroup(DLQ)).commit({ topic: DLQ, partition: 0 }, { position: 3, metadata: '' })
    })
    await assert.rejects(replayLetters(DLQ, cluster1, io, connect), { code: 'PYR_TRANSACTION_FAILED' })
    assert.deepEqual(cluster.group(replayGroup(DLQ)).committed({ topic: DLQ, partition: 0 })?.position, 3)
  })

  it('publishes none twice where its partition is lost while offsets are on their way', async () => {
    const cluster = await clusterWith(...letters(20))
    cluster.delayCommits(50)
    let lost = 0
    const io = testIo(projectFolder())
    const connect = connectWith(cluster, () => {
      lost += 1
      if (lost === 1) cluster.group(replayGroup(DLQ)).lose([{ topic: DLQ, partition: 0 }])
    })
    assert.equal(await replayLetters(DLQ, cluster1, io, connect), 0)
    assert.ok(lost > 1, 'what was lost has come back, and went with another transaction')
    const published = valuesIn(cluster)
    assert.equal(new Set(published).size, published.length)
    await replayed(cluster)
    await eachOnce(cluster, 20)
  })

  it('publishes none twice beside another that takes partitions from it', async () => {
    const cluster = await clusterWith(...letters(MANY))
    const { view } = cluster.connection()
    const both = await Promise.all([0, 1].map(() => replayed(cluster).catch((error: Error) => error)))
    assert.ok(both.length === 2 && (await view.logs(DLQ)).length === 1)
    const published = valuesIn(cluster)
    assert.equal(new Set(published).size, published.length)
    await replayed(cluster)
    await eachOnce(cluster, MANY)
  })

  it('goes on without where the brokers refuse them, and says so', async () => {
    const cluster = await clusterWith(...letters(5))
    const io = testIo(projectFolder())
    const refused = new PyrallelError('PYR_TRANSACTION_REFUSED', 'The user lacks rights.')
    const connect = async () => ({
      ...cluster.connection(),
      transactionalProducer: () => ({
        open: () => Promise.reject(refused),
        transact: () => Promise.reject(refused),
        settle: () => Promise.reject(refused),
        close: async () => {},
      }),
    })
    assert.equal(await replayLetters(DLQ, cluster1, io, connect), 0)
    assert.match(io.err(), /Without transactions, .*published twice\. The user lacks rights\./)
    await eachOnce(cluster, 5)
  })
})
