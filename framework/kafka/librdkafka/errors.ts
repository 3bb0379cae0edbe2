/** Reads librdkafka's words, where the binding gives no code. Pure. */
import { faultCodes } from '../faults/codes.ts'
import type { NativeError } from './binding.ts'

/**
 * The binding gives some errors without their code: those that it tells as an event, and those of single partitions. What they are stands in the text
 * only, librdkafka's sentence for the code: `Broker: Topic authorization failed`, of an event in small letters and without where it comes from.
 */
const codesByText: ReadonlyMap<string, number> = new Map([
  ['broker transport failure', faultCodes.TRANSPORT],
  ['host resolution failure', faultCodes.RESOLVE],
  ['all broker connections are down', faultCodes.ALL_BROKERS_DOWN],
  ['timed out', faultCodes.TIMED_OUT],
  ['ssl error', faultCodes.SSL],
  ['authentication failure', faultCodes.AUTHENTICATION],
  ['unknown partition', faultCodes.UNKNOWN_PARTITION],
  ['unknown topic', faultCodes.UNKNOWN_TOPIC],
  ['fatal error', faultCodes.FATAL],
  ['offset out of range', faultCodes.OFFSET_OUT_OF_RANGE],
  ['unknown topic or partition', faultCodes.UNKNOWN_TOPIC_OR_PART],
  ['request timed out', faultCodes.REQUEST_TIMED_OUT],
  ['broker disconnected before response received', faultCodes.NETWORK_EXCEPTION],
  ['inconsistent group protocol', faultCodes.INCONSISTENT_GROUP_PROTOCOL],
  ['the group id does not exist', faultCodes.GROUP_ID_NOT_FOUND],
  ['topic authorization failed', faultCodes.TOPIC_AUTHORIZATION_FAILED],
  ['group authorization failed', faultCodes.GROUP_AUTHORIZATION_FAILED],
  ['sasl authentication failed', faultCodes.SASL_AUTHENTICATION_FAILED],
  ['static consumer fenced by other consumer with same group.instance.id', faultCodes.FENCED_INSTANCE_ID],
  ['the assignor or its version range is not supported by the consumer group', faultCodes.UNSUPPORTED_ASSIGNOR],
])

/** librdkafka's sentence, without the name of its thread before it and the state of its machine behind it. */
export function plainReason(reason: string): string {
  return reason.replace(/^\[thrd:[^\]]*\]: (?:\S+: )?/, '').replace(/ \(after \d+ms in state .*$/s, '')
}

/** By librdkafka's words: its log tells the reason as text only. It never repeats a password or a key. */
export function isAuthenticationFailure(reason: string): boolean {
  return /SASL (authentication|handshake)|SSL handshake failed|certificate|during SASL|in state (SSL_HANDSHAKE|AUTH_\w+)/i.test(
    reason,
  )
}

/** A broker has answered that it does not take them. Not: a token endpoint that does not answer, or a certificate that is not believed, by either side. */
export function isCredentialRefusal(reason: string): boolean {
  return /SASL authentication error/i.test(reason)
}

/** By librdkafka's words, as `FatalFault` keeps them: another member of the group has this one's static name. */
export function isInstanceInUse(thrown: unknown): boolean {
  return thrown instanceof Error && /instance ID is still used/i.test(thrown.message)
}

const NO_CODE = -1

function codeOf(message: string): number {
  return codesByText.get(message.replace(/^(?:Local|Broker): /, '').toLowerCase()) ?? NO_CODE
}

/** Anything the binding throws or calls back with has a message; most have a code. */
export function nativeError(thrown: unknown): NativeError {
  if (typeof thrown === 'object' && thrown !== null && 'message' in thrown) {
    const message = String(thrown.message)
    const told = 'code' in thrown && typeof thrown.code === 'number' ? thrown.code : NO_CODE
    const code = told === NO_CODE ? codeOf(message) : told
    return Object.assign(thrown, { message, code })
  }
  return { message: String(thrown), code: NO_CODE }
}
