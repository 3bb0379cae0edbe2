/** Tells objects of named properties from those that keep what they hold elsewhere. Pure. */

/**
 * Of a Map, a Set, a Date or bytes, no property is seen: taken for a record or a map, it would be written as an empty one, and a Date as the year 1970.
 * Objects of a class of one's own are taken: their fields are properties.
 */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  if (Object.getPrototypeOf(value) === Object.prototype) return true
  return !(value instanceof Map || value instanceof Set || value instanceof Date || ArrayBuffer.isView(value))
}
