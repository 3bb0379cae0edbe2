/** Tells which values may take no byte, so that a list of them is bounded by something else than its bytes. Pure. */
import type { AvroType } from './avro-schema.ts'

/** A record that contains itself cannot be empty, or it would never end. */
export function mayBeEmpty(type: AvroType, above: readonly AvroType[] = []): boolean {
  if (type.kind === 'null') return true
  if (type.kind === 'fixed') return type.size === 0
  if (type.kind !== 'record' || above.includes(type)) return false
  return type.fields.every((field) => mayBeEmpty(field.type, [...above, type]))
}
