/** The in-memory cluster keeps the laws of transactions. */
import { memoryCluster } from '../../framework/kafka/memory/client.ts'
import { transactionalProducerSuite } from './transactional-producer.suite.ts'

const cluster = memoryCluster()

transactionalProducerSuite({
  name: 'memory',
  connect: async () => cluster.connection(),
  unanswered() {
    cluster.failTransactions(1, 'unanswered')
    return () => {}
  },
  lost() {
    cluster.failTransactions(1, 'lost')
    return () => {}
  },
  slowOffsets() {
    cluster.delayCommits(300)
    return () => cluster.delayCommits(0)
  },
  async insideAnother(id, topic, work) {
    const connection = cluster.connection()
    const client = await connection.consumer({ group: `${topic}-another`, startFrom: 'earliest' })
    let isAssigned = false
    const onAssigned = () => {
      isAssigned = true
    }
    await client.subscribe([topic], { onAssigned, async onRevoked() {}, onLost() {} })
    while (!isAssigned) await client.poll(0, 0)
    const producer = connection.transactionalProducer?.(client, { id, timeoutMs: 60_000 })
    cluster.failTransactions(1, 'lost')
    const outputs = [{ topic, partition: 0, key: null, value: Buffer.from('left'), headers: [] }]
    await producer?.transact({
      outputs,
      offsets: [{ topic, partition: 0, position: 1, metadata: '', before: undefined }],
    })
    await work()
    await producer?.close(1_000)
    let isClosed = false
    void client.close().then(() => {
      isClosed = true
    })
    while (!isClosed) await client.poll(0, 0).catch(() => {})
  },
})
