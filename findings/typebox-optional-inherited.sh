#!/usr/bin/env bash
# typebox 1.4.3 (npm), an optional property whose name every object inherits, as `toString`, `valueOf` or `isPrototypeOf`.
#
# Guess: "optional" asks for own properties, as JSON Schema does: `{}` has no property `valueOf`, so it is valid.
# Seen:  the property counts as present, with the inherited function as its value, so `{}` is refused, by Compile() and by
#        Value.Check() alike. `constructor` is an exception: it is looked for among own properties.
# So:    such a property is checked by a schema that lets the inherited function pass (framework/validation/exact-schema.ts).
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >npm.log 2>&1
npm install --no-audit --no-fund --ignore-scripts typebox@1.4.3 >>npm.log 2>&1 || { cat npm.log; exit 1; }
cat >main.mjs <<'JS'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { Value } from 'typebox/value'
for (const name of ['amount', 'valueOf', 'toString', 'isPrototypeOf', 'constructor']) {
  const schema = Type.Object({ [name]: Type.Optional(Type.Number()) })
  console.log(`${name}: {} is valid: ${Compile(schema).Check({})}, ${Value.Check(schema, {})}`)
}
JS
cat >expected <<'TXT'
amount: {} is valid: true, true
valueOf: {} is valid: false, false
toString: {} is valid: false, false
isPrototypeOf: {} is valid: false, false
constructor: {} is valid: true, true
TXT
node main.mjs | tee seen
diff expected seen || { echo 'CHANGED: typebox behaves differently now'; exit 1; }
echo 'as described: typebox 1.4.3'
