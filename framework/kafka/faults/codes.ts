/**
 * What the errors of Kafka's protocol and of the way to a broker mean to us: which ones pass, which ones are the end, and what each is called.
 * The same for every client. Pure.
 */
import { type ErrorCode, PyrallelError } from '../../model/errors.ts'
import type { ClientErrorCode } from '../../model/events.ts'
import type { TopicPartition } from '../../model/record.ts'
import { notOwned, partitionList } from '../commit-request-check.ts'

/** An error as a client tells it. */
export interface ClientFault {
  readonly message: string
  /** As in librdkafka's `rdkafka.h`: negative is the client's own, positive is the broker's. */
  readonly code: number
  readonly isFatal?: boolean
  readonly isRetriable?: boolean
}

/** The codes we tell apart; names as in librdkafka's `rdkafka.h`. */
export const faultCodes = {
  ASSIGN_PARTITIONS: -175,
  REVOKE_PARTITIONS: -174,
  BAD_MESSAGE: -199,
  DESTROYED: -197,
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
  UNSUPPORTED_FEATURE: -165,
  AUTHENTICATION: -169,
  PURGE_QUEUE: -152,
  PURGE_INFLIGHT: -151,
  FATAL: -150,
  FENCED: -144,
  UNKNOWN: -1,
  OFFSET_OUT_OF_RANGE: 1,
  CORRUPT_MESSAGE: 2,
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
  TOPIC_EXCEPTION: 17,
  RECORD_LIST_TOO_LARGE: 18,
  NOT_ENOUGH_REPLICAS: 19,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 20,
  ILLEGAL_GENERATION: 22,
  INCONSISTENT_GROUP_PROTOCOL: 23,
  UNKNOWN_MEMBER_ID: 25,
  REBALANCE_IN_PROGRESS: 27,
  INVALID_COMMIT_OFFSET_SIZE: 28,
  TOPIC_AUTHORIZATION_FAILED: 29,
  GROUP_AUTHORIZATION_FAILED: 30,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  INVALID_TIMESTAMP: 32,
  UNSUPPORTED_VERSION: 35,
  TOPIC_ALREADY_EXISTS: 36,
  POLICY_VIOLATION: 44,
  OUT_OF_ORDER_SEQUENCE: 45,
  INVALID_PRODUCER_EPOCH: 47,
  INVALID_TXN_STATE: 48,
  INVALID_TRANSACTION_TIMEOUT: 50,
  CONCURRENT_TRANSACTIONS: 51,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 53,
  OPERATION_NOT_ATTEMPTED: 55,
  KAFKA_STORAGE_ERROR: 56,
  SASL_AUTHENTICATION_FAILED: 58,
  UNKNOWN_PRODUCER_ID: 59,
  GROUP_ID_NOT_FOUND: 69,
  FENCED_LEADER_EPOCH: 74,
  FENCED_INSTANCE_ID: 82,
  INVALID_RECORD: 87,
  PRODUCER_FENCED: 90,
  UNKNOWN_TOPIC_ID: 100,
  FENCED_MEMBER_EPOCH: 110,
  UNRELEASED_INSTANCE_ID: 111,
  UNSUPPORTED_ASSIGNOR: 112,
  STALE_MEMBER_EPOCH: 113,
} as const

/** What passes by itself: the network, a coordinator that moves, a group that is being rebalanced. */
const passing: ReadonlySet<number> = new Set([
  faultCodes.TRANSPORT,
  faultCodes.RESOLVE,
  faultCodes.ALL_BROKERS_DOWN,
  faultCodes.TIMED_OUT,
  faultCodes.MSG_TIMED_OUT,
  faultCodes.QUEUE_FULL,
  faultCodes.WAIT_COORD,
  faultCodes.LEADER_NOT_AVAILABLE,
  faultCodes.NOT_LEADER_FOR_PARTITION,
  faultCodes.REQUEST_TIMED_OUT,
  faultCodes.NETWORK_EXCEPTION,
  faultCodes.COORDINATOR_LOAD_IN_PROGRESS,
  faultCodes.COORDINATOR_NOT_AVAILABLE,
  faultCodes.NOT_COORDINATOR,
  faultCodes.NOT_ENOUGH_REPLICAS,
  faultCodes.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  faultCodes.ILLEGAL_GENERATION,
  faultCodes.UNKNOWN_MEMBER_ID,
  faultCodes.REBALANCE_IN_PROGRESS,
  faultCodes.FENCED_MEMBER_EPOCH,
  faultCodes.STALE_MEMBER_EPOCH,
])

const fatal: ReadonlySet<number> = new Set([
  faultCodes.FATAL,
  faultCodes.FENCED_INSTANCE_ID,
  faultCodes.UNSUPPORTED_ASSIGNOR,
])

/** What an error is told apart by. */
export type ErrorFacts = Pick<ClientFault, 'code' | 'isFatal'>

/** What is counted apart. Of librdkafka's own codes, those that say the same as one of Kafka's go with it. */
const counted: ReadonlyMap<number, ClientErrorCode> = new Map([
  [faultCodes.TOPIC_AUTHORIZATION_FAILED, 'TOPIC_AUTHORIZATION_FAILED'],
  [faultCodes.GROUP_AUTHORIZATION_FAILED, 'GROUP_AUTHORIZATION_FAILED'],
  [faultCodes.SASL_AUTHENTICATION_FAILED, 'SASL_AUTHENTICATION_FAILED'],
  [faultCodes.AUTHENTICATION, 'SASL_AUTHENTICATION_FAILED'],
  [faultCodes.UNKNOWN_TOPIC_OR_PART, 'UNKNOWN_TOPIC_OR_PARTITION'],
  [faultCodes.UNKNOWN_TOPIC, 'UNKNOWN_TOPIC_OR_PARTITION'],
  [faultCodes.UNKNOWN_PARTITION, 'UNKNOWN_TOPIC_OR_PARTITION'],
  [faultCodes.OFFSET_OUT_OF_RANGE, 'OFFSET_OUT_OF_RANGE'],
  [faultCodes.INCONSISTENT_GROUP_PROTOCOL, 'INCONSISTENT_GROUP_PROTOCOL'],
  [faultCodes.NETWORK_EXCEPTION, 'NETWORK_EXCEPTION'],
  [faultCodes.TRANSPORT, 'NETWORK_EXCEPTION'],
  [faultCodes.RESOLVE, 'NETWORK_EXCEPTION'],
  [faultCodes.ALL_BROKERS_DOWN, 'NETWORK_EXCEPTION'],
  [faultCodes.SSL, 'NETWORK_EXCEPTION'],
  [faultCodes.TIMED_OUT, 'NETWORK_EXCEPTION'],
  [faultCodes.REQUEST_TIMED_OUT, 'NETWORK_EXCEPTION'],
])

export function clientErrorCode(error: ErrorFacts): ClientErrorCode {
  return isFatal(error) ? 'FATAL' : (counted.get(error.code) ?? 'OTHER')
}

/** True when this client can do nothing any more, whatever happens. Lost rights and missing topics can come back, so they are not. */
export function isFatal(error: ErrorFacts): boolean {
  return error.isFatal === true || fatal.has(error.code)
}

export function isRetriable(error: ClientFault): boolean {
  return !isFatal(error) && (error.isRetriable === true || passing.has(error.code))
}

/**
 * Of a member that asks to be taken in, by KIP-848: a name that nobody has would be made. So it is another type's. An error has its code or its words, the log
 * of a fatal one has the words within a longer text.
 */
export function isGroupTaken({ code, message }: ClientFault): boolean {
  return code === faultCodes.GROUP_ID_NOT_FOUND || /the group id does not exist/i.test(message)
}

/** The coordinator does not tell of which type the other group is, and the client's list of groups leaves such groups out. */
export function groupTaken(group: string, cause: ClientFault): PyrallelError {
  const facts =
    `The coordinator does not take this consumer into group '${group}' (${cause.message}). Another tool's group of another type, such as a share ` +
    'group or a Kafka Streams group, is likely to have that name: choose another `group`.'
  return new PyrallelError('PYR_GROUP_TAKEN', facts, { cause })
}

/** What a refusal is about, where not about the group. A coordinator that cannot store a request has no code for it: -1, for all its partitions. */
const commitRefusals: ReadonlyMap<number, ErrorCode> = new Map([
  [faultCodes.OFFSET_METADATA_TOO_LARGE, 'PYR_METADATA_TOO_LARGE'],
  [faultCodes.UNKNOWN, 'PYR_COMMIT_TOO_LARGE'],
  [faultCodes.MSG_SIZE_TOO_LARGE, 'PYR_COMMIT_TOO_LARGE'],
  [faultCodes.INVALID_COMMIT_OFFSET_SIZE, 'PYR_COMMIT_TOO_LARGE'],
  [faultCodes.UNKNOWN_TOPIC_OR_PART, 'PYR_COMMIT_REFUSED'],
  [faultCodes.UNKNOWN_TOPIC_ID, 'PYR_COMMIT_REFUSED'],
  [faultCodes.TOPIC_AUTHORIZATION_FAILED, 'PYR_COMMIT_REFUSED'],
])

export function commitError(
  error: ClientFault,
  commits: readonly TopicPartition[],
  isOwned: (partition: TopicPartition) => boolean,
): PyrallelError {
  const gone = commits.filter((commit) => !isOwned(commit))
  if (gone.length > 0) return notOwned(gone, error)
  const code = commitRefusals.get(error.code) ?? 'PYR_COMMIT_FAILED'
  const facts = `The group coordinator refused the commit of ${partitionList(commits)}: ${error.message} (${error.code}).`
  return new PyrallelError(code, facts, { cause: error, retriable: isRetriable(error) })
}
