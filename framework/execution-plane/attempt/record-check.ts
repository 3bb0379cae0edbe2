/** What is known of a record before its handler is called: asks `accept`, decodes it, validates it, and asks the handler's filter. */
import type { UndecodedRecord } from '../../api/handler.ts'
import { UnreadyValue } from '../../formats/format-decoder.ts'
import type { KafkaRecord } from '../../model/record.ts'
import type { HandlerFailure } from '../../model/work.ts'
import { RejectedValue } from '../../validation/value-decoder.ts'
import { DecodedRecord, KeyedRecord, RecordBeforeDecoding } from './decoded-record.ts'
import type { PreparedHandler } from './prepared-handler.ts'

/** The record as the handler gets it, or why it does not, or not yet. */
export type Checked = DecodedRecord | 'filtered' | HandlerFailure | UnreadyValue

/** @throws whatever `accept` and the handler's filter throw */
export function checkRecord(handler: PreparedHandler, raw: KafkaRecord, attempt: number): Checked {
  const { accept, filter } = handler.setup.definition.options
  if (accept !== undefined && !isYes('accept', accept(new RecordBeforeDecoding(raw)))) return 'filtered'
  const value = handler.decoderOf(raw.topic).decode(raw.value, raw.headers)
  // Undefined where keys are text: such a record costs nothing more.
  const key = handler.keyDecoders?.get(raw.topic)?.decode(raw.key, raw.headers)
  // First of all: what can never be read does not wait for what cannot be read yet.
  if (value instanceof RejectedValue) return key instanceof RejectedValue ? key.failure : value.failure
  if (key !== undefined) {
    if (key instanceof RejectedValue) return key.failure
    if (key instanceof UnreadyValue) return key
  }
  if (value instanceof UnreadyValue) return value
  const record = key === undefined ? new DecodedRecord(raw, value, attempt) : new KeyedRecord(raw, key, value, attempt)
  return filter === undefined || isYes('the filter', filter(record)) ? record : 'filtered'
}

/**
 * The same question before the record is queued, for the control plane.
 * @returns never throws: what cannot be said of a record is said by its attempt, which fails
 */
export function leftOutBy(accept: (record: UndecodedRecord) => unknown): (raw: KafkaRecord) => boolean {
  return (raw) => {
    try {
      return accept(new RecordBeforeDecoding(raw)) === false
    } catch {
      return false
    }
  }
}

/** @throws TypeError when it is neither yes nor no: a promise would count as true, and the filter would do nothing without anybody noticing */
function isYes(who: string, verdict: unknown): boolean {
  if (typeof verdict !== 'boolean') throw new TypeError(`${who} returned ${typeof verdict}, not true or false`)
  return verdict
}
