/** Requests of a producer, and their answers. Formats: `ProduceRequest.json` and `InitProducerIdRequest.json` in Apache Kafka 4.4. Pure. */
import type { ApiCall } from './call.ts'
import { byTopic } from './cluster-calls.ts'

/** What a producer numbers its batches with, so that a broker knows a repeat (KIP-98). */
export interface ProducerIdentity {
  readonly id: bigint
  readonly epoch: number
}

export interface IdentityAnswer extends ProducerIdentity {
  readonly code: number
}

export const identityCall: ApiCall<IdentityAnswer> = {
  api: { name: 'InitProducerId', key: 22, lowest: 3, highest: 5 },
  // No transactional id; its time-out; no identity to go on with.
  write: (writer) =>
    writer.appendString(null).appendInt32(60_000).appendInt64(-1n).appendInt16(-1).appendTaggedFields(),
  read(reader) {
    reader.readInt32()
    return { code: reader.readInt16(), id: reader.readInt64(), epoch: reader.readInt16() }
  },
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

/** @param timeoutMs how long the leader may wait for its followers */
export function produceCall(batches: readonly PartitionBatch[], timeoutMs: number): ApiCall<readonly ProducedBatch[]> {
  return {
    // From version 12 on the same without transactions (KIP-890); 13 names topics by their ids.
    api: { name: 'Produce', key: 0, lowest: 9, highest: 12 },
    write(writer) {
      writer
        .appendString(null)
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
