/**
 * Requests of a group's members, and their answers: ConsumerGroupHeartbeat v0 to v1 (KIP-848), OffsetCommit v9 to v10 and OffsetFetch v6 to v10 (topic ids
 * from v10 on: a topic made anew takes no commit of the old one). Kafka with that heartbeat has at least v9; v6 is librdkafka's mock cluster's. Errors of single partitions stand in the answers. Pure.
 */
import type { KafkaReader, KafkaWriter } from './binding.ts'
import type { ApiCall } from './call.ts'

/** From this version on, topics go by their ids. */
const BY_ID = 10
/** OffsetFetch: from these versions on, only what no open transaction changes can be asked for; several groups; as a member. */
const STABLE = 7
const SEVERAL = 8
const AS_MEMBER = 9

export interface HeartbeatFields {
  readonly group: string
  readonly memberId: string
  readonly instanceId: string | null
  readonly rack: string | null
  readonly memberEpoch: number
  /** Milliseconds; -1: unchanged. */
  readonly rebalanceTimeoutMs: number
  /** `null`: unchanged. */
  readonly topics: readonly string[] | null
  /** `null`: unchanged. */
  readonly owned: readonly TopicPartitions[] | null
}

export interface TopicPartitions {
  readonly topicId: string
  readonly partitions: readonly number[]
}

export interface HeartbeatReply {
  readonly code: number
  readonly message: string | null
  readonly memberEpoch: number
  /** Milliseconds; 0 is no schedule. */
  readonly heartbeatIntervalMs: number
  /** `null`: unchanged. */
  readonly assignment: readonly TopicPartitions[] | null
}

export function heartbeatCall(fields: HeartbeatFields): ApiCall<HeartbeatReply> {
  return {
    api: { name: 'ConsumerGroupHeartbeat', key: 68, lowest: 0, highest: 1 },
    write(writer, version) {
      writer
        .appendString(fields.group)
        .appendString(fields.memberId)
        .appendInt32(fields.memberEpoch)
        .appendString(fields.instanceId)
        .appendString(fields.rack)
        .appendInt32(fields.rebalanceTimeoutMs)
        .appendArray(fields.topics, (w, name) => w.appendString(name), true, false)
      // An expression; null: unchanged. librdkafka's mock cluster ends where topics come with a null.
      if (version >= 1) writer.appendString(fields.topics === null ? null : '')
      writer
        // The assignor: the group's own.
        .appendString(null)
        .appendArray(fields.owned, writeTopicPartitions)
        .appendTaggedFields()
    },
    read(reader) {
      reader.readInt32()
      const [code, message] = [reader.readInt16(), reader.readNullableString()]
      reader.readNullableString()
      const [memberEpoch, heartbeatIntervalMs] = [reader.readInt32(), reader.readInt32()]
      const isTold = reader.readInt8() >= 0
      const assignment = isTold ? reader.readArray(readTopicPartitions) : null
      return { code, message, memberEpoch, heartbeatIntervalMs, assignment }
    },
  }
}

function writeTopicPartitions(writer: KafkaWriter, { topicId, partitions }: TopicPartitions): void {
  writer.appendUUID(topicId).appendArray(partitions, (w, partition) => w.appendInt32(partition), true, false)
}

function readTopicPartitions(reader: KafkaReader): TopicPartitions {
  return { topicId: reader.readUUID(), partitions: reader.readArray((r) => r.readInt32(), true, false) }
}

export interface OffsetsOf<P> {
  readonly topic: string
  readonly topicId: string
  readonly partitions: readonly P[]
}

export interface CommittedPosition {
  readonly partition: number
  readonly position: number
  readonly metadata: string
}

/** `topic` is its name or its id, as the version has it. */
export interface PartitionReply {
  readonly topic: string
  readonly partition: number
  readonly code: number
}

export interface CommitFields {
  readonly group: string
  readonly memberId: string
  readonly instanceId: string | null
  readonly memberEpoch: number
  readonly topics: readonly OffsetsOf<CommittedPosition>[]
}

export function commitCall(fields: CommitFields): ApiCall<readonly PartitionReply[]> {
  return {
    api: { name: 'OffsetCommit', key: 8, lowest: 9, highest: BY_ID },
    write(writer, version) {
      writer
        .appendString(fields.group)
        .appendInt32(fields.memberEpoch)
        .appendString(fields.memberId)
        .appendString(fields.instanceId)
        .appendArray(fields.topics, (w, { topic, topicId, partitions }) => {
          writeTopic(w, version, topic, topicId).appendArray(partitions, (p, { partition, position, metadata }) =>
            p.appendInt32(partition).appendInt64(BigInt(position)).appendInt32(-1).appendString(metadata),
          )
        })
        .appendTaggedFields()
    },
    read(reader, version) {
      reader.readInt32()
      const topics = reader.readArray((r) => {
        const topic = readTopic(r, version)
        return r.readArray((p) => ({ topic, partition: p.readInt32(), code: p.readInt16() }))
      })
      return topics.flat()
    },
  }
}

export interface OffsetsFields {
  readonly group: string
  /** `null` with epoch -1: of whoever is no member. */
  readonly memberId: string | null
  readonly memberEpoch: number
  /** `null`: all for which the group has committed, by their names. */
  readonly topics: readonly OffsetsOf<number>[] | null
  /** An offset that an open transaction has changed is not told. */
  readonly isStableOnly: boolean
}

export interface OffsetReply extends PartitionReply {
  /** -1: none is committed. */
  readonly position: number
  readonly metadata: string
}

export interface OffsetsReply {
  /** Of the group as a whole. */
  readonly code: number
  readonly partitions: readonly OffsetReply[]
}

export function offsetsCall(fields: OffsetsFields): ApiCall<OffsetsReply> {
  return {
    api: { name: 'OffsetFetch', key: 9, lowest: 6, highest: fields.topics === null ? BY_ID - 1 : BY_ID },
    write(writer, version) {
      if (version >= SEVERAL) writer.appendArray([fields], (w, each) => writeGroup(w, each, version))
      else writeGroup(writer, fields, version)
      if (version >= STABLE) writer.appendBoolean(fields.isStableOnly)
      writer.appendTaggedFields()
    },
    read(reader, version) {
      reader.readInt32()
      if (version < SEVERAL) return readGroup(reader, version)
      const [group] = reader.readArray((r) => {
        r.readString()
        return readGroup(r, version)
      })
      if (group === undefined) throw new Error('the answer leaves the group out')
      return group
    },
  }
}

function writeGroup(writer: KafkaWriter, { group, memberId, memberEpoch, topics }: OffsetsFields, version: number) {
  writer.appendString(group)
  if (version >= AS_MEMBER) writer.appendString(memberId).appendInt32(memberEpoch)
  writer.appendArray(topics, (t, { topic, topicId, partitions }) =>
    writeTopic(t, version, topic, topicId).appendArray(partitions, (p, each) => p.appendInt32(each), true, false),
  )
}

function readGroup(reader: KafkaReader, version: number): OffsetsReply {
  const topics = reader.readArray((t) => {
    const topic = readTopic(t, version)
    return t.readArray((p) => readOffset(p, topic))
  })
  return { partitions: topics.flat(), code: reader.readInt16() }
}

function readOffset(reader: KafkaReader, topic: string): OffsetReply {
  const [partition, position] = [reader.readInt32(), Number(reader.readInt64())]
  reader.readInt32()
  // librdkafka writes a NUL behind each text, which is nobody's own.
  const metadata = (reader.readNullableString() ?? '').replace(/\0$/, '')
  return { topic, partition, position, metadata, code: reader.readInt16() }
}

function writeTopic(writer: KafkaWriter, version: number, topic: string, topicId: string): KafkaWriter {
  return version >= BY_ID ? writer.appendUUID(topicId) : writer.appendString(topic)
}

function readTopic(reader: KafkaReader, version: number): string {
  return version >= BY_ID ? reader.readUUID() : reader.readString()
}
