/** What stands between the name of a schema and a value in Protobuf: Confluent's indexes, and what others write there. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readIndexes } from '../../../../framework/formats/protobuf/message-indexes.ts'

describe('the indexes of a message', () => {
  it('are told from the name that Apicurio writes there', () => {
    for (const name of ['Order', 'Orders', '_', 'a'.repeat(60)]) {
      const value = Buffer.from([name.length + 2, 10, name.length, ...Buffer.from(name), 8, 1])
      assert.throws(() => readIndexes(value, 0), /the name of its message stands in front of it, as Apicurio has it/)
    }
    assert.deepEqual(readIndexes(Buffer.of(4, 10, 2, 8, 1), 0), { indexes: [5, 1], end: 3 })
    assert.deepEqual(readIndexes(Buffer.of(0, 10, 1, 97), 0), { indexes: [0], end: 1 })
  })

  it('are missed where other packages write none: a tag is no number of indexes, and a message without fields has no byte', () => {
    assert.throws(() => readIndexes(Buffer.of(10, 2, 111, 49), 0), /the indexes of its message are none/)
    assert.throws(() => readIndexes(Buffer.alloc(0), 0), /it ends in the indexes of its message/)
  })
})
