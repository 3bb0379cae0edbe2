/** Takes the names of groups as other tools do: for a share group (KIP-932) and a Kafka Streams group (KIP-1071), by one heartbeat of one member. */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { byte, compactArray, compactText, flexibleRequest, int32, int64, noTags } from './kafka-request.ts'

const timeoutMs = 30_000
const shareHeartbeat = { key: 76, version: 1 } as const
/** Of a coordinator that is loading, not there yet, or elsewhere. */
const passing: readonly number[] = [14, 15, 16]

/** The member lives for a session from then on, and its group stays when it is gone. @returns the member's id, with which it may join again */
export async function joinShareGroup(broker: string, group: string, topic: string, id = memberId()): Promise<string> {
  const member = [compactText(id), int32(0), compactText(null)]
  await accepted(broker, shareHeartbeat, [compactText(group), ...member, compactArray([compactText(topic)])])
  return id
}

export async function leaveShareGroup(broker: string, group: string, member: string): Promise<void> {
  const leave = [compactText(member), int32(-1), compactText(null), compactArray(null)]
  await accepted(broker, shareHeartbeat, [compactText(group), ...leave])
}

/** As an operator does it to a group without members. @param starts by partition */
export async function startShareGroupAt(
  broker: string,
  group: string,
  topic: string,
  starts: readonly number[],
): Promise<void> {
  const partitions = starts.map((start, partition) => Buffer.concat([int32(partition), int64(start), noTags]))
  const topics = compactArray([Buffer.concat([compactText(topic), compactArray(partitions), noTags])])
  await accepted(broker, { key: 91, version: 0 }, [compactText(group), topics])
}

export async function joinStreamsGroup(broker: string, group: string, topic: string): Promise<void> {
  const none = compactArray([])
  const subtopology = [compactText('0'), compactArray([compactText(topic)]), none, none, none, none, none, noTags]
  const topology = [byte(1), int32(0), compactArray([Buffer.concat(subtopology)]), noTags]
  const missing = compactArray(null)
  await accepted(broker, { key: 88, version: 0 }, [
    compactText(group),
    compactText(memberId()),
    // Epochs of the member and of its endpoint's information.
    int32(0),
    int32(0),
    // Instance and rack.
    compactText(null),
    compactText(null),
    int32(timeoutMs),
    ...topology,
    // Tasks that are active, standby and warming up.
    none,
    none,
    none,
    compactText('process'),
    // No endpoint of its own.
    byte(0xff),
    none,
    missing,
    missing,
    // It does not ask the others to end.
    byte(0),
  ])
}

/** Asked again for a while. Each of these answers has its code behind the throttle time. */
async function accepted(broker: string, api: { key: number; version: number }, body: readonly Buffer[]): Promise<void> {
  for (const until = performance.now() + timeoutMs; ; await delay(100)) {
    const answer = await flexibleRequest(broker, api, body)
    const code = answer.readInt16BE(4)
    if (code === 0) return
    if (!passing.includes(code) || performance.now() > until)
      throw new Error(`request ${api.key} was refused with code ${code}`)
  }
}

function memberId(): string {
  return randomBytes(16).toString('base64url')
}
