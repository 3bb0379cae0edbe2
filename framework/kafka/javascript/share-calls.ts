/** Questions about share groups (KIP-932), and their answers: ShareGroupDescribe v1, DescribeShareGroupOffsets v0 to v1. Brokers have them from Kafka 4.1 on. Pure. */
import { faultCodes } from '../faults/codes.ts'
import type { ShareMember } from '../kafka-client.ts'
import type { KafkaReader } from './binding.ts'
import type { Api, ApiCall } from './call.ts'

export const shareGroupApi: Api = { name: 'ShareGroupDescribe', key: 77, lowest: 1, highest: 1 }

export interface ShareGroupReply {
  readonly code: number
  readonly message: string | null
  readonly state: string
  readonly members: readonly ShareMember[]
}

/** What a broker answers of a name that no share group has; the second where share groups are switched off. */
export function isNoShareGroup(code: number): boolean {
  return code === faultCodes.GROUP_ID_NOT_FOUND || code === faultCodes.UNSUPPORTED_VERSION
}

export function shareGroupCall(group: string): ApiCall<ShareGroupReply> {
  return {
    api: shareGroupApi,
    write: (writer) =>
      writer
        .appendArray([group], (w, name) => w.appendString(name), true, false)
        .appendBoolean(false)
        .appendTaggedFields(),
    read(reader) {
      reader.readInt32()
      return theOnly(reader.readArray(readDescribed))
    },
  }
}

function readDescribed(reader: KafkaReader): ShareGroupReply {
  const [code, message] = [reader.readInt16(), reader.readNullableString()]
  reader.readString()
  const state = reader.readString()
  // Its epoch, the epoch of its assignment, and the assignor.
  reader.readInt32()
  reader.readInt32()
  reader.readString()
  const members = reader.readArray(readMember)
  reader.readInt32()
  return { code, message, state, members }
}

function readMember(reader: KafkaReader): ShareMember {
  const id = reader.readString()
  // Its rack and its epoch.
  reader.readNullableString()
  reader.readInt32()
  const [clientId, host] = [reader.readString(), reader.readString()]
  const topics = reader.readArray((r) => r.readString(), true, false)
  const assigned = reader.readArray((r) => {
    r.readUUID()
    r.readString()
    return r.readArray((p) => p.readInt32(), true, false).length
  })
  // Of the assignment.
  reader.readTaggedFields()
  return { id, clientId, host, topics, partitions: assigned.reduce((sum, count) => sum + count, 0) }
}

export interface ShareOffsetReply {
  readonly topic: string
  readonly partition: number
  readonly code: number
  /** -1: none yet. */
  readonly startOffset: number
  /** -1: the broker does not know it, or is older than Kafka 4.2. */
  readonly lag: number
}

export interface ShareOffsetsReply {
  readonly code: number
  readonly message: string | null
  readonly partitions: readonly ShareOffsetReply[]
}

/** Of all partitions that the group has ever had. */
export function shareOffsetsCall(group: string): ApiCall<ShareOffsetsReply> {
  return {
    api: { name: 'DescribeShareGroupOffsets', key: 90, lowest: 0, highest: 1 },
    write: (writer) =>
      writer.appendArray([group], (w, name) => w.appendString(name).appendArray(null, () => {})).appendTaggedFields(),
    read(reader, version) {
      reader.readInt32()
      return theOnly(
        reader.readArray((r) => {
          r.readString()
          const topics = r.readArray((t) => readTopic(t, version))
          return { partitions: topics.flat(), code: r.readInt16(), message: r.readNullableString() }
        }),
      )
    },
  }
}

function readTopic(reader: KafkaReader, version: number): readonly ShareOffsetReply[] {
  const topic = reader.readString()
  reader.readUUID()
  return reader.readArray((r) => {
    const [partition, startOffset] = [r.readInt32(), Number(r.readInt64())]
    r.readInt32()
    const lag = version >= 1 ? Number(r.readInt64()) : -1
    const code = r.readInt16()
    r.readNullableString()
    return { topic, partition, code, startOffset, lag }
  })
}

function theOnly<T>([group]: readonly T[]): T {
  if (group === undefined) throw new Error('the answer leaves the group out')
  return group
}
