/** Requests about brokers, topics and logs, and their answers. Formats: `MetadataRequest.json` and its like in Apache Kafka 4.4. Pure. */
import type { KafkaReader } from './binding.ts'
import type { ApiCall } from './call.ts'

export interface BrokerAddress {
  readonly node: number
  readonly host: string
  readonly port: number
}

export interface PartitionMetadata {
  readonly partition: number
  /** -1: none at the moment. */
  readonly leader: number
  readonly leaderEpoch: number
}

export interface TopicMetadata {
  readonly code: number
  /** `''` where an id is asked for that nobody has. */
  readonly name: string
  readonly id: string
  readonly isInternal: boolean
  /** In their order. */
  readonly partitions: readonly PartitionMetadata[]
}

export interface ClusterMetadata {
  readonly brokers: readonly BrokerAddress[]
  readonly topics: readonly TopicMetadata[]
}

/** By name, or by id with `name` null. `null` instead of a list: all that the user may see. @param creates those that do not exist, where the broker does that */
export function metadataCall(
  topics: readonly { readonly id: string | null; readonly name: string | null }[] | null,
  creates = false,
): ApiCall<ClusterMetadata> {
  return {
    api: { name: 'Metadata', key: 3, lowest: 12, highest: 12 },
    write(writer) {
      writer
        .appendArray(topics, (w, { id, name }) => w.appendUUID(id).appendString(name))
        .appendBoolean(creates)
        .appendBoolean(false)
        .appendTaggedFields()
    },
    read(reader) {
      reader.readInt32()
      const brokers = reader.readArray((r) => {
        const broker = { node: r.readInt32(), host: r.readString(), port: r.readInt32() }
        r.readNullableString()
        return broker
      })
      reader.readNullableString()
      reader.readInt32()
      return { brokers, topics: reader.readArray(readTopic) }
    },
  }
}

function readTopic(reader: KafkaReader): TopicMetadata {
  const topic = {
    code: reader.readInt16(),
    name: reader.readNullableString() ?? '',
    id: reader.readUUID(),
    isInternal: reader.readBoolean(),
    partitions: reader.readArray((r) => {
      r.readInt16()
      const partition = { partition: r.readInt32(), leader: r.readInt32(), leaderEpoch: r.readInt32() }
      // Replicas: all, those in sync, those offline.
      for (let list = 0; list < 3; list++) r.readArray((node) => node.readInt32(), true, false)
      return partition
    }),
  }
  reader.readInt32()
  topic.partitions.sort((a, b) => a.partition - b.partition)
  return topic
}

export interface CoordinatorAnswer extends BrokerAddress {
  readonly code: number
  readonly message: string | null
}

/** As in `FindCoordinatorRequest.json`. */
const coordinatorKinds = { group: 0, transaction: 1 } as const
export type CoordinatorKind = keyof typeof coordinatorKinds

/** @param name of a group, or a transactional id */
export function coordinatorCall(name: string, kind: CoordinatorKind = 'group'): ApiCall<CoordinatorAnswer> {
  return {
    // Version 3 is the last that asks for one name, and the highest of librdkafka's mock cluster.
    api: { name: 'FindCoordinator', key: 10, lowest: 3, highest: 3 },
    write: (writer) => writer.appendString(name).appendInt8(coordinatorKinds[kind]).appendTaggedFields(),
    read(reader) {
      reader.readInt32()
      const [code, message] = [reader.readInt16(), reader.readNullableString()]
      return { code, message, node: reader.readInt32(), host: reader.readString(), port: reader.readInt32() }
    },
  }
}

/** Instead of a time. */
export const logEdges = { end: -1, start: -2 } as const

export interface LogQuestion {
  readonly topic: string
  readonly partition: number
  readonly edge: keyof typeof logEdges
  /** -1: whatever it is. */
  readonly leaderEpoch: number
}

export interface LogAnswer {
  readonly topic: string
  readonly partition: number
  readonly code: number
  /** -1 with an error. */
  readonly offset: number
}

/** @param isCommittedOnly the end is where the first open transaction begins, and not the log's own */
export function logsCall(questions: readonly LogQuestion[], isCommittedOnly: boolean): ApiCall<readonly LogAnswer[]> {
  return {
    api: { name: 'ListOffsets', key: 2, lowest: 7, highest: 9 },
    write(writer) {
      writer
        .appendInt32(-1)
        .appendInt8(isCommittedOnly ? 1 : 0)
        .appendArray(byTopic(questions), (w, [topic, of]) =>
          w
            .appendString(topic)
            .appendArray(of, (p, { partition, edge, leaderEpoch }) =>
              p.appendInt32(partition).appendInt32(leaderEpoch).appendInt64(BigInt(logEdges[edge])),
            ),
        )
        .appendTaggedFields()
    },
    read(reader) {
      reader.readInt32()
      const topics = reader.readArray((r) => {
        const topic = r.readString()
        return r.readArray((p) => {
          const [partition, code] = [p.readInt32(), p.readInt16()]
          p.readInt64()
          const offset = Number(p.readInt64())
          p.readInt32()
          return { topic, partition, code, offset }
        })
      })
      return topics.flat()
    },
  }
}

export interface CreatedTopic {
  readonly name: string
  readonly code: number
  readonly message: string | null
}

/** With as many replicas as the broker is configured for. */
export function createTopicsCall(
  names: readonly string[],
  partitions: number,
  timeoutMs: number,
): ApiCall<readonly CreatedTopic[]> {
  return {
    api: { name: 'CreateTopics', key: 19, lowest: 5, highest: 7 },
    write(writer) {
      writer
        .appendArray(names, (w, name) =>
          w
            .appendString(name)
            .appendInt32(partitions)
            .appendInt16(-1)
            .appendArray([], nothing)
            .appendArray([], nothing),
        )
        .appendInt32(timeoutMs)
        .appendBoolean(false)
        .appendTaggedFields()
    },
    read(reader, version) {
      reader.readInt32()
      return reader.readArray((r) => {
        const name = r.readString()
        if (version >= 7) r.readUUID()
        const created = { name, code: r.readInt16(), message: r.readNullableString() }
        r.readInt32()
        r.readInt16()
        r.readNullableArray((config) => {
          config.readString()
          config.readNullableString()
          config.readBoolean()
          config.readInt8()
          config.readBoolean()
        })
        return created
      })
    },
  }
}

function nothing(): void {}

/** In the order in which the topics come first. */
export function byTopic<T extends { readonly topic: string }>(
  partitions: readonly T[],
): readonly (readonly [topic: string, partitions: readonly T[]])[] {
  const topics = new Map<string, T[]>()
  for (const each of partitions) {
    const of = topics.get(each.topic)
    if (of === undefined) topics.set(each.topic, [each])
    else of.push(each)
  }
  return [...topics]
}
