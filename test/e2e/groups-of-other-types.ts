/** Takes the names of groups as other tools do: for a share group (KIP-932) and a Kafka Streams group (KIP-1071), by one heartbeat of one member. */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { byte, compactArray, compactText, flexibleRequest, int32, noTags } from './kafka-request.ts'

const timeoutMs = 30_000
/** Of a coordinator that is loading, not there yet, or elsewhere. */
const passing: readonly number[] = [14, 15, 16]

/** The member lives for a session from then on, and its group stays when it is gone. */
export async function joinShareGroup(broker: string, group: string, topic: string): Promise<void> {
  const member = [compactText(memberId()), int32(0), compactText(null)]
  await heartbeat(broker, { key: 76, version: 1 }, [compactText(group), ...member, compactArray([compactText(topic)])])
}

export async function joinStreamsGroup(broker: string, group: string, topic: string): Promise<void> {
  const none = compactArray([])
  const subtopology = [compactText('0'), compactArray([compactText(topic)]), none, none, none, none, none, noTags]
  const topology = [byte(1), int32(0), compactArray([Buffer.concat(subtopology)]), noTags]
  const missing = compactArray(null)
  await heartbeat(broker, { key: 88, version: 0 }, [
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

async function heartbeat(
  broker: string,
  api: { key: number; version: number },
  body: readonly Buffer[],
): Promise<void> {
  for (const until = performance.now() + timeoutMs; ; await delay(100)) {
    const answer = await flexibleRequest(broker, api, body)
    // Behind the throttle time.
    const code = answer.readInt16BE(4)
    if (code === 0) return
    if (!passing.includes(code) || performance.now() > until)
      throw new Error(`a heartbeat was refused with code ${code}`)
  }
}

function memberId(): string {
  return randomBytes(16).toString('base64url')
}
