#!/usr/bin/env bash
# avsc 5.7.9 (npm): a `long` with a logical type, where the caller has put a long type of his own (with bigint) into `registry`.
#
# Guess: `registry: { long }` stands for every `long` of a schema, as a field of it shows: its values are bigint.
# Seen:  a plain `long` is bigint. One with `logicalType` (timestamp-micros, say), known to the caller or not, is a number, and a value beyond 2^53 ends
#        with "potential precision loss". The same holds for a `long` that is written as an object, {"type":"long"}.
# So:    microseconds and nanoseconds, the numbers that need bigint most, need a `typeHook` beside the registry.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >npm.log 2>&1
npm install --no-audit --no-fund --ignore-scripts avsc@5.7.9 >>npm.log 2>&1 || { cat npm.log; exit 1; }
cat >main.cjs <<'JS'
const avro = require('avsc')
const long = avro.types.LongType.__with({
  fromBuffer: (bytes) => bytes.readBigInt64LE(),
  toBuffer: (value) => { const bytes = Buffer.alloc(8); bytes.writeBigInt64LE(value); return bytes },
  fromJSON: BigInt, toJSON: Number, isValid: (value) => typeof value === 'bigint', compare: (a, b) => (a < b ? -1 : a > b ? 1 : 0),
})
const bytes = long.toBuffer(1234567890123456789n)
const attempt = (act) => { try { return act() } catch (error) { return `refused: ${error.message}` } }
const spellings = { 'its name alone': 'long', 'an object around it': { type: 'long' }, 'a logical type': { type: 'long', logicalType: 'timestamp-nanos' } }
for (const [spelling, type] of Object.entries(spellings)) {
  const field = avro.Type.forSchema({ type: 'record', name: 'R', fields: [{ name: 'at', type }] }, { registry: { long } })
  const small = field.fromBuffer(long.toBuffer(1n)).at
  console.log(`long with ${spelling}: 1 is a ${typeof small}; 1234567890123456789 is ${attempt(() => field.fromBuffer(bytes).at)}`)
}
JS
cat >expected <<'TXT'
long with its name alone: 1 is a bigint; 1234567890123456789 is 1234567890123456789
long with an object around it: 1 is a number; 1234567890123456789 is refused: potential precision loss
long with a logical type: 1 is a number; 1234567890123456789 is refused: potential precision loss
TXT
timeout 60 node main.cjs | tee seen
diff expected seen || { echo 'CHANGED: avsc behaves differently now'; exit 1; }
echo 'as described: avsc 5.7.9'
