/** Whether two texts are one schema. Pure. */
import type { NewSchema } from './schema-registry.ts'

/** A registry may lay a text out anew, and put the properties of JSON in another order, without changing what it says. */
export function isSameSchema(one: NewSchema, other: NewSchema): boolean {
  return one.format === other.format && bare(one) === bare(other)
}

function bare({ format, text }: NewSchema): string {
  if (format === 'protobuf') return text.replace(/\s+/g, '')
  try {
    return JSON.stringify(JSON.parse(text, sorted))
  } catch {
    // The bare name of a type of Avro.
    return JSON.stringify(text.trim())
  }
}

function sorted(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
