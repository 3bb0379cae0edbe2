#!/usr/bin/env bash
# @confluentinc/schemaregistry 1.10.1 (npm): data quality rules in CEL, which it has by @bufbuild/cel 0.3.0, on records in Avro, which it
# reads by avsc 5.7.9. The registry is answered here: schema 7 is a record of a text and an int, with one condition of mode WRITEREAD ("during
# both write and read", as the reference of Confluent's client for .NET has it).
#
# Guess: a condition is judged alike in writing and reading, in Avro and in JSON Schema, and one that cannot be evaluated is the
#        package's SerializationError.
# Seen:  in Avro no condition fails in reading. avsc gives a record as an instance of a class of its own; @bufbuild/cel takes plain
#        objects, and returns an error for others; a returned error is no `false`, and so the record fits. In the same way no condition
#        fails that multiplies a field by a whole number, in writing or reading: a number of JavaScript is a double to CEL, of whatever
#        type the field is, and CEL does not multiply a double by an int.
# So:    check again in the handler what Avro records must fulfil; write the numbers of an expression as doubles (`* 2.0`).
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >npm.log 2>&1
npm install --no-audit --no-fund --ignore-scripts @confluentinc/schemaregistry@1.10.1 @bufbuild/cel@0.3.0 avsc@5.7.9 >>npm.log 2>&1 ||
  { cat npm.log; exit 1; }
cat >main.mjs <<'JS'
import { createServer } from 'node:http'
import { celEnv, parse, plan } from '@bufbuild/cel'
import * as registries from '@confluentinc/schemaregistry'
import avro from 'avsc'
const { AvroDeserializer, AvroSerializer, CelExecutor, JsonDeserializer, JsonSerializer, SchemaRegistryClient, SerdeType } = registries
CelExecutor.register()
const record = { type: 'record', name: 'Order', fields: [{ name: 'id', type: 'string' }, { name: 'count', type: 'int' }] }
const object = { type: 'object', properties: { id: { type: 'string' }, count: { type: 'integer' } } }
let answer
const server = createServer(({ url }, response) => {
  response.writeHead(url.includes('associations') ? 404 : 200, { 'content-type': 'application/vnd.schemaregistry.v1+json' })
  response.end(JSON.stringify({ subject: 'orders-value', version: 1, id: 7, ...answer }))
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const baseURLs = [`http://127.0.0.1:${server.address().port}`]
const order = { id: 'o1', count: 60 }
const frame = (bytes) => Buffer.concat([Buffer.of(0, 0, 0, 0, 7), bytes])
const framed = { AVRO: frame(avro.Type.forSchema(record).toBuffer(order)), JSON: frame(Buffer.from(JSON.stringify(order))) }
const serdes = { AVRO: [record, AvroSerializer, AvroDeserializer], JSON: [object, JsonSerializer, JsonDeserializer] }
const tried = (done) => done.then(() => 'fits', ({ message }) => `refused, ${message}`)
for (const expr of ['message.count < 50', 'message.count * 2 < 100', 'message.count * 2.0 < 100.0']) {
  for (const [schemaType, [schema, Serializer, Deserializer]] of Object.entries(serdes)) {
    answer = { schemaType, schema: JSON.stringify(schema), ruleSet: { domainRules: [{ name: 'few', kind: 'CONDITION', mode: 'WRITEREAD', type: 'CEL', expr }] } }
    const client = new SchemaRegistryClient({ baseURLs })
    const serializer = new Serializer(client, SerdeType.VALUE, { useLatestVersion: true, autoRegisterSchemas: false })
    console.log(`${expr}, ${schemaType} written: ${await tried(serializer.serialize('orders', order))}`)
    console.log(`${expr}, ${schemaType} read: ${await tried(new Deserializer(client, SerdeType.VALUE, {}).deserialize('orders', framed[schemaType]))}`)
  }
}
const type = avro.Type.forSchema(record)
const read = type.fromBuffer(type.toBuffer(order))
for (const [name, message] of [['as avsc reads it', read], ['as a plain object', { ...read }]]) {
  const found = plan(celEnv({}), parse('message.count < 50'))({ message })
  console.log(`@bufbuild/cel, a record ${name}: ${found.message ?? found}`)
}
process.exit()
JS
timeout 60 node main.mjs | tee seen
cat >expected <<'TXT'
message.count < 50, AVRO written: refused, rule few failed: Expr failed: 'message.count < 50'
message.count < 50, AVRO read: fits
message.count < 50, JSON written: refused, rule few failed: Expr failed: 'message.count < 50'
message.count < 50, JSON read: refused, rule few failed: Expr failed: 'message.count < 50'
message.count * 2 < 100, AVRO written: fits
message.count * 2 < 100, AVRO read: fits
message.count * 2 < 100, JSON written: fits
message.count * 2 < 100, JSON read: fits
message.count * 2.0 < 100.0, AVRO written: refused, rule few failed: Expr failed: 'message.count * 2.0 < 100.0'
message.count * 2.0 < 100.0, AVRO read: fits
message.count * 2.0 < 100.0, JSON written: refused, rule few failed: Expr failed: 'message.count * 2.0 < 100.0'
message.count * 2.0 < 100.0, JSON read: refused, rule few failed: Expr failed: 'message.count * 2.0 < 100.0'
@bufbuild/cel, a record as avsc reads it: Unsupported input {"id":"o1","count":60}
@bufbuild/cel, a record as a plain object: false
TXT
diff expected seen || { echo 'CHANGED: @confluentinc/schemaregistry behaves differently now'; exit 1; }
echo 'as described: @confluentinc/schemaregistry 1.10.1 with @bufbuild/cel 0.3.0 and avsc 5.7.9'
