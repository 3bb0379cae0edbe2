#!/usr/bin/env bash
# avsc 5.7.9 (npm): the Avro type `long` with numbers that JavaScript holds exactly.
#
# Guess: every safe integer, -(2^53 - 1) to 2^53 - 1, is written as its zigzag code and read back; what lies outside is refused.
# Seen:  from -(2^52 + 1) down to -(2^53 - 2) the sign is lost without an error, in what is written and in what is read, also where
#        another writer's bytes are right; the odd ones lose their last digit too. Plus and minus (2^53 - 1) are refused.
# So:    longs below -2^52 (identifiers from hashes, say) need avsc's `LongType.__with`, with bigint.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >npm.log 2>&1
npm install --no-audit --no-fund --ignore-scripts avsc@5.7.9 >>npm.log 2>&1 || { cat npm.log; exit 1; }
cat >main.cjs <<'JS'
const avro = require('avsc')
const long = avro.Type.forSchema('long')
/** The code that the Avro specification gives the number: zigzag, then seven bits a byte, the lowest first. */
function zigzag(number) {
  let rest = number < 0 ? -2n * BigInt(number) - 1n : 2n * BigInt(number)
  const bytes = []
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Buffer.from([...bytes, Number(rest)])
}
const attempt = (act) => { try { return act() } catch (error) { return `refused: ${error.message}` } }
for (const number of [2 ** 53 - 1, 2 ** 53 - 2, 2 ** 52 + 1, -(2 ** 52), -(2 ** 52 + 1), -(2 ** 52 + 3), -(2 ** 53 - 2), -(2 ** 53 - 1)]) {
  const written = attempt(() => (long.toBuffer(number).equals(zigzag(number)) ? 'right bytes' : `the bytes of ${long.fromBuffer(long.toBuffer(number))}`))
  console.log(`${number}: written as ${written}; right bytes read as ${attempt(() => long.fromBuffer(zigzag(number)))}`)
}
JS
cat >expected <<'TXT'
9007199254740991: written as refused: invalid "long": 9007199254740991; right bytes read as refused: potential precision loss
9007199254740990: written as right bytes; right bytes read as 9007199254740990
4503599627370497: written as right bytes; right bytes read as 4503599627370497
-4503599627370496: written as right bytes; right bytes read as -4503599627370496
-4503599627370497: written as the bytes of 4503599627370496; right bytes read as 4503599627370496
-4503599627370499: written as the bytes of 4503599627370498; right bytes read as 4503599627370498
-9007199254740990: written as the bytes of 9007199254740990; right bytes read as 9007199254740990
-9007199254740991: written as refused: invalid "long": -9007199254740991; right bytes read as 9007199254740990
TXT
timeout 60 node main.cjs | tee seen
diff expected seen || { echo 'CHANGED: avsc behaves differently now'; exit 1; }
echo 'as described: avsc 5.7.9'
