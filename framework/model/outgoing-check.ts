/** Refuses a record that Kafka cannot carry as it is, before anything of it is sent. Pure. */
import { PyrallelError } from './errors.ts'
import type { OutgoingRecord } from './record.ts'

/**
 * Types forbid all of it, but handlers may be JavaScript, and the native client sends a record whose header it refuses.
 * @throws PyrallelError PYR_RECORD_INVALID
 */
export function refuseUncarryable({ topic, key, value, headers }: OutgoingRecord): void {
  if (key !== null && !isBytes(key)) throw uncarryable(topic, `its key is ${kindOf(key)}`)
  if (value !== null && !isBytes(value)) throw uncarryable(topic, `its value is ${kindOf(value)}`)
  for (const [name, bytes] of headers) {
    if (bytes !== null && !isBytes(bytes)) throw uncarryable(topic, `its header '${name}' is ${kindOf(bytes)}`)
  }
}

export function uncarryable(topic: string, what: string): PyrallelError {
  return new PyrallelError(
    'PYR_RECORD_INVALID',
    `Nothing was published to ${topic}: ${what}, and Kafka carries text or bytes. Write a text or a Buffer, or leave it out.`,
  )
}

export function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array
}

export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
