/**
 * Requests of transactions, and their answers. Formats: `EndTxnRequest.json` and its like in Apache Kafka 4.4. AddPartitionsToTxn from version 4 on is for
 * brokers alone. Pure.
 */
import type { KafkaReader } from './binding.ts'
import type { ApiCall } from './call.ts'
import { byTopic } from './cluster-calls.ts'
import type { CommittedPosition, OffsetsOf, PartitionReply } from './group-calls.ts'
import {
  type IdentityAnswer,
  type ProducerIdentity,
  readIdentity,
  type TransactionIdentity,
  type TransactionVersion,
} from './produce-calls.ts'

/** Asks a broker which `transaction.version` the cluster goes by. */
export const transactionVersionCall: ApiCall<{ readonly code: number; readonly version: TransactionVersion }> = {
  api: { name: 'ApiVersions', key: 18, lowest: 3, highest: 4 },
  // A name and a version of the client, as the broker's metrics show them.
  write: (writer) => writer.appendString('pyrallel').appendString('1').appendTaggedFields(),
  read(reader) {
    const code = reader.readInt16()
    reader.readArray((r) => {
      for (let each = 0; each < 3; each++) r.readInt16()
    })
    reader.readInt32()
    return { code, version: (finalizedFeatures(reader).get('transaction.version') ?? 0) >= 2 ? 2 : 1 }
  },
}

/** The tagged field of that number. */
const FINALIZED_FEATURES = 2

function finalizedFeatures(reader: KafkaReader): ReadonlyMap<string, number> {
  for (let left = reader.readUnsignedVarInt(); left > 0; left--) {
    const [tag, bytes] = [reader.readUnsignedVarInt(), reader.readUnsignedVarInt()]
    if (tag !== FINALIZED_FEATURES) {
      reader.skip(bytes)
      continue
    }
    const features = reader.readArray((r) => {
      const [name, highest] = [r.readString(), r.readInt16()]
      r.readInt16()
      return [name, highest] as const
    })
    return new Map(features)
  }
  return new Map()
}

/**
 * Takes the transactional id; what is open under it is aborted.
 * @param held the producer that has the id goes on with another epoch; refused where another one has it (KIP-360). Left out: it is taken from whoever has it
 */
export function takeIdCall(
  transactionalId: string,
  timeoutMs: number,
  held: ProducerIdentity = { id: -1n, epoch: -1 },
): ApiCall<IdentityAnswer> {
  return {
    api: { name: 'InitProducerId', key: 22, lowest: 4, highest: 5 },
    write: (writer) =>
      writer
        .appendString(transactionalId)
        .appendInt32(timeoutMs)
        .appendInt64(held.id)
        .appendInt16(held.epoch)
        .appendTaggedFields(),
    read: readIdentity,
  }
}

export function addPartitionsCall(
  { transactionalId, id, epoch }: TransactionIdentity,
  partitions: readonly { readonly topic: string; readonly partition: number }[],
): ApiCall<readonly PartitionReply[]> {
  return {
    api: { name: 'AddPartitionsToTxn', key: 24, lowest: 3, highest: 3 },
    write: (writer) =>
      writer
        .appendString(transactionalId)
        .appendInt64(id)
        .appendInt16(epoch)
        .appendArray(byTopic(partitions), (w, [topic, of]) =>
          w.appendString(topic).appendArray(of, (p, { partition }) => p.appendInt32(partition), true, false),
        )
        .appendTaggedFields(),
    read: readPartitionReplies,
  }
}

/** The group's offsets are to go with the transaction. */
export function addGroupCall(
  { transactionalId, id, epoch }: TransactionIdentity,
  group: string,
): ApiCall<{ readonly code: number }> {
  return {
    api: { name: 'AddOffsetsToTxn', key: 25, lowest: 3, highest: 4 },
    write: (writer) =>
      writer.appendString(transactionalId).appendInt64(id).appendInt16(epoch).appendString(group).appendTaggedFields(),
    read(reader) {
      reader.readInt32()
      return { code: reader.readInt16() }
    },
  }
}

export interface TransactionMember {
  readonly group: string
  readonly memberId: string
  readonly memberEpoch: number
  readonly instanceId: string | null
}

/** Topics go by their names in every version. */
export function transactionOffsetsCall(
  { transactionalId, id, epoch, version: transactionVersion }: TransactionIdentity,
  { group, memberId, memberEpoch, instanceId }: TransactionMember,
  topics: readonly OffsetsOf<CommittedPosition>[],
): ApiCall<readonly PartitionReply[]> {
  const versions = transactionVersion === 2 ? { lowest: 5, highest: 5 } : { lowest: 3, highest: 4 }
  return {
    api: { name: 'TxnOffsetCommit', key: 28, ...versions },
    write: (writer) =>
      writer
        .appendString(transactionalId)
        .appendString(group)
        .appendInt64(id)
        .appendInt16(epoch)
        .appendInt32(memberEpoch)
        .appendString(memberId)
        .appendString(instanceId)
        .appendArray(topics, (w, { topic, partitions }) =>
          w
            .appendString(topic)
            .appendArray(partitions, (p, { partition, position, metadata }) =>
              p.appendInt32(partition).appendInt64(BigInt(position)).appendInt32(-1).appendString(metadata),
            ),
        )
        .appendTaggedFields(),
    read: readPartitionReplies,
  }
}

export interface EndAnswer {
  readonly code: number
  /** Of the next transaction; `undefined` where that is the same. */
  readonly next: ProducerIdentity | undefined
}

export function endCall(
  { transactionalId, id, epoch, version: transactionVersion }: TransactionIdentity,
  end: 'commit' | 'abort',
): ApiCall<EndAnswer> {
  const versions = transactionVersion === 2 ? { lowest: 5, highest: 5 } : { lowest: 3, highest: 4 }
  return {
    api: { name: 'EndTxn', key: 26, ...versions },
    write: (writer) =>
      writer
        .appendString(transactionalId)
        .appendInt64(id)
        .appendInt16(epoch)
        .appendBoolean(end === 'commit')
        .appendTaggedFields(),
    read(reader, version) {
      reader.readInt32()
      const code = reader.readInt16()
      const isTold = version >= 5 && code === 0
      return { code, next: isTold ? { id: reader.readInt64(), epoch: reader.readInt16() } : undefined }
    },
  }
}

function readPartitionReplies(reader: KafkaReader): readonly PartitionReply[] {
  reader.readInt32()
  const topics = reader.readArray((r) => {
    const topic = r.readString()
    return r.readArray((p) => ({ topic, partition: p.readInt32(), code: p.readInt16() }))
  })
  return topics.flat()
}
