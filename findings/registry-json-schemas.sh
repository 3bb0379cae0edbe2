#!/usr/bin/env bash
# Three packages (npm) that check values against the JSON Schema of a schema registry: @confluentinc/schemaregistry 1.10.1 with its
# option `validate`, @kafkajs/confluent-schema-registry 3.9.0, @platformatic/kafka 2.12.1. The registry is answered here.
#
# Guess: each takes drafts 4 to 2020-12; what a reader may pass over is passed over: formats that it does not know, and keywords of
#        others, as Kafka Connect writes them into its schemas; and a reference is found by the name that the registry has for it.
# Seen:  none of them takes a schema with any `format`, or a keyword of others: the schema is refused, and every value with it. Draft 4
#        is known to the last only, 2019-09 to the first only; the second knows draft 7 alone. References are found by name in the first,
#        by `$id` in the second, and not in the third.
# So:    only a schema of draft 7 without formats and references is read by all three. The first takes options of Ajv beside its own
#        (`strict: false`), the second and third in `ajvInstance` or `jsonAjvOptions`.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >npm.log 2>&1
npm install --no-audit --no-fund --ignore-scripts @confluentinc/schemaregistry@1.10.1 @kafkajs/confluent-schema-registry@3.9.0 \
  @platformatic/kafka@2.12.1 >>npm.log 2>&1 || { cat npm.log; exit 1; }
cat >main.mjs <<'JS'
import { createServer } from 'node:http'
import { JsonDeserializer, SchemaRegistryClient, SerdeType } from '@confluentinc/schemaregistry'
import kafkajs from '@kafkajs/confluent-schema-registry'
import { ConfluentSchemaRegistry } from '@platformatic/kafka'
const object = (id, $schema) => ({ schema: { $schema, type: 'object', properties: { id } } })
const referring = (name, $id) => ({ ...object({ $ref: name }), references: [{ name, subject: 'id', version: 1 }], referred: { $id, type: 'string' } })
const cases = {
  'no $schema': object({ type: 'string' }),
  'draft 4': object({ type: 'string' }, 'http://json-schema.org/draft-04/schema#'),
  'draft 6': object({ type: 'string' }, 'http://json-schema.org/draft-06/schema#'),
  'draft 7': object({ type: 'string' }, 'http://json-schema.org/draft-07/schema#'),
  'draft 2019-09': object({ type: 'string' }, 'https://json-schema.org/draft/2019-09/schema'),
  'draft 2020-12': object({ type: 'string' }, 'https://json-schema.org/draft/2020-12/schema'),
  'format uuid': object({ type: 'string', format: 'uuid' }),
  'keyword of Kafka Connect': object({ type: 'string', 'connect.index': 0 }),
  'reference by name': referring('id.json'),
  'reference by $id': referring('http://shop/id', 'http://shop/id'),
}
let current
const server = createServer(({ url }, response) => {
  const { schema, references, referred } = current
  const found = url.startsWith('/subjects/id/') ? { schema: JSON.stringify(referred) } : { schema: JSON.stringify(schema), references }
  response.writeHead(url.includes('associations') ? 404 : 200, { 'content-type': 'application/vnd.schemaregistry.v1+json' })
  response.end(JSON.stringify({ subject: 'orders-value', version: 1, id: 7, schemaType: 'JSON', ...found }))
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const host = `http://127.0.0.1:${server.address().port}`
const readers = {
  confluentinc: (value) =>
    new JsonDeserializer(new SchemaRegistryClient({ baseURLs: [host] }), SerdeType.VALUE, { validate: true }).deserialize('orders', value),
  kafkajs: (value) => new kafkajs.SchemaRegistry({ host }).decode(value),
  platformatic: async (value) => {
    const registry = new ConfluentSchemaRegistry({ url: host, retries: 0 })
    await new Promise((resolve, reject) => registry.fetchSchema(7, (error) => (error ? reject(error) : resolve())))
    return registry.getDeserializers().value(value, new Map(), { topic: 'orders' })
  },
}
const value = Buffer.concat([Buffer.of(0, 0, 0, 0, 7), Buffer.from('{"id":"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"}')])
for (const [name, each] of Object.entries(cases)) {
  current = each
  const seen = []
  for (const [reader, read] of Object.entries(readers)) seen.push(`${reader} ${await read(value).then(() => 'read', () => 'refused')}`)
  console.log(`${name}: ${seen.join(', ')}`)
}
process.exit()
JS
cat >expected <<'TXT'
no $schema: confluentinc read, kafkajs read, platformatic read
draft 4: confluentinc refused, kafkajs refused, platformatic read
draft 6: confluentinc read, kafkajs refused, platformatic read
draft 7: confluentinc read, kafkajs read, platformatic read
draft 2019-09: confluentinc read, kafkajs refused, platformatic refused
draft 2020-12: confluentinc read, kafkajs refused, platformatic read
format uuid: confluentinc refused, kafkajs refused, platformatic refused
keyword of Kafka Connect: confluentinc refused, kafkajs refused, platformatic refused
reference by name: confluentinc read, kafkajs refused, platformatic refused
reference by $id: confluentinc read, kafkajs read, platformatic refused
TXT
timeout 60 node main.mjs | tee seen
diff expected seen || { echo 'CHANGED: one of the packages behaves differently now'; exit 1; }
echo 'as described: @confluentinc/schemaregistry 1.10.1, @kafkajs/confluent-schema-registry 3.9.0, @platformatic/kafka 2.12.1'
