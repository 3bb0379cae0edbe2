/** Fetch v16 to v17 without a session (KIP-516, KIP-951), read committed, and its answer with the blocks raw. Errors of single partitions stand in it. Pure. */
import type { KafkaRecord } from '../../model/record.ts'
import type { KafkaReader } from './binding.ts'
import type { BlockMemory } from './block-memory.ts'
import type { ApiCall } from './call.ts'
import type { BrokerAddress } from './cluster-calls.ts'
import type { AskedPartition, FetchAnswer, FetchedPartition, FetchRequest } from './fetch-steps.ts'
import { type AbortedTransaction, type BatchTools, toBlock } from './record-batch.ts'

const READ_COMMITTED = 1
const NO_SESSION = { id: 0, epoch: -1 } as const

export interface FetchReply {
  readonly answer: FetchAnswer<KafkaRecord>
  /** Of leaders that the answer names. */
  readonly nodes: readonly BrokerAddress[]
}

/** @param nameOf the name of a topic by its id: that of a record that is handed out */
export function fetchCall(
  request: FetchRequest,
  nameOf: (topicId: string) => string,
  tools: BatchTools,
  memory: BlockMemory,
  { minBytes = 1, rack = '' }: { readonly minBytes?: number | undefined; readonly rack?: string | undefined } = {},
): ApiCall<FetchReply> {
  return {
    api: { name: 'Fetch', key: 1, lowest: 16, highest: 17 },
    write(writer) {
      writer
        .appendInt32(request.maxWaitMs)
        .appendInt32(minBytes)
        .appendInt32(request.maxBytes)
        .appendInt8(READ_COMMITTED)
        .appendInt32(NO_SESSION.id)
        .appendInt32(NO_SESSION.epoch)
        .appendArray(runsOf(request.partitions), (w, run) =>
          w
            .appendUUID(run[0]?.topicId ?? null)
            .appendArray(run, (p, each) =>
              p
                .appendInt32(each.partition)
                .appendInt32(each.currentLeaderEpoch)
                .appendInt64(BigInt(each.fetchOffset))
                .appendInt32(each.lastFetchedEpoch)
                .appendInt64(-1n)
                .appendInt32(each.partitionMaxBytes),
            ),
        )
        .appendArray([], () => {})
        .appendString(request.asksNearest ? rack : '')
        .appendTaggedFields()
    },
    read(reader) {
      reader.readInt32()
      const errorCode = reader.readInt16()
      reader.readInt32()
      const topics = reader.readArray((r) => {
        const topicId = r.readUUID()
        return r.readArray((p) => readPartition(p, { topicId, topic: nameOf(topicId) }, tools, memory), true, false)
      })
      const nodes: BrokerAddress[] = []
      readTags(reader, (tag) => {
        if (tag !== 0) return
        const found = reader.readArray((r) => {
          const node = { node: r.readInt32(), host: r.readString(), port: r.readInt32() }
          r.readNullableString()
          return node
        })
        nodes.push(...found)
      })
      return { answer: { errorCode, partitions: topics.flat() }, nodes }
    },
  }
}

/** The order counts: a broker fills the answer from the first on. So a topic may stand there several times. */
function runsOf(partitions: readonly AskedPartition[]): readonly (readonly AskedPartition[])[] {
  const runs: AskedPartition[][] = []
  for (const each of partitions) {
    const run = runs.at(-1)
    if (run?.[0]?.topicId === each.topicId) run.push(each)
    else runs.push([each])
  }
  return runs
}

function readPartition(
  reader: KafkaReader,
  { topicId, topic }: { readonly topicId: string; readonly topic: string },
  tools: BatchTools,
  memory: BlockMemory,
): FetchedPartition<KafkaRecord> {
  const [partition, errorCode] = [reader.readInt32(), reader.readInt16()]
  // The high watermark.
  reader.readInt64()
  const lastStableOffset = Number(reader.readInt64())
  reader.readInt64()
  const aborted: readonly AbortedTransaction[] =
    reader.readNullableArray((r) => ({ producerId: r.readInt64(), firstOffset: Number(r.readInt64()) })) ?? []
  const preferred = reader.readInt32()
  const length = reader.readUnsignedVarInt() - 1
  const block = length <= 0 ? undefined : toBlock({ topic, partition }, memory.read(reader, length), aborted, tools)
  let more: Pick<FetchedPartition<KafkaRecord>, 'divergingEpoch' | 'currentLeader' | 'preferredReplica'> = {}
  if (preferred >= 0) more = { preferredReplica: preferred }
  readTags(reader, (tag) => {
    if (tag === 0) {
      const divergingEpoch = { epoch: reader.readInt32(), endOffset: Number(reader.readInt64()) }
      more = { ...more, divergingEpoch }
    }
    if (tag === 1) more = { ...more, currentLeader: { leaderId: reader.readInt32(), leaderEpoch: reader.readInt32() } }
  })
  return { topicId, partition, errorCode, lastStableOffset, ...more, ...(block !== undefined && { block }) }
}

/** What is not known is passed over. */
function readTags(reader: KafkaReader, read: (tag: number) => void): void {
  for (let count = reader.readUnsignedVarInt(); count > 0; count--) {
    const tag = reader.readUnsignedVarInt()
    const length = reader.readUnsignedVarInt()
    const end = reader.position + length
    read(tag)
    reader.position = end
  }
}
