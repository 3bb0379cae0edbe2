/** Why a member cannot go on, in words, with the next step. Pure. */
import { PyrallelError } from '../../model/errors.ts'
import { faultCodes, groupTaken } from '../faults/codes.ts'
import { withMissingRight } from '../faults/missing-rights.ts'
import type { KafkaFault } from './errors.ts'

export interface EndedMember {
  readonly group: string
  readonly instanceId: string | undefined
  /** How long it has waited for its static name. Milliseconds. */
  readonly nameLimitMs: number
}

export function memberEnd(fault: KafkaFault, member: EndedMember): PyrallelError {
  const { code } = fault
  if (code === faultCodes.GROUP_ID_NOT_FOUND || code === faultCodes.INCONSISTENT_GROUP_PROTOCOL) {
    return groupTaken(member.group, fault)
  }
  return new PyrallelError(
    'PYR_KAFKA',
    `The Kafka consumer cannot go on: ${reasonOf(code, member) ?? withMissingRight(fault, { operation: 'Read', group: member.group })}.`,
    {
      cause: fault,
    },
  )
}

function reasonOf(code: number, { group, instanceId, nameLimitMs }: EndedMember): string | undefined {
  const ownName = 'Give each process a kafka.instanceId of its own, or none'
  if (code === faultCodes.UNRELEASED_INSTANCE_ID) {
    const limit = `${Math.round(nameLimitMs / 1_000)} s`
    return `another live member of group ${group} has the instance id '${instanceId}', still after ${limit}. ${ownName}`
  }
  if (code === faultCodes.FENCED_INSTANCE_ID) {
    return `another member of group ${group} has taken over the instance id '${instanceId}'. ${ownName}`
  }
  if (code === faultCodes.UNSUPPORTED_VERSION) {
    return (
      'the brokers do not take members of the group protocol of Apache Kafka 4.0 (KIP-848). Update the brokers; where they are new enough, ' +
      "switch it on with `kafka-features.sh upgrade --feature group.version=1`; or write kafka.client: 'librdkafka' with " +
      "kafka.groupProtocol: 'classic'"
    )
  }
  return undefined
}
