/** As drain.ts, on the client in JavaScript: takes records and commits, and looks at none of them. */
import { createLogger } from '../../../framework/index.ts'
import { connectJavascript } from '../../../framework/kafka/javascript/client.ts'
import type { AssignedPartition, RebalanceListener } from '../../../framework/kafka/kafka-client.ts'
import { countDone } from './meter.ts'
import { fail, runPeer } from './peer.ts'

const BATCH = 500

await runPeer(async ({ brokers, group, topic, commitMs }, _handle, shared) => {
  const count = countDone(shared)
  const log = createLogger({ level: 'error', pretty: false }, process.stderr)
  const connection = await connectJavascript({ brokers, clientId: 'bench', log })
  const consumer = await connection.consumer({ group, startFrom: 'earliest' })
  const owned = new Map<number, AssignedPartition>()
  const forget = (partitions: readonly { readonly partition: number }[]) => {
    for (const { partition } of partitions) owned.delete(partition)
  }
  const listener: RebalanceListener = {
    onAssigned: (partitions) => {
      for (const each of partitions) owned.set(each.partition, each)
    },
    onRevoked: async (partitions) => forget(partitions),
    onLost: forget,
  }
  await consumer.subscribe([topic], listener)
  const read = async () => {
    const positions = new Map<number, number>()
    let committedAt = performance.now()
    for (;;) {
      const records = await consumer.poll(BATCH, 20)
      count(records.length)
      for (const { partition, offset } of records) positions.set(partition, offset + 1)
      if (positions.size === 0 || performance.now() - committedAt < commitMs) continue
      const commits = [...positions].filter(([partition]) => owned.has(partition))
      consumer
        .commit(commits.map(([partition, position]) => ({ topic, partition, position, metadata: '' })))
        .catch(fail)
      positions.clear()
      committedAt = performance.now()
    }
  }
  read().catch(fail)
})
