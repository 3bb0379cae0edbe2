/** How values name their schema, beside the package of Confluent's: what it writes is read here, and what is written here is read by it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  AvroDeserializer,
  AvroSerializer,
  HeaderSchemaIdSerializer,
  PrefixSchemaIdSerializer,
  SchemaRegistryClient,
  SerdeType,
} from '@confluentinc/schemaregistry'
import { avro, type PulledSchema } from '../../../framework/api/format.ts'
import { FormatDecoder } from '../../../framework/formats/format-decoder.ts'
import { encodeFormat } from '../../../framework/formats/format-encoder.ts'
import type { RecordHeader } from '../../../framework/model/record.ts'
import { serve } from '../registry/registry-server.ts'

const guid = '89791762-2336-4186-9674-299b90a802e2'
const text = '{"type":"record","name":"Order","fields":[{"name":"id","type":"int"}]}'
const pulled: PulledSchema<{ readonly id: number }> = {
  kind: 'pyrallel.schema',
  format: 'avro',
  subject: 'orders-value',
  id: 7,
  guid,
  fingerprint: 'f00d',
  text,
}

async function client() {
  const whole = { subject: 'orders-value', version: 1, id: 7, guid, schema: text, schemaType: 'AVRO' }
  const { url } = await serve(() => ({ json: whole }))
  return SchemaRegistryClient.newClient({ baseURLs: [url] })
}

describe("values beside Confluent's package", { timeout: 60_000 }, () => {
  for (const [framing, schemaIdSerializer] of [
    ['id', PrefixSchemaIdSerializer],
    ['header', HeaderSchemaIdSerializer],
  ] as const) {
    it(`are read as it has written them, and written as it writes them: ${framing}`, async () => {
      const headers: Record<string, Buffer> = {}
      const config = { useLatestVersion: true, schemaIdSerializer }
      const bytes = await new AvroSerializer(await client(), SerdeType.VALUE, config).serialize(
        'orders',
        { id: 21 },
        headers,
      )
      const theirs = Object.entries(headers).map(([name, value]): RecordHeader => [name, value])
      const find = () => ({ kind: 'found', schema: { format: 'avro', text, references: [] } }) as const
      const decoder = FormatDecoder.of(avro(pulled), 'bill', { find })
      assert.deepEqual(decoder.decode(bytes, theirs), { id: 21 })
      const ours = encodeFormat(avro(pulled, { framing }), 'orders', { id: 21 })
      assert.deepEqual([ours.value, ours.headers], [bytes, theirs])
    })
  }

  for (const framing of ['id', 'guid', 'header'] as const) {
    it(`are read by it as they are written here: ${framing}`, async () => {
      const { value, headers } = encodeFormat(avro(pulled, { framing }), 'orders', { id: 21 })
      const named = Object.fromEntries(headers) as Record<string, Buffer>
      const deserializer = new AvroDeserializer(await client(), SerdeType.VALUE, {})
      const { id } = await deserializer.deserialize('orders', value ?? Buffer.alloc(0), named)
      assert.equal(id, 21)
    })
  }
})
