/** Work items as one buffer that can be handed to a thread without copying, and back. Pure; decodes no value. */
import { bug } from '../../../model/errors.ts'
import type { KafkaRecord, RecordHeader } from '../../../model/record.ts'
import type { Epoch, WorkItem } from '../../../model/work.ts'
import { many, Reader, Writer } from './byte-codec.ts'

/** An item and the slot of the lane's memory that stands for it. */
export interface SlottedItem {
  readonly slot: number
  readonly item: WorkItem
}

/**
 *     topics: count, then each text; items: count, then each
 *       slot, id (f64), epoch (f64), records: count, then each
 *         topic (its index), partition, offset (f64), timestamp (f64), attempt, key, value, headers: count, then each (name, value)
 *
 * As byte-codec.ts has it; numbers are u32 where not said otherwise.
 */
const ITEM_BYTES = 4 + 8 + 8 + 4
const RECORD_BYTES = 4 + 4 + 8 + 8 + 4 + 4 + 4 + 4

/** The buffer is its own, so it may be transferred. */
export function encodeBatch(items: readonly SlottedItem[]): ArrayBuffer {
  const topics = new Map<string, number>()
  const writer = new Writer(sizeOf(items, topics))
  writer.u32(topics.size)
  for (const topic of topics.keys()) writer.text(topic)
  writer.u32(items.length)
  for (const { slot, item } of items) {
    writer.u32(slot)
    writer.f64(item.id)
    writer.f64(item.epoch)
    writer.u32(item.records.length)
    for (const [index, record] of item.records.entries()) {
      writer.u32(topics.get(record.topic) ?? 0)
      writer.u32(record.partition)
      writer.f64(record.offset)
      writer.f64(record.timestamp)
      writer.u32(item.attempts[index] ?? 1)
      writer.bytes(record.key)
      writer.bytes(record.value)
      writer.u32(record.headers.length)
      for (const [name, value] of record.headers) {
        writer.text(name)
        writer.bytes(value)
      }
    }
  }
  return writer.finish()
}

/** Keys, values and headers are views of the buffer, not copies. */
export function decodeBatch(buffer: ArrayBuffer, handlerId: string): readonly SlottedItem[] {
  const reader = new Reader(buffer)
  const topics = many(reader.u32(), () => reader.text())
  return many(reader.u32(), () => {
    const slot = reader.u32()
    const [id, epoch] = [reader.f64(), reader.f64() as Epoch]
    const attempts: number[] = []
    const records = many(reader.u32(), () => readRecord(reader, topics, attempts))
    return { slot, item: { id, handlerId, epoch, records, attempts } }
  })
}

function readRecord(reader: Reader, topics: readonly string[], attempts: number[]): KafkaRecord {
  const topic = topics[reader.u32()]
  if (topic === undefined) throw bug('decodeBatch', 'a record names a topic that the batch does not list')
  const partition = reader.u32()
  const [offset, timestamp] = [reader.f64(), reader.f64()]
  attempts.push(reader.u32())
  const [key, value] = [reader.bytes(), reader.bytes()]
  const headers = many(reader.u32(), (): RecordHeader => [reader.text(), reader.bytes()])
  return { topic, partition, offset, key, value, headers, timestamp }
}

/** Bytes that the batch takes; numbers its topics on the way. */
function sizeOf(items: readonly SlottedItem[], topics: Map<string, number>): number {
  let size = 8
  for (const { item } of items) {
    size += ITEM_BYTES
    for (const record of item.records) {
      if (!topics.has(record.topic)) {
        topics.set(record.topic, topics.size)
        size += 4 + Buffer.byteLength(record.topic)
      }
      size += RECORD_BYTES + (record.key?.length ?? 0) + (record.value?.length ?? 0)
      for (const [name, value] of record.headers) size += 8 + Buffer.byteLength(name) + (value?.length ?? 0)
    }
  }
  return size
}
