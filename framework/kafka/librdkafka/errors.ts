/** Translates librdkafka's error codes into ours, and decides what is worth stopping for. Pure. */
import { type ErrorCode, PyrallelError } from '../../model/errors.ts'
import type { ClientErrorCode } from '../../model/events.ts'
import type { TopicPartition } from '../../model/record.ts'
import { notOwned, partitionList } from '../commit-request-check.ts'
import type { NativeError } from './binding.ts'

/** The codes we tell apart; names as in librdkafka's `rdkafka.h`. */
export const nativeCodes = {
  ASSIGN_PARTITIONS: -175,
  REVOKE_PARTITIONS: -174,
  TRANSPORT: -195,
  RESOLVE: -193,
  UNKNOWN_PARTITION: -190,
  UNKNOWN_TOPIC: -188,
  ALL_BROKERS_DOWN: -187,
  TIMED_OUT: -185,
  SSL: -181,
  MSG_TIMED_OUT: -192,
  QUEUE_FULL: -184,
  WAIT_COORD: -180,
  AUTHENTICATION: -169,
  FATAL: -150,
  UNKNOWN: -1,
  OFFSET_OUT_OF_RANGE: 1,
  UNKNOWN_TOPIC_OR_PART: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_FOR_PARTITION: 6,
  REQUEST_TIMED_OUT: 7,
  MSG_SIZE_TOO_LARGE: 10,
  OFFSET_METADATA_TOO_LARGE: 12,
  NETWORK_EXCEPTION: 13,
  COORDINATOR_LOAD_IN_PROGRESS: 14,
  COORDINATOR_NOT_AVAILABLE: 15,
  NOT_COORDINATOR: 16,
  NOT_ENOUGH_REPLICAS: 19,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 20,
  ILLEGAL_GENERATION: 22,
  INCONSISTENT_GROUP_PROTOCOL: 23,
  UNKNOWN_MEMBER_ID: 25,
  REBALANCE_IN_PROGRESS: 27,
  INVALID_COMMIT_OFFSET_SIZE: 28,
  TOPIC_AUTHORIZATION_FAILED: 29,
  GROUP_AUTHORIZATION_FAILED: 30,
  TOPIC_ALREADY_EXISTS: 36,
  SASL_AUTHENTICATION_FAILED: 58,
  GROUP_ID_NOT_FOUND: 69,
  FENCED_INSTANCE_ID: 82,
  FENCED_MEMBER_EPOCH: 110,
  UNSUPPORTED_ASSIGNOR: 112,
  STALE_MEMBER_EPOCH: 113,
} as const

/** What passes by itself: the network, a coordinator that moves, a group that is being rebalanced. */
const passing: ReadonlySet<number> = new Set([
  nativeCodes.TRANSPORT,
  nativeCodes.ALL_BROKERS_DOWN,
  nativeCodes.TIMED_OUT,
  nativeCodes.MSG_TIMED_OUT,
  nativeCodes.QUEUE_FULL,
  nativeCodes.WAIT_COORD,
  nativeCodes.LEADER_NOT_AVAILABLE,
  nativeCodes.NOT_LEADER_FOR_PARTITION,
  nativeCodes.REQUEST_TIMED_OUT,
  nativeCodes.NETWORK_EXCEPTION,
  nativeCodes.COORDINATOR_LOAD_IN_PROGRESS,
  nativeCodes.COORDINATOR_NOT_AVAILABLE,
  nativeCodes.NOT_COORDINATOR,
  nativeCodes.NOT_ENOUGH_REPLICAS,
  nativeCodes.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  nativeCodes.ILLEGAL_GENERATION,
  nativeCodes.UNKNOWN_MEMBER_ID,
  nativeCodes.REBALANCE_IN_PROGRESS,
  nativeCodes.FENCED_MEMBER_EPOCH,
  nativeCodes.STALE_MEMBER_EPOCH,
])

const fatal: ReadonlySet<number> = new Set([
  nativeCodes.FATAL,
  nativeCodes.FENCED_INSTANCE_ID,
  nativeCodes.UNSUPPORTED_ASSIGNOR,
])

/** What an error is told apart by. */
export type ErrorFacts = Pick<NativeError, 'code' | 'isFatal'>

/** What is counted apart. Of librdkafka's own codes, those that say the same as one of Kafka's go with it. */
const counted: ReadonlyMap<number, ClientErrorCode> = new Map([
  [nativeCodes.TOPIC_AUTHORIZATION_FAILED, 'TOPIC_AUTHORIZATION_FAILED'],
  [nativeCodes.GROUP_AUTHORIZATION_FAILED, 'GROUP_AUTHORIZATION_FAILED'],
  [nativeCodes.SASL_AUTHENTICATION_FAILED, 'SASL_AUTHENTICATION_FAILED'],
  [nativeCodes.AUTHENTICATION, 'SASL_AUTHENTICATION_FAILED'],
  [nativeCodes.UNKNOWN_TOPIC_OR_PART, 'UNKNOWN_TOPIC_OR_PARTITION'],
  [nativeCodes.UNKNOWN_TOPIC, 'UNKNOWN_TOPIC_OR_PARTITION'],
  [nativeCodes.UNKNOWN_PARTITION, 'UNKNOWN_TOPIC_OR_PARTITION'],
  [nativeCodes.OFFSET_OUT_OF_RANGE, 'OFFSET_OUT_OF_RANGE'],
  [nativeCodes.INCONSISTENT_GROUP_PROTOCOL, 'INCONSISTENT_GROUP_PROTOCOL'],
  [nativeCodes.NETWORK_EXCEPTION, 'NETWORK_EXCEPTION'],
  [nativeCodes.TRANSPORT, 'NETWORK_EXCEPTION'],
  [nativeCodes.RESOLVE, 'NETWORK_EXCEPTION'],
  [nativeCodes.ALL_BROKERS_DOWN, 'NETWORK_EXCEPTION'],
  [nativeCodes.SSL, 'NETWORK_EXCEPTION'],
  [nativeCodes.TIMED_OUT, 'NETWORK_EXCEPTION'],
  [nativeCodes.REQUEST_TIMED_OUT, 'NETWORK_EXCEPTION'],
])

/**
 * The binding gives some errors without their code: those that it tells as an event, and those of single partitions. What they are stands in the text
 * only, librdkafka's sentence for the code: `Broker: Topic authorization failed`, of an event in small letters and without where it comes from.
 */
const codesByText: ReadonlyMap<string, number> = new Map([
  ['broker transport failure', nativeCodes.TRANSPORT],
  ['host resolution failure', nativeCodes.RESOLVE],
  ['all broker connections are down', nativeCodes.ALL_BROKERS_DOWN],
  ['timed out', nativeCodes.TIMED_OUT],
  ['ssl error', nativeCodes.SSL],
  ['authentication failure', nativeCodes.AUTHENTICATION],
  ['unknown partition', nativeCodes.UNKNOWN_PARTITION],
  ['unknown topic', nativeCodes.UNKNOWN_TOPIC],
  ['fatal error', nativeCodes.FATAL],
  ['offset out of range', nativeCodes.OFFSET_OUT_OF_RANGE],
  ['unknown topic or partition', nativeCodes.UNKNOWN_TOPIC_OR_PART],
  ['request timed out', nativeCodes.REQUEST_TIMED_OUT],
  ['broker disconnected before response received', nativeCodes.NETWORK_EXCEPTION],
  ['inconsistent group protocol', nativeCodes.INCONSISTENT_GROUP_PROTOCOL],
  ['the group id does not exist', nativeCodes.GROUP_ID_NOT_FOUND],
  ['topic authorization failed', nativeCodes.TOPIC_AUTHORIZATION_FAILED],
  ['group authorization failed', nativeCodes.GROUP_AUTHORIZATION_FAILED],
  ['sasl authentication failed', nativeCodes.SASL_AUTHENTICATION_FAILED],
  ['static consumer fenced by other consumer with same group.instance.id', nativeCodes.FENCED_INSTANCE_ID],
  ['the assignor or its version range is not supported by the consumer group', nativeCodes.UNSUPPORTED_ASSIGNOR],
])

export function clientErrorCode(error: ErrorFacts): ClientErrorCode {
  return isFatal(error) ? 'FATAL' : (counted.get(error.code) ?? 'OTHER')
}

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

/** True when this client can do nothing any more, whatever happens. Lost rights and missing topics can come back, so they are not. */
export function isFatal(error: ErrorFacts): boolean {
  return error.isFatal === true || fatal.has(error.code)
}

export function isRetriable(error: NativeError): boolean {
  return !isFatal(error) && (error.isRetriable === true || passing.has(error.code))
}

/**
 * Of a member that asks to be taken in, by KIP-848: a name that nobody has would be made. So it is another type's. An error has its code or its words, the log
 * of a fatal one has the words within a longer text.
 */
export function isGroupTaken({ code, message }: NativeError): boolean {
  return code === nativeCodes.GROUP_ID_NOT_FOUND || /the group id does not exist/i.test(message)
}

/** The coordinator does not tell of which type the other group is, and the client's list of groups leaves such groups out. */
export function groupTaken(group: string, cause: NativeError): PyrallelError {
  const facts =
    `The coordinator does not take this consumer into group '${group}' (${cause.message}). Another tool's group of another type, such as a share ` +
    'group or a Kafka Streams group, is likely to have that name: choose another `group`.'
  return new PyrallelError('PYR_GROUP_TAKEN', facts, { cause })
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

/** What a refusal is about, where not about the group. A coordinator that cannot store a request has no code for it: -1, for all its partitions. */
const commitRefusals: ReadonlyMap<number, ErrorCode> = new Map([
  [nativeCodes.OFFSET_METADATA_TOO_LARGE, 'PYR_METADATA_TOO_LARGE'],
  [nativeCodes.UNKNOWN, 'PYR_COMMIT_TOO_LARGE'],
  [nativeCodes.MSG_SIZE_TOO_LARGE, 'PYR_COMMIT_TOO_LARGE'],
  [nativeCodes.INVALID_COMMIT_OFFSET_SIZE, 'PYR_COMMIT_TOO_LARGE'],
  [nativeCodes.UNKNOWN_TOPIC_OR_PART, 'PYR_COMMIT_REFUSED'],
  [nativeCodes.TOPIC_AUTHORIZATION_FAILED, 'PYR_COMMIT_REFUSED'],
])

export function commitError(
  error: NativeError,
  commits: readonly TopicPartition[],
  isOwned: (partition: TopicPartition) => boolean,
): PyrallelError {
  const gone = commits.filter((commit) => !isOwned(commit))
  if (gone.length > 0) return notOwned(gone, error)
  const code = commitRefusals.get(error.code) ?? 'PYR_COMMIT_FAILED'
  const facts = `The group coordinator refused the commit of ${partitionList(commits)}: ${error.message} (${error.code}).`
  return new PyrallelError(code, facts, { cause: error, retriable: isRetriable(error) })
}

export function produceError(error: NativeError, topic: string): PyrallelError {
  if (error.code === nativeCodes.MSG_SIZE_TOO_LARGE) {
    const facts = `The record was not produced to ${topic}: it is larger than the client (message.max.bytes) or the topic (max.message.bytes) allows.`
    return new PyrallelError('PYR_RECORD_TOO_LARGE', facts, { cause: error })
  }
  const unknown = error.code === nativeCodes.UNKNOWN_TOPIC || error.code === nativeCodes.UNKNOWN_TOPIC_OR_PART
  return new PyrallelError(
    unknown ? 'PYR_TOPIC_UNKNOWN' : 'PYR_PRODUCE_FAILED',
    unknown
      ? `The record was not produced: topic ${topic} does not exist on the broker. Create it, or check its name.`
      : `The record was not produced to ${topic}: ${error.message} (${error.code}).`,
    // A producer that has failed for good is replaced, and the next one may succeed.
    { cause: error, retriable: isRetriable(error) || isFatal(error) },
  )
}
