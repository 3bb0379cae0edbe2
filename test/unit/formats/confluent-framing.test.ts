/** How values name their schema, beside the package of Confluent's: what it writes is read here, and what is written here is read by it. */
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { createMutableRegistry, toBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import {
  AvroDeserializer,
  AvroSerializer,
  HeaderSchemaIdSerializer,
  PrefixSchemaIdSerializer,
  ProtobufDeserializer,
  ProtobufSerializer,
  SchemaRegistryClient,
  SerdeType,
} from '@confluentinc/schemaregistry'
import { avro, type PulledSchema, protobuf } from '../../../framework/api/format.ts'
import { FormatDecoder } from '../../../framework/formats/format-decoder.ts'
import { encodeFormat, encodeKey } from '../../../framework/formats/format-encoder.ts'
import { readProtoSchema } from '../../../framework/formats/protobuf/proto-schema.ts'
import { loadProtobuf } from '../../../framework/formats/protobuf/protobuf-library.ts'
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

const protoText = `syntax = "proto3"; package shop;
message First { int64 id = 1; }
message Orders { message Line {} message Order { int64 id = 1; } }`

const messages: PulledSchema<{ readonly id: bigint }> = {
  kind: 'pyrallel.schema',
  format: 'protobuf',
  subject: 'orders-value',
  id: 7,
  guid,
  fingerprint: 'f00d',
  text: protoText,
  message: 'shop.Orders.Order',
}

const framings = [
  ['id', PrefixSchemaIdSerializer],
  ['header', HeaderSchemaIdSerializer],
] as const

const headersOf = (headers: Readonly<Record<string, Buffer>>) =>
  Object.entries(headers).map(([name, value]): RecordHeader => [name, value])

/** As registries give it to that package. */
const descriptor = () =>
  Buffer.from(toBinary(FileDescriptorProtoSchema, readProtoSchema(protoText, []).proto)).toString('base64')

async function client(schema = text, schemaType = 'AVRO') {
  const whole = { subject: 'orders-value', version: 1, id: 7, guid, schema, schemaType }
  const { url } = await serve(() => ({ json: whole }))
  return SchemaRegistryClient.newClient({ baseURLs: [url] })
}

describe("values beside Confluent's package", { timeout: 60_000 }, () => {
  before(() => loadProtobuf())

  for (const [framing, schemaIdSerializer] of framings) {
    it(`are read as it has written them, and written as it writes them: ${framing}`, async () => {
      const headers: Record<string, Buffer> = {}
      const config = { useLatestVersion: true, schemaIdSerializer }
      const bytes = await new AvroSerializer(await client(), SerdeType.VALUE, config).serialize(
        'orders',
        { id: 21 },
        headers,
      )
      const theirs = headersOf(headers)
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

  for (const framing of ['id', 'guid', 'header'] as const) {
    it(`may be keys, which it reads: ${framing}`, async () => {
      const { key, headers } = encodeKey(avro({ ...pulled, subject: 'orders-key' }, { framing }), 'orders', { id: 21 })
      const deserializer = new AvroDeserializer(await client(), SerdeType.KEY, {})
      const named = Object.fromEntries(headers) as Record<string, Buffer>
      const { id } = await deserializer.deserialize('orders', key ?? Buffer.alloc(0), named)
      assert.equal(id, 21)
    })
  }

  for (const [framing, schemaIdSerializer] of framings) {
    it(`may be keys, as both write them: ${framing}`, async () => {
      const headers: Record<string, Buffer> = {}
      const config = { useLatestVersion: true, schemaIdSerializer }
      const bytes = await new AvroSerializer(await client(), SerdeType.KEY, config).serialize(
        'orders',
        { id: 21 },
        headers,
      )
      const theirs = headersOf(headers)
      const find = () => ({ kind: 'found', schema: { format: 'avro', text, references: [] } }) as const
      const decoder = FormatDecoder.of(avro(pulled), 'bill', { find }, undefined, 'key')
      assert.deepEqual(decoder.decode(bytes, theirs), { id: 21 })
      const ours = encodeKey(avro({ ...pulled, subject: 'orders-key' }, { framing }), 'orders', { id: 21 })
      assert.deepEqual([ours.key, ours.headers], [bytes, theirs])
    })
  }

  for (const part of ['value', 'key'] as const) {
    const type = part === 'value' ? SerdeType.VALUE : SerdeType.KEY
    const written = (framing: 'id' | 'guid' | 'header', schema: PulledSchema<{ readonly id: bigint }> = messages) => {
      const order = { id: 2n ** 60n }
      if (part === 'value') return encodeFormat(protobuf(schema, { framing }), 'orders', order)
      const { key, headers } = encodeKey(protobuf(schema, { framing }), 'orders', order)
      return { value: key, headers }
    }

    for (const [framing, schemaIdSerializer] of framings) {
      it(`may be messages of Protobuf, as both write them: ${part}, ${framing}`, async () => {
        const registry = createMutableRegistry(readProtoSchema(protoText, []))
        const config = { useLatestVersion: true, schemaIdSerializer, registry }
        const serializer = new ProtobufSerializer(await client(descriptor(), 'PROTOBUF'), type, config)
        for (const name of ['shop.Orders.Order', 'shop.First']) {
          const headers: Record<string, Buffer> = {}
          const bytes = await serializer.serialize('orders', { $typeName: name, id: 2n ** 60n }, headers)
          const theirs = headersOf(headers)
          const schema = { ...messages, message: name }
          const { value, headers: own } = written(framing, schema)
          assert.deepEqual([value, own], [bytes, theirs])
          const find = () =>
            ({ kind: 'found', schema: { format: 'protobuf', text: protoText, references: [] } }) as const
          const decoded = FormatDecoder.of(protobuf(schema), 'bill', { find }, undefined, part).decode(bytes, theirs)
          assert.deepEqual(decoded, { $typeName: name, id: 2n ** 60n })
        }
      })
    }

    for (const framing of ['id', 'guid', 'header'] as const) {
      it(`may be messages of Protobuf, which it reads: ${part}, ${framing}`, async () => {
        const { value, headers } = written(framing)
        const deserializer = new ProtobufDeserializer(await client(descriptor(), 'PROTOBUF'), type, {})
        const named = Object.fromEntries(headers) as Record<string, Buffer>
        const { id } = await deserializer.deserialize('orders', value ?? Buffer.alloc(0), named)
        assert.equal(id, 2n ** 60n)
      })
    }
  }
})
