/** Changes the password of a user of SCRAM-SHA-512, by Kafka's own request over a socket: the client library has no call for it. Loopback, no security. */
import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { byte, compactArray, compactText, flexibleRequest, int32, noTags } from './kafka-request.ts'

const alterUserScramCredentials = { key: 51, version: 0 }
const scramSha512 = 2
const iterations = 4_096
/** A broker's settings that let users of SCRAM-SHA-512 in at the listener SASL, beside those that `scramUsers` has made. */
export const scramListener = {
  'listener.name.sasl.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
  'listener.name.sasl.scram-sha-512.sasl.jaas.config':
    'org.apache.kafka.common.security.scram.ScramLoginModule required;',
} as const

/** Settles when the controller has taken it; a broker knows of it some milliseconds later. */
export async function changePassword(broker: string, name: string, password: string): Promise<void> {
  const salt = randomBytes(16)
  const salted = pbkdf2Sync(password, salt, iterations, 64, 'sha512')
  const bytes = (value: Buffer) => Buffer.concat([byte(value.length + 1), value])
  const change = [compactText(name), byte(scramSha512), int32(iterations), bytes(salt), bytes(salted), noTags]
  const deletions = compactArray([])
  const answer = await flexibleRequest(broker, alterUserScramCredentials, [
    deletions,
    compactArray([Buffer.concat(change)]),
  ])
  // Behind the throttle time, the length of the list and the name.
  const error = answer.readInt16BE(4 + 1 + 1 + Buffer.byteLength(name))
  if (error !== 0) throw new Error(`the password of ${name} could not be changed: error ${error}`)
}
