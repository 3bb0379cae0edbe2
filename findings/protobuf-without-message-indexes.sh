#!/usr/bin/env bash
# @kafkajs/confluent-schema-registry 3.9.0 and @platformatic/kafka 2.12.1 (npm), each with Protobuf of a schema registry, beside
# @confluentinc/schemaregistry 1.10.1. The registry is answered here: schema 7 has the messages Order and Refund.
#
# Guess: all three write what Confluent's documentation describes, the schema's id, then the path of the message in its file ("message
#        indexes"; one byte 0 for the first message), so each reads what the others write.
# Seen:  the two write no indexes, and know none when they read. Confluent's package refuses what they write, as it takes the first tag
#        of the message for a number of indexes; a message of no bytes, whichever it is, is the first of the file to it. The older one
#        skips bytes 0 behind the id: so it reads the first message of a file, but no other, nor one whose fields all have their defaults.
#        The newer one reads none. Its default name of the message is that of the subject, `orders-value`, which no message can have.
# So:    each of the two reads Protobuf in a registry's frame only where one of the two has written it.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >npm.log 2>&1
npm install --no-audit --no-fund --ignore-scripts @kafkajs/confluent-schema-registry@3.9.0 @platformatic/kafka@2.12.1 protobufjs@8.8.1 \
  @confluentinc/schemaregistry@1.10.1 @bufbuild/protobuf@2.17.0 >>npm.log 2>&1 || { cat npm.log; exit 1; }
cat >main.mjs <<'JS'
import { createServer } from 'node:http'
import { create, createFileRegistry, toBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { ProtobufDeserializer, ProtobufSerializer, SchemaRegistryClient, SerdeType } from '@confluentinc/schemaregistry'
import kafkajs from '@kafkajs/confluent-schema-registry'
import { ConfluentSchemaRegistry } from '@platformatic/kafka'
const text = 'syntax = "proto3"; package shop; message Order { string id = 1; } message Refund { string id = 1; }'
const messages = ['Order', 'Refund'].map((name) => ({ name, field: [{ name: 'id', number: 1, type: 9, label: 1, jsonName: 'id' }] }))
const file = create(FileDescriptorProtoSchema, { name: 'shop.proto', package: 'shop', syntax: 'proto3', messageType: messages })
const descriptor = Buffer.from(toBinary(FileDescriptorProtoSchema, file)).toString('base64')
const server = createServer(({ url }, response) => {
  const schema = url.includes('format=serialized') ? descriptor : text
  response.writeHead(url.includes('associations') ? 404 : 200, { 'content-type': 'application/vnd.schemaregistry.v1+json' })
  response.end(JSON.stringify({ subject: 'orders-value', version: 1, id: 7, schemaType: 'PROTOBUF', schema }))
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const host = `http://127.0.0.1:${server.address().port}`

const client = new SchemaRegistryClient({ baseURLs: [host] })
const registry = createFileRegistry(file, () => undefined)
const serializer = new ProtobufSerializer(client, SerdeType.VALUE, { registry, useLatestVersion: true, autoRegisterSchemas: false })
const deserializer = new ProtobufDeserializer(client, SerdeType.VALUE, {})
const older = (messageName) => new kafkajs.SchemaRegistry({ host }, { PROTOBUF: { messageName } })
const newer = (name) => new ConfluentSchemaRegistry({ url: host, ...(name === undefined ? {} : { protobufTypeMapper: () => `shop.${name}` }) })
const fetched = (of) => new Promise((resolve, reject) => of.fetchSchema(7, (error) => (error ? reject(error) : resolve(of))))
const packages = {
  confluentinc: {
    write: (name, value) => serializer.serialize('orders', create(registry.getMessage(`shop.${name}`), value)),
    read: (name, value) => deserializer.deserialize('orders', value),
  },
  kafkajs: { write: (name, value) => older(name).encode(7, value), read: (name, value) => older(name).decode(value) },
  platformatic: {
    write: async (name, value) =>
      (await fetched(newer(name))).getSerializers().value(value, new Map(), { topic: 'orders', metadata: { schemas: { value: 7 } } }),
    read: async (name, value) => (await fetched(newer(name))).getDeserializers().value(value, new Map(), { topic: 'orders' }),
  },
}
const tried = (done) => done.then((read) => `${read.$typeName?.replace('shop.', '') ?? 'value'} ${JSON.stringify(read.id)}`, () => 'refused')
for (const [name, value] of [['Order', { id: 'o1' }], ['Order', {}], ['Refund', { id: 'r1' }], ['Refund', {}]]) {
  for (const [writer, { write }] of Object.entries(packages)) {
    const written = await write(name, value)
    const read = await Promise.all(Object.entries(packages).map(async ([reader, { read }]) => `${reader} ${await tried(read(name, written))}`))
    console.log(`${name} ${JSON.stringify(value)} of ${writer} (${written.subarray(5).toString('hex')}): ${read.join(', ')}`)
  }
}
console.log(`platformatic, no name given: ${await packages.platformatic.write(undefined, {}).catch(({ message }) => message)}`)
process.exit()
JS
timeout 60 node main.mjs | tee seen
cat >expected <<'TXT'
Order {"id":"o1"} of confluentinc (000a026f31): confluentinc Order "o1", kafkajs value "o1", platformatic refused
Order {"id":"o1"} of kafkajs (0a026f31): confluentinc refused, kafkajs value "o1", platformatic value "o1"
Order {"id":"o1"} of platformatic (0a026f31): confluentinc refused, kafkajs value "o1", platformatic value "o1"
Order {} of confluentinc (00): confluentinc Order "", kafkajs refused, platformatic refused
Order {} of kafkajs (): confluentinc Order "", kafkajs value "", platformatic value ""
Order {} of platformatic (): confluentinc Order "", kafkajs value "", platformatic value ""
Refund {"id":"r1"} of confluentinc (02020a027231): confluentinc Refund "r1", kafkajs refused, platformatic refused
Refund {"id":"r1"} of kafkajs (0a027231): confluentinc refused, kafkajs value "r1", platformatic value "r1"
Refund {"id":"r1"} of platformatic (0a027231): confluentinc refused, kafkajs value "r1", platformatic value "r1"
Refund {} of confluentinc (0202): confluentinc Refund "", kafkajs refused, platformatic refused
Refund {} of kafkajs (): confluentinc Order "", kafkajs value "", platformatic value ""
Refund {} of platformatic (): confluentinc Order "", kafkajs value "", platformatic value ""
platformatic, no name given: no such type: orders-value
TXT
diff expected seen || { echo 'CHANGED: one of the packages behaves differently now'; exit 1; }
echo 'as described: @kafkajs/confluent-schema-registry 3.9.0, @platformatic/kafka 2.12.1, @confluentinc/schemaregistry 1.10.1'
