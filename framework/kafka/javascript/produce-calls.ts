/** Requests of a producer, and their answers. Formats: `ProduceRequest.json` and `InitProducerIdRequest.json` in Apache Kafka 4.4. Pure. */
import type { KafkaReader } from './binding.ts'
import type { ApiCall } from './call.ts'
import { byTopic } from './cluster-calls.ts'

/** What a producer numbers its batches with, so that a broker knows a repeat (KIP-98). */
export interface ProducerIdentity {
  readonly id: bigint
  readonly epoch: number
}

/**
 * Kafka's `transaction.version`. From 2 on (KIP-890), partitions and groups join a transaction by being written to, and each end of one brings another
 * epoch, so that nothing late gets into the next one.
 */
export type TransactionVersion = 1 | 2

/** Under which one producer has its transactions. */
export interface TransactionIdentity extends ProducerIdentity {
  readonly transactionalId: string
  readonly version: TransactionVersion
}

export interface IdentityAnswer extends ProducerIdentity {
  readonly code: number
}

export const identityCall: ApiCall<IdentityAnswer> = {
  api: { name: 'InitProducerId', key: 22, lowest: 3, highest: 5 },
  // No transactional id; its time-out; no identity to go on with.
  write: (writer) =>
    writer.appendString(null).appendInt32(60_000).appendInt64(-1n).appendInt16(-1).appendTaggedFields(),
  read: readIdentity,
}

export function readIdentity(reader: KafkaReader): IdentityAnswer {
  reader.readInt32()
  return { code: reader.readInt16(), id: reader.readInt64(), epoch: reader.readInt16() }
}

export interface PartitionBatch {
  readonly topic: string
  readonly partition: number
  readonly bytes: Buffer
}

export interface ProducedBatch {
  readonly topic: string
  readonly partition: number
  readonly code: number
  /** Of the batch's first record. */
  readonly baseOffset: number
  readonly message: string | null
}

const ALL_IN_SYNC = -1

/** From version 12 on, what is written to joins the transaction (KIP-890); without transactions it is the same. 13 names topics by their ids. */
const versions = {
  none: { lowest: 9, highest: 12 },
  1: { lowest: 9, highest: 11 },
  2: { lowest: 12, highest: 12 },
} as const

/**
 * @param timeoutMs how long the leader may wait for its followers
 * @param transaction that the batches belong to
 */
export function produceCall(
  batches: readonly PartitionBatch[],
  timeoutMs: number,
  transaction?: TransactionIdentity,
): ApiCall<readonly ProducedBatch[]> {
  return {
    api: { name: 'Produce', key: 0, ...versions[transaction?.version ?? 'none'] },
    write(writer) {
      writer
        .appendString(transaction?.transactionalId ?? null)
        .appendInt16(ALL_IN_SYNC)
        .appendInt32(timeoutMs)
        .appendArray(byTopic(batches), (w, [topic, of]) =>
          w.appendString(topic).appendArray(of, (p, { partition, bytes }) =>
            p
              .appendInt32(partition)
              .appendUnsignedVarInt(bytes.length + 1)
              .append(bytes),
          ),
        )
        .appendTaggedFields()
    },
    read(reader) {
      const topics = reader.readArray((r) => {
        const topic = r.readString()
        return r.readArray((p) => {
          const [partition, code, baseOffset] = [p.readInt32(), p.readInt16(), Number(p.readInt64())]
          p.readInt64()
          p.readInt64()
          const perRecord = p.readArray((e) => {
            e.readInt32()
            return e.readNullableString()
          })
          const message = p.readNullableString() ?? perRecord.find((each) => each !== null) ?? null
          return { topic, partition, code, baseOffset, message }
        })
      })
      return topics.flat()
    },
  }
}
