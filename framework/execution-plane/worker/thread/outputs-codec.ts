/** The outputs of one attempt as one buffer that can be handed to the main thread without copying. Pure. */
import type { RecordHeader } from '../../../model/record.ts'
import type { KeptOutput, Outcome } from '../../../model/work.ts'
import { many, Reader, Writer } from './byte-codec.ts'

/** Says that there is no such number. */
const NONE = 0xffff_ffff

/**
 *     outputs: count, then each
 *       of, partition (both may be none), timestamp (f64, NaN for none), topic, key, value, headers: count, then each (name, value)
 *
 * As byte-codec.ts has it; numbers are u32 where not said otherwise.
 */
const OUTPUT_BYTES = 4 + 4 + 8 + 4 + 4 + 4 + 4

/** What crosses of an outcome: what cannot be cloned cheaply stands apart. */
export interface SentOutcome {
  readonly outcome: Outcome
  /** Of the outcome; made by `encodeOutputs`; transferred. */
  readonly outputs?: ArrayBuffer
}

export function sentOutcome(outcome: Outcome): SentOutcome {
  if (!('outputs' in outcome) || outcome.outputs === undefined) return { outcome }
  const { outputs, ...bare } = outcome
  return { outcome: bare, outputs: encodeOutputs(outputs) }
}

export function receivedOutcome({ outcome, outputs }: SentOutcome): Outcome {
  if (outputs === undefined || (outcome.kind !== 'succeeded' && outcome.kind !== 'partial')) return outcome
  return { ...outcome, outputs: decodeOutputs(outputs) }
}

/** The buffer is its own, so it may be transferred. */
export function encodeOutputs(outputs: readonly KeptOutput[]): ArrayBuffer {
  const writer = new Writer(sizeOf(outputs))
  writer.u32(outputs.length)
  for (const { of, partition, timestamp, topic, key, value, headers } of outputs) {
    writer.u32(of ?? NONE)
    writer.u32(partition ?? NONE)
    writer.f64(timestamp ?? Number.NaN)
    writer.text(topic)
    writer.bytes(key)
    writer.bytes(value)
    writer.u32(headers.length)
    for (const [name, bytes] of headers) {
      writer.text(name)
      writer.bytes(bytes)
    }
  }
  return writer.finish()
}

/** Keys, values and headers are views of the buffer, not copies. */
export function decodeOutputs(buffer: ArrayBuffer): readonly KeptOutput[] {
  const reader = new Reader(buffer)
  return many(reader.u32(), () => {
    const [of, partition, timestamp] = [reader.u32(), reader.u32(), reader.f64()]
    const topic = reader.text()
    const [key, value] = [reader.bytes(), reader.bytes()]
    const headers = many(reader.u32(), (): RecordHeader => [reader.text(), reader.bytes()])
    return {
      topic,
      key,
      value,
      headers,
      ...(of === NONE ? {} : { of }),
      ...(partition === NONE ? {} : { partition }),
      ...(Number.isNaN(timestamp) ? {} : { timestamp }),
    }
  })
}

function sizeOf(outputs: readonly KeptOutput[]): number {
  let size = 4
  for (const { topic, key, value, headers } of outputs) {
    size += OUTPUT_BYTES + Buffer.byteLength(topic) + (key?.length ?? 0) + (value?.length ?? 0)
    for (const [name, bytes] of headers) size += 8 + Buffer.byteLength(name) + (bytes?.length ?? 0)
  }
  return size
}
