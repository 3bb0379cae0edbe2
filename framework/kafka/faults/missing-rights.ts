/** Which right a user lacks where the brokers refuse something: Kafka's own words name neither the operation nor what it is on. Pure. */
import { type ClientFault, faultCodes } from './codes.ts'

/** What was asked for. */
export interface Asked {
  readonly operation: 'Read' | 'Write'
  readonly topic?: string | undefined
  readonly group?: string | undefined
}

/** `Read on group shop`; `undefined` for an error that is about no right, or about one on something that nobody knows here. */
export function missingRight({ code, message }: ClientFault, { operation, topic, group }: Asked): string | undefined {
  if (isAbout('topic', code, message))
    return topic === undefined || topic === '' ? undefined : `${operation} on topic ${topic}`
  if (isAbout('group', code, message)) return group === undefined ? undefined : `${operation} on group ${group}`
  return undefined
}

/** The words of the error, and behind them the right that it is about. */
export function withMissingRight(error: ClientFault, asked: Asked): string {
  const right = missingRight(error, asked)
  return right === undefined ? error.message : `${error.message}; the user lacks the right ${right}`
}

/** A fatal error of librdkafka, and what its log says of one, have the words only. */
function isAbout(what: 'topic' | 'group', code: number, message: string): boolean {
  const codeOf = { topic: faultCodes.TOPIC_AUTHORIZATION_FAILED, group: faultCodes.GROUP_AUTHORIZATION_FAILED }
  if (code === codeOf[what]) return true
  return (
    (code === faultCodes.FATAL || code === faultCodes.UNKNOWN) &&
    new RegExp(`\\b${what} authorization failed\\b`, 'i').test(message)
  )
}
