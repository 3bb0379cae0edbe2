#!/usr/bin/env bash
# @confluentinc/schemaregistry 1.10.1 (npm): its AvroDeserializer on values that a topic may hold, with a registry that is answered
# here (schema 7: a record with one string).
#
# Guess: null is given as null, as a tombstone; whatever has no whole frame (empty, three bytes, another first byte) is refused with
#        the package's SerializationError.
# Seen:  null is refused ("Invalid buffer"); an empty value is given as null. Three bytes are a bare RangeError of Node's Buffer.
# So:    look for tombstones before the deserializer is called, and tell an empty value apart there too. Its errors have no common kind.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >npm.log 2>&1
npm install --no-audit --no-fund --ignore-scripts @confluentinc/schemaregistry@1.10.1 >>npm.log 2>&1 || { cat npm.log; exit 1; }
cat >main.mjs <<'JS'
import { createServer } from 'node:http'
import { AvroDeserializer, SchemaRegistryClient, SerdeType } from '@confluentinc/schemaregistry'
const schema = JSON.stringify({ type: 'record', name: 'Order', fields: [{ name: 'id', type: 'string' }] })
const registry = createServer((request, response) => {
  const isKnown = request.url.startsWith('/schemas/ids/7')
  response.writeHead(isKnown ? 200 : 404, { 'content-type': 'application/vnd.schemaregistry.v1+json' })
  response.end(JSON.stringify(isKnown ? { schema } : { error_code: 404, message: 'HTTP 404 Not Found' }))
})
await new Promise((resolve) => registry.listen(0, '127.0.0.1', resolve))
const client = new SchemaRegistryClient({ baseURLs: [`http://127.0.0.1:${registry.address().port}`] })
const deserializer = new AvroDeserializer(client, SerdeType.VALUE, {})
const framed = Buffer.from([0, 0, 0, 0, 7, 4, 0x6f, 0x31])
const values = { framed, null: null, empty: Buffer.alloc(0), 'three bytes': framed.subarray(0, 3), 'another first byte': Buffer.from('{}') }
for (const [name, value] of Object.entries(values)) {
  const seen = await deserializer.deserialize('orders', value).then(
    (read) => JSON.stringify(read),
    (error) => `${error.constructor.name}: ${error.message.replace(/\s*\{.*$/, '')}`,
  )
  console.log(`${name}: ${seen}`)
}
process.exit()
JS
cat >expected <<'TXT'
framed: {"id":"o1"}
null: Error: Invalid buffer
empty: null
three bytes: RangeError: Attempt to access memory outside buffer bounds
another first byte: SerializationError: Unknown magic byte
TXT
timeout 60 node main.mjs | tee seen
diff expected seen || { echo 'CHANGED: @confluentinc/schemaregistry behaves differently now'; exit 1; }
echo 'as described: @confluentinc/schemaregistry 1.10.1'
