/**
 * The id that a record had when it first came, over replays: a header says it, and is believed only on the record that it was written for.
 * Handlers pass headers on with what they publish, so an id alone would name other records, too.
 */
import { crc32c } from './crc32c.ts'
import type { KafkaRecord, OutgoingRecord, RecordHeader } from './record.ts'

/** `orders/2/44 1a2b3c4d`: the first id, and the CRC-32C of topic, key and value of the record that has this header. */
export const FIRST_ID_HEADER = 'pyrallel-record-id'

/** A topic's name, a partition, an offset, a check sum; nothing longer is looked at. */
const LONGEST = 249 + 1 + 10 + 1 + 16 + 1 + 8
const FORMAT = /^([a-zA-Z0-9._-]{1,249}\/\d{1,10}\/\d{1,16}) ([0-9a-f]{8})$/

type Content = Pick<OutgoingRecord, 'topic' | 'key' | 'value'>

export function firstIdHeader(firstId: string, target: Content): RecordHeader {
  return [FIRST_ID_HEADER, Buffer.from(`${firstId} ${checkSum(target)}`)]
}

/** Whether it looks like one, whatever record it is of. */
export function isFirstId(bytes: Buffer): boolean {
  return bytes.length <= LONGEST && FORMAT.test(bytes.toString('latin1'))
}

/** Undefined where no header says it, or where it is another record's. Costs a look at the names, unless there is such a header. */
export function firstIdOf(record: Content & Pick<KafkaRecord, 'headers'>): string | undefined {
  const bytes = lastOf(record.headers)
  if (bytes === undefined || bytes === null || bytes.length > LONGEST) return undefined
  const [, firstId, sum] = FORMAT.exec(bytes.toString('latin1')) ?? []
  return firstId !== undefined && sum === checkSum(record) ? firstId : undefined
}

function lastOf(headers: readonly RecordHeader[]): Buffer | null | undefined {
  for (let index = headers.length - 1; index >= 0; index--) {
    const header = headers[index]
    if (header !== undefined && header[0] === FIRST_ID_HEADER) return header[1]
  }
  return undefined
}

/** Each part behind its length, so that no two records look the same; -1 says null. Eight hexadecimal digits. */
function checkSum({ topic, key, value }: Content): string {
  const sum = [Buffer.from(topic), key, value].reduce((crc, part) => withPart(crc, part), 0)
  return sum.toString(16).padStart(8, '0')
}

function withPart(crc: number, part: Buffer | null): number {
  const length = Buffer.alloc(4)
  length.writeInt32BE(part?.length ?? -1)
  const sum = crc32c(length, crc)
  return part === null ? sum : crc32c(part, sum)
}
