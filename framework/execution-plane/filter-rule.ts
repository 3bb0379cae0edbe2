/** Asks a handler's own filter whether it wants a record. */
import type { HandlerRecord } from '../handler.ts'

/** @throws whatever the filter throws, and TypeError when it says neither yes nor no */
export function isAccepted(
  filter: (record: HandlerRecord<unknown>) => unknown,
  record: HandlerRecord<unknown>,
): boolean {
  const verdict = filter(record)
  // A promise would count as true, and the filter would do nothing without anybody noticing.
  if (typeof verdict !== 'boolean') throw new TypeError(`the filter returned ${typeof verdict}, not true or false`)
  return verdict
}
