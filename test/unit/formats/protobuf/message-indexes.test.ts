/** What stands between the name of a schema and a value in Protobuf: Confluent's indexes, and what others write there. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readIndexes } from '../../../../framework/formats/protobuf/message-indexes.ts'
import { readProtoSchema } from '../../../../framework/formats/protobuf/proto-schema.ts'
import { loadProtobuf } from '../../../../framework/formats/protobuf/protobuf-library.ts'

await loadProtobuf()
const inner = 'message First {} message Second { string name = 9; }'
const file = readProtoSchema(
  `syntax = "proto3"; message A {} message B {} message C {} message D {} message E {} message F { ${inner} }`,
  [],
)
const read = (bytes: Uint8Array) => {
  const { message, end } = readIndexes(file, bytes, 0)
  return [message?.typeName, end]
}

describe('the indexes of a message', () => {
  it('are told from the name that Apicurio writes there', () => {
    for (const name of ['Order', 'Orders', '_', 'BBBB', 'a'.repeat(60)]) {
      const value = Buffer.from([name.length + 2, 10, name.length, ...Buffer.from(name), 8, 1])
      assert.throws(() => read(value), /the name of its message stands in front of it, as Apicurio has it/)
    }
    assert.deepEqual(read(Buffer.of(4, 10, 2, 8, 1)), ['F.Second', 3])
    assert.deepEqual(read(Buffer.of(0, 10, 1, 97)), ['A', 1])
  })

  it('are what they are also where they look like such a name', () => {
    assert.deepEqual(read(Buffer.of(4, 10, 2, 74, 1, 97)), ['F.Second', 3])
  })

  it('are missed where other packages write none: a tag is no number of indexes, and a message without fields has no byte', () => {
    assert.throws(() => read(Buffer.of(10, 2, 111, 49)), /the indexes of its message are none/)
    assert.throws(() => read(Buffer.alloc(0)), /it ends in the indexes of its message/)
  })
})
