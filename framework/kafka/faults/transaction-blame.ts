/** What the errors of a transaction mean: who is to blame, and what is said. Pure. */
import { PyrallelError } from '../../model/errors.ts'
import type { TopicPartition } from '../../model/record.ts'
import type { AbortedCut, Blame } from '../transactional-producer.ts'
import { type ClientFault, commitError, faultCodes } from './codes.ts'
import { produceError } from './produce-error.ts'

/** Another producer has begun under the same id. A broker that has ended a transaction by its time-out says the same. */
const fencing: ReadonlySet<number> = new Set([
  faultCodes.FENCED,
  faultCodes.INVALID_PRODUCER_EPOCH,
  faultCodes.PRODUCER_FENCED,
])

/** The record itself, or its topic. No later try with it fares better. */
const ofOutput: ReadonlySet<number> = new Set([
  faultCodes.BAD_MESSAGE,
  faultCodes.UNKNOWN_PARTITION,
  faultCodes.UNKNOWN_TOPIC,
  faultCodes.UNKNOWN_TOPIC_OR_PART,
  faultCodes.MSG_SIZE_TOO_LARGE,
  faultCodes.TOPIC_EXCEPTION,
  faultCodes.RECORD_LIST_TOO_LARGE,
  faultCodes.TOPIC_AUTHORIZATION_FAILED,
  faultCodes.INVALID_TIMESTAMP,
  faultCodes.POLICY_VIOLATION,
  faultCodes.INVALID_RECORD,
])

const ofPartitions: ReadonlySet<number> = new Set([
  faultCodes.OFFSET_METADATA_TOO_LARGE,
  faultCodes.INVALID_COMMIT_OFFSET_SIZE,
  faultCodes.MSG_SIZE_TOO_LARGE,
  faultCodes.UNKNOWN_TOPIC_OR_PART,
  faultCodes.TOPIC_AUTHORIZATION_FAILED,
  faultCodes.UNKNOWN,
])

const ofMember: ReadonlySet<number> = new Set([
  faultCodes.ILLEGAL_GENERATION,
  faultCodes.UNKNOWN_MEMBER_ID,
  faultCodes.REBALANCE_IN_PROGRESS,
  faultCodes.FENCED_INSTANCE_ID,
  faultCodes.FENCED_MEMBER_EPOCH,
  faultCodes.STALE_MEMBER_EPOCH,
])

/** Where the id itself is refused: no try fares better before somebody has changed something at the brokers. */
const refusing: ReadonlySet<number> = new Set([
  faultCodes.UNSUPPORTED_FEATURE,
  faultCodes.CLUSTER_AUTHORIZATION_FAILED,
  faultCodes.UNSUPPORTED_VERSION,
  faultCodes.INVALID_TRANSACTION_TIMEOUT,
  faultCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
])

export function isFence({ code }: ClientFault): boolean {
  return fencing.has(code)
}

export function isOfOutput({ code }: ClientFault): boolean {
  return ofOutput.has(code)
}

/** @param isYoung the transaction is younger than its time-out, so that no broker has ended it by that */
export function abortedBy(error: ClientFault, id: string, isYoung: boolean): AbortedCut {
  if (isFence(error) && isYoung) return { kind: 'aborted', blame: { kind: 'fenced' }, error: fencedError(error, id) }
  return { kind: 'aborted', blame: { kind: 'nobody' }, error: transactionError(error) }
}

/** @param sent the offsets of the request that was refused */
export function offsetsRefused(
  error: ClientFault,
  sent: readonly TopicPartition[],
  id: string,
  isYoung: boolean,
): AbortedCut {
  const blame = blameOf(error, sent)
  if (blame === undefined) return abortedBy(error, id, isYoung)
  return { kind: 'aborted', blame, error: commitError(error, sent, () => true) }
}

function blameOf(error: ClientFault, sent: readonly TopicPartition[]): Blame | undefined {
  if (ofMember.has(error.code)) return { kind: 'member' }
  return ofPartitions.has(error.code) ? { kind: 'partitions', partitions: sent } : undefined
}

export function outputsRefused(error: ClientFault, indexes: readonly number[], topic: string): AbortedCut {
  return { kind: 'aborted', blame: { kind: 'outputs', indexes }, error: produceError(error, topic) }
}

export function transactionError(error: ClientFault): PyrallelError {
  const facts = `The transaction failed: ${error.message} (${error.code}).`
  return new PyrallelError('PYR_TRANSACTION_FAILED', facts, { cause: error, retriable: true })
}

export function fencedError(error: ClientFault, id: string): PyrallelError {
  const facts =
    `Another process has begun transactions as '${id}' (${error.message}). Give each process a kafka.instanceId of its own, ` +
    'or none.'
  return new PyrallelError('PYR_TRANSACTION_FENCED', facts, { cause: error })
}

/** `undefined`: it may pass. */
export function openRefusal(error: ClientFault, id: string): PyrallelError | undefined {
  if (!refusing.has(error.code)) return undefined
  const facts =
    `The brokers do not allow transactions as '${id}': ${error.message} (${error.code}). Transactions need Kafka 2.5 or later, the rights Write and ` +
    'Describe on that transactional id, and a transaction.max.timeout.ms that is not below their time-out.'
  return new PyrallelError('PYR_TRANSACTION_REFUSED', facts, { cause: error })
}
