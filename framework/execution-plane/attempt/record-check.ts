/** What is known of a record before its handler is called: decodes it, validates it, and asks the handler's filter. */
import type { HandlerRecord } from '../../api/handler.ts'
import type { KafkaRecord } from '../../model/record.ts'
import type { HandlerFailure } from '../../model/work.ts'
import { RejectedValue } from '../../validation/value-decoder.ts'
import { DecodedRecord } from './decoded-record.ts'
import type { PreparedHandler } from './prepared-handler.ts'

/** The record as the handler gets it, or why it does not. */
export type Checked = DecodedRecord | 'filtered' | HandlerFailure

/** @throws whatever the handler's filter throws */
export function checkRecord({ decoder, setup }: PreparedHandler, raw: KafkaRecord, attempt: number): Checked {
  const value = decoder.decode(raw.value)
  if (value instanceof RejectedValue) return value.failure
  const record = new DecodedRecord(raw, value, attempt)
  const { filter } = setup.definition.options
  return filter === undefined || isAccepted(filter, record) ? record : 'filtered'
}

/** @throws whatever the filter throws, and TypeError when it says neither yes nor no */
function isAccepted(filter: (record: HandlerRecord<unknown>) => unknown, record: HandlerRecord<unknown>): boolean {
  const verdict = filter(record)
  // A promise would count as true, and the filter would do nothing without anybody noticing.
  if (typeof verdict !== 'boolean') throw new TypeError(`the filter returned ${typeof verdict}, not true or false`)
  return verdict
}
