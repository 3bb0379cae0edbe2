/** One value in three formats, of the same size each, for benchmarks. */
import { avro, jsonSchema, type PulledSchema } from '../../framework/api/format.ts'
import { type TopicDefinition, topic } from '../../framework/api/topic.ts'
import { encodeFormat } from '../../framework/formats/format-encoder.ts'

export interface BenchOrder {
  readonly id: number
  readonly customer: string
  readonly total: number
  readonly note: string
}

/** Bytes of a value, with what names its schema. */
export const VALUE_BYTES = 200

const pulled = (format: 'avro' | 'json-schema', text: object): PulledSchema<BenchOrder> => ({
  kind: 'pyrallel.schema',
  format,
  subject: 'orders-value',
  id: 7,
  guid: null,
  fingerprint: 'f00d',
  text: JSON.stringify(text),
})

const inAvro = pulled('avro', {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'int' },
    { name: 'customer', type: 'string' },
    { name: 'total', type: 'double' },
    { name: 'note', type: 'string' },
  ],
})
const inJsonSchema = pulled('json-schema', {
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  required: ['id', 'customer', 'total', 'note'],
  properties: {
    id: { type: 'integer' },
    customer: { type: 'string' },
    total: { type: 'number' },
    note: { type: 'string' },
  },
})

export const jsonOrders: TopicDefinition<BenchOrder> = topic<BenchOrder>('orders-json')
export const avroOrders: TopicDefinition<BenchOrder> = topic('orders-avro', { format: avro(inAvro) })
export const jsonSchemaOrders: TopicDefinition<BenchOrder> = topic('orders-json-schema', {
  format: jsonSchema(inJsonSchema),
})

/** The bytes of a value of that topic, filled up to their size. Wait for `loadCodec` first. */
export function orderBytes({ name, format }: TopicDefinition<BenchOrder>, id: number): Buffer {
  const written = (note: string): Buffer => {
    const order: BenchOrder = { id, customer: `c${id % 100}`, total: 12.5, note }
    if (format === undefined) return Buffer.from(JSON.stringify(order))
    return encodeFormat(format, name, order).value ?? Buffer.alloc(0)
  }
  let note = ''
  // The length of a text takes a byte more in Avro from 64 on.
  for (let short = VALUE_BYTES - written(note).length; short > 0; short = VALUE_BYTES - written(note).length) {
    note += 'x'.repeat(short > 2 ? short - 1 : short)
  }
  return written(note)
}
