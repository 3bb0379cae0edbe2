#!/usr/bin/env bash
# @asyncapi/parser 3.6.6 (npm): a Kafka message binding whose key is described by an Avro schema, in an AsyncAPI 3.0.0 document. The
# binding's specification describes such keys ("AVRO Schema Object") since 0.3.0.
#
# Guess: accepted with each version of the binding.
# Seen:  accepted with bindingVersion 0.4.0. With 0.5.0, and without a version (which means the latest), it is checked as a JSON Schema
#        and refused for its type.
# So:    a document with Avro keys names version 0.4.0 of the binding.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >npm.log 2>&1
npm install --no-audit --no-fund --ignore-scripts @asyncapi/parser@3.6.6 >>npm.log 2>&1 || { cat npm.log; exit 1; }
cat >main.mjs <<'JS'
import { Parser } from '@asyncapi/parser'
const parser = new Parser()
const avro = { type: 'record', name: 'OrderKey', fields: [{ name: 'id', type: 'string' }] }
for (const [name, key] of [['JSON Schema', { type: 'string' }], ['Avro record', avro], ['Avro "bytes"', { type: 'bytes' }]]) {
  for (const version of ['0.4.0', '0.5.0', undefined]) {
    const kafka = version === undefined ? { key } : { key, bindingVersion: version }
    const messages = { order: { payload: { type: 'object' }, bindings: { kafka } } }
    const document = { asyncapi: '3.0.0', info: { title: 'orders', version: '1.0.0' }, channels: { orders: { address: 'orders', messages } } }
    const { diagnostics } = await parser.parse(JSON.stringify(document))
    const wrong = diagnostics.filter(({ severity }) => severity === 0).map(({ path }) => path.slice(-3).join('.'))
    console.log(`${name}, binding ${version ?? 'without a version'}: ${wrong.length === 0 ? 'accepted' : `refused at ${wrong.at(-1)}`}`)
  }
}
JS
cat >expected <<'TXT'
JSON Schema, binding 0.4.0: accepted
JSON Schema, binding 0.5.0: accepted
JSON Schema, binding without a version: accepted
Avro record, binding 0.4.0: accepted
Avro record, binding 0.5.0: refused at kafka.key.type
Avro record, binding without a version: refused at kafka.key.type
Avro "bytes", binding 0.4.0: accepted
Avro "bytes", binding 0.5.0: refused at kafka.key.type
Avro "bytes", binding without a version: refused at kafka.key.type
TXT
timeout 120 node main.mjs | tee seen
diff expected seen || { echo 'CHANGED: @asyncapi/parser behaves differently now'; exit 1; }
echo 'as described: @asyncapi/parser 3.6.6'
