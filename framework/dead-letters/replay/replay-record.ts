/** Makes the record that a replay publishes: as it was before it failed, with its history. Pure. */
import { FIRST_FAILED_AT, REPLAY_COUNT, REPLAY_ID, withoutFailure } from '../../model/failure-headers.ts'
import { firstIdHeader, firstIdOf } from '../../model/first-id.ts'
import { type OutgoingRecord, placeId, type RecordHeader } from '../../model/record.ts'
import type { DeadLetter } from '../dead-letter.ts'

/**
 * Kept of the failure: since when, and how often it was replayed; so that nobody reads an old error for a new one. Its copy's id is the dead
 * letter's place, so that a second copy of it can be told; and `record.id` of the copy is that of the record's first place.
 * @param partition undefined: by its key
 */
export function replayRecord(letter: DeadLetter, target: string, partition?: number): OutgoingRecord {
  const { key, value, headers } = letter.record
  const history: RecordHeader[] = [
    [REPLAY_ID, Buffer.from(placeId(letter.record))],
    [REPLAY_COUNT, Buffer.from(String(letter.replays + 1))],
  ]
  if (letter.firstFailedAt !== null) history.push([FIRST_FAILED_AT, Buffer.from(letter.firstFailedAt)])
  const first = firstId(letter)
  if (first !== undefined) history.push(firstIdHeader(first, { topic: target, key, value }))
  const record = { topic: target, key, value, headers: [...withoutFailure(headers), ...history] }
  return partition === undefined ? record : { ...record, partition }
}

/** What an earlier replay has written, if it was for this record; else where it was, if the headers tell that. */
function firstId({ topic, partition, offset, record }: DeadLetter): string | undefined {
  if (topic === null) return undefined
  const known = firstIdOf({ ...record, topic })
  if (known !== undefined || partition === null || offset === null) return known
  return placeId({ topic, partition, offset })
}
