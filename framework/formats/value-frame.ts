/** Finds in a value, or in its headers, which schema of a registry it was written with. Reads no schema. */
import type { Format } from '../api/format.ts'
import type { OutgoingRecord, RecordHeader } from '../model/record.ts'
import { KEY_SCHEMA_ID, registryFraming, VALUE_SCHEMA_ID } from '../validation/registry-framing.ts'

/** What of a record is in a format: each names its schema for itself. */
export type FormattedPart = 'value' | 'key'

/** Where it is named beside the part. */
const schemaHeaders = { value: VALUE_SCHEMA_ID, key: KEY_SCHEMA_ID } as const

export function namesSchemaOf(part: FormattedPart, [name]: RecordHeader): boolean {
  return name === schemaHeaders[part]
}

/** A schema by one of its two names. */
export type SchemaRef = { readonly id: number } | { readonly guid: string }

export interface ValueFrame {
  readonly ref: SchemaRef
  /** Where the value itself begins in the bytes. */
  readonly from: number
  /** What stands behind the name, where a header has it. */
  readonly beside?: Buffer
}

const ID_FRAME = 5
const GUID_FRAME = 17
/** Registries give ids from 1 on, as signed numbers. */
const MAX_ID = 2 ** 31 - 1

/**
 * Layouts of Confluent's serializers: byte 0 and 4 bytes of id; byte 1 and 16 bytes of GUID; or the same in the header `__value_schema_id` (of a key
 * `__key_schema_id`), whose last value counts, with nothing in front of the value.
 * @returns a text where there is neither: why, in words that go on after "the value", or "the key"
 */
export function valueFrame(
  bytes: Buffer,
  headers: readonly RecordHeader[],
  part: FormattedPart = 'value',
): ValueFrame | string {
  const headerName = schemaHeaders[part]
  const header = headers.findLast(([name, value]) => name === headerName && value !== null)?.[1]
  if (header !== undefined && header !== null) {
    const named = refIn(header)
    return named === undefined
      ? `has a header ${headerName} that names no schema`
      : { ref: named.ref, from: 0, beside: header.subarray(named.from) }
  }
  return refIn(bytes) ?? `names no schema: ${whyNot(bytes)}`
}

/** As one text: what is kept of it is kept by this. */
export function refText(ref: SchemaRef): string {
  return 'id' in ref ? `id ${ref.id}` : `GUID ${ref.guid}`
}

/** How a value names its schema as it is written. */
export interface WrittenFrame {
  /** In front of the value. */
  readonly bytes: Buffer
  /** Beside it. */
  readonly header: RecordHeader | undefined
}

/**
 * Of what is published in a format.
 * @param behind what stands behind the name: the indexes of a message. Without them, it is what every record of that format begins with
 */
export function writtenFrame(
  { schema, framing = 'id' }: Pick<Format<unknown>, 'schema' | 'framing'>,
  part: FormattedPart = 'value',
  behind: Buffer = Buffer.alloc(0),
): WrittenFrame {
  if (framing === 'id') return { bytes: Buffer.concat([idFrame(schema.id), behind]), header: undefined }
  const guid = Buffer.concat([guidFrame(schema.guid ?? ''), behind])
  return framing === 'guid'
    ? { bytes: guid, header: undefined }
    : { bytes: Buffer.alloc(0), header: [schemaHeaders[part], guid] }
}

/** The 5 bytes that stand in front of a value. */
export function idFrame(id: number): Buffer {
  const frame = Buffer.alloc(ID_FRAME)
  frame.writeUInt32BE(id, 1)
  return frame
}

/** The same in 17 bytes, for a GUID of the form that registries write. */
function guidFrame(guid: string): Buffer {
  const bytes = Buffer.from(guid.replaceAll('-', ''), 'hex')
  if (bytes.length !== GUID_FRAME - 1) throw new Error(`${JSON.stringify(guid)} is no GUID`)
  return Buffer.concat([Buffer.of(1), bytes])
}

/** Whether a value or a key, with the record's headers, names the schema as that format writes it. */
export function isFramed(
  record: Pick<OutgoingRecord, 'headers'> & Partial<Pick<OutgoingRecord, FormattedPart>>,
  { bytes, header }: WrittenFrame,
  part: FormattedPart = 'value',
): boolean {
  const value = record[part] ?? null
  if (value === null) return true
  const named = record.headers.findLast((each) => namesSchemaOf(part, each))?.[1] ?? undefined
  // Headers from a thread are bytes of another class.
  if (header === undefined) return named === undefined && value.subarray(0, bytes.length).equals(bytes)
  const name = header[1]
  return name !== null && named !== undefined && Buffer.compare(named.subarray(0, name.length), name) === 0
}

function refIn(bytes: Buffer): ValueFrame | undefined {
  if (bytes[0] === 0 && bytes.length >= ID_FRAME) {
    const id = bytes.readUInt32BE(1)
    return id > 0 && id <= MAX_ID ? { ref: { id }, from: ID_FRAME } : undefined
  }
  if (bytes[0] !== 1 || bytes.length < GUID_FRAME) return undefined
  const digits = bytes.toString('hex', 1, GUID_FRAME)
  const guid = [8, 12, 16, 20].reduceRight((text, at) => `${text.slice(0, at)}-${text.slice(at)}`, digits)
  return { ref: { guid }, from: GUID_FRAME }
}

function whyNot(bytes: Buffer): string {
  const framing = registryFraming(bytes)
  if (framing === undefined) return 'neither byte 0 with an id nor byte 1 with a GUID stands in front of it'
  const next = framing.includes('Apicurio')
    ? 'let its producer write ids of 4 bytes (apicurio.registry.id-handler, the default from version 3 on)'
    : 'only registries that speak the interface of Confluent are asked'
  return `it begins with the ${framing}; ${next}`
}
