/** What is said where a replay must not begin, or cannot go on. Pure. */
import { type ErrorCode, PyrallelError, toError } from '../../model/errors.ts'
import { type KafkaRecord, partitionPlace, recordPlace } from '../../model/record.ts'
import type { Refused } from './replay-intake.ts'

/** @param sofar how many were, or would be, published before */
export function isFull(record: KafkaRecord, sofar: string): PyrallelError {
  const { topic, timestamp } = record
  return new PyrallelError(
    'PYR_METADATA_TOO_LARGE',
    `The marks of ${partitionPlace(record)} are full before ${recordPlace(record)}: one commit cannot tell more published records apart from those left out. ${sofar}. Close the gaps, then run this again: \`pyrallel dlq replay ${topic} --until ${new Date(timestamp).toISOString()}\` publishes what was left out up to here (--to sends it elsewhere).`,
  )
}

/** Before the first publish. @throws PyrallelError PYR_REPLAY_TARGET for topics that only headers name, PYR_TOPIC_UNKNOWN for those that are not there */
export function refuseTargets(topic: string, refused: Refused, unknown: Refused, to: string | undefined): void {
  if (refused.size > 0) {
    const list = [...refused].map(([target, { count }]) => `  ${target} (${count})`).join('\n')
    throw new PyrallelError(
      'PYR_REPLAY_TARGET',
      `Headers of dead letters name topics that are neither in generated/manifest.json nor in the name of ${topic}:\n${list}\nWhoever writes records can write headers, so nothing was published. If it is right: --allow-target ${[...refused.keys()][0]}. --to sends them elsewhere.`,
    )
  }
  const [first] = unknown
  if (first === undefined) return
  const [target, { first: record }] = first
  const next =
    to === undefined
      ? `where the dead letter ${recordPlace(record)} came from. Create it, or name another: --to.`
      : 'which --to names. Create it, or name another.'
  throw new PyrallelError('PYR_TOPIC_UNKNOWN', `There is no topic '${target}', ${next}`)
}

/** What ends a replay has a code. */
export function failureOf(thrown: unknown): PyrallelError {
  const error = toError(thrown)
  return error instanceof PyrallelError ? error : new PyrallelError('PYR_KAFKA', error.message, { cause: thrown })
}

const unwritten: ReadonlySet<ErrorCode> = new Set(['PYR_RECORD_TOO_LARGE', 'PYR_RECORD_INVALID', 'PYR_TOPIC_UNKNOWN'])

/** Of any other refusal nobody knows: the broker may have written the record, and its answer may be lost. */
export function isSurelyUnwritten(thrown: unknown): boolean {
  return thrown instanceof PyrallelError && unwritten.has(thrown.code)
}
