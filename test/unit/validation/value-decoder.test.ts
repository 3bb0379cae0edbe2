/** Bad and odd values: what the decoder makes of them, and that no payload gets into a message. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type TSchema, Type } from 'typebox'
import type { RecordHeader } from '../../../framework/model/record.ts'
import { RejectedValue, ValueDecoder } from '../../../framework/validation/value-decoder.ts'

async function failureOf(
  value: Buffer | null,
  schema?: TSchema,
  headers?: readonly RecordHeader[],
): Promise<{ reason: string; message: string }> {
  const decoded = (await ValueDecoder.of(schema, 'billing')).decode(value, headers)
  assert.ok(decoded instanceof RejectedValue, 'was accepted')
  const { reason, message, retryable } = decoded.failure
  assert.equal(retryable, false)
  return { reason, message }
}

describe('a value that is not JSON', () => {
  const table: readonly (readonly [bytes: string | Buffer, words: string])[] = [
    ['', 'Unexpected end at character 0 of 0'],
    ['{"a":"b"', "Expected ',' or '}' after property value at character 8 of 8"],
    ['{"a" 1}', "Expected ':' after property name at character 5 of 7"],
    ['{"a":1,}', 'Expected double-quoted property name at character 7 of 8'],
    ['{"a":"b', 'Unterminated string at character 7 of 7'],
    ['nul', 'Unexpected end at character 3 of 3'],
    ['undefined', 'a syntax error in 9 characters'],
    ['<html>', 'Unexpected token at character 0 of 6'],
    ['x', 'Unexpected token at character 0 of 1'],
    ['{"pin":1234, "note":"a longer text that is cut", "next":hunter2 }', 'Unexpected token at character 56 of 65'],
    ['{"a":1} x', 'Unexpected non-whitespace character after JSON at character 8 of 9'],
    [Buffer.from([0x22, 0x41, 0xe2, 0x82, 0x22]), 'its bytes are not UTF-8'],
    [Buffer.from([0xff, 0xfe]), 'its bytes are not UTF-8'],
  ]
  for (const [bytes, words] of table) {
    it(`is undecodable, with the place and the parser's words: ${JSON.stringify(bytes.toString())}`, async () => {
      const { reason, message } = await failureOf(Buffer.from(bytes))
      assert.equal(reason, 'undecodable')
      assert.equal(message, `the value is not JSON: ${words}`)
    })
  }

  it('is not quoted in the message, whatever the parser says of it', async () => {
    for (const text of [
      'hunter2',
      '{"a":hunter2}',
      `${'['.repeat(50)}hunter2`,
      '{"a":"hunter2',
      '"hunter2"hunter2',
      '{hunter2}',
      'hunter2 at position 7',
    ]) {
      assert.doesNotMatch((await failureOf(Buffer.from(text))).message, /hunter|unter/)
    }
  })

  it('is not searched for the place when it is large', async () => {
    const { message } = await failureOf(Buffer.from(`[${'1,'.repeat(40_000)}x]`))
    assert.equal(message, 'the value is not JSON: a syntax error in 80003 characters')
  })
})

describe('a value that a serializer for a schema registry wrote', () => {
  const guid = Buffer.from('3f2504e04f8911d39a0c0305e82c3301', 'hex')
  const avro = Buffer.from([0x0e, 0x6f, 0x2d, 0x31, 0x02, 0x80, 0x01])
  const table: readonly (readonly [bytes: readonly Uint8Array[], words: string])[] = [
    [[Buffer.from([0, 0, 0, 0, 42]), avro], 'schema id 42 of a registry'],
    [[Buffer.from([0, 0, 0, 0, 42]), Buffer.from('{"id":"o-1"}')], 'schema id 42 of a registry'],
    [[Buffer.from([0, 0x7f, 0xff, 0xff, 0xff])], 'schema id 2147483647 of a registry'],
    [[Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 7]), avro], 'schema id 7 of an Apicurio registry (8 bytes)'],
    [[Buffer.from([1]), guid], 'GUID of a schema in a registry'],
    [[Buffer.from([3, 0]), guid, avro], 'schema version of an AWS Glue registry'],
    [[Buffer.from([3, 5]), guid, avro], 'schema version of an AWS Glue registry'],
  ]
  for (const [parts, words] of table) {
    const bytes = Buffer.concat(parts)
    it(`is undecodable, and told by how it begins: ${bytes.toString('hex')}`, async () => {
      const { reason, message } = await failureOf(bytes)
      assert.equal(reason, 'undecodable')
      const rest = 'as Avro, Protobuf and JSON Schema do; its topic has no format here, so JSON is wanted'
      assert.equal(message, `the value is not JSON: it begins with the ${words}, ${rest}`)
    })
  }

  const id = Buffer.concat([Buffer.from([1]), guid])

  it('is told by its header where nothing stands in front of it, beside what the parser says', async () => {
    const told = '; its headers name a schema of a registry, and its topic has no format here'
    const headers: readonly RecordHeader[] = [
      ['trace', Buffer.from('t')],
      ['__value_schema_id', id],
    ]
    const bare = await failureOf(avro, undefined, headers)
    assert.equal(bare.message, `the value is not JSON: its bytes are not UTF-8${told}`)
    const cut = await failureOf(Buffer.from('{"id":'), undefined, headers)
    assert.equal(cut.message, `the value is not JSON: Unexpected end at character 6 of 6${told}`)
    for (const other of [
      ['__key_schema_id', id],
      ['__value_schema_id', null],
    ] as const) {
      assert.doesNotMatch((await failureOf(avro, undefined, [other])).message, /registry/)
    }
  })

  it('is read where it is JSON and its schema is told in a header', async () => {
    const decoder = await ValueDecoder.of(Type.Object({ id: Type.String() }), 'billing')
    assert.deepEqual(decoder.decode(Buffer.from('{"id":"o-1"}'), [['__value_schema_id', id]]), { id: 'o-1' })
  })

  it('is not guessed from bytes that no such serializer writes', async () => {
    const others: readonly Buffer[] = [
      Buffer.from([0, 0, 0, 42]),
      Buffer.from([0, 0x80, 0, 0, 0, 1]),
      Buffer.from([0, 0, 0, 0, 0]),
      Buffer.from([0, 0, 0, 0, 0, 0, 0, 7]),
      Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0]),
      Buffer.concat([Buffer.from([1]), guid.subarray(1)]),
      Buffer.concat([Buffer.from([3, 1]), guid]),
      Buffer.concat([Buffer.from([3, 0]), guid.subarray(1)]),
      Buffer.concat([Buffer.from([2, 0]), guid]),
    ]
    for (const bytes of others) {
      const { message } = await failureOf(bytes)
      assert.match(message, /Unexpected token|not UTF-8/, bytes.toString('hex'))
    }
  })
})

describe('a value that does not satisfy its schema', () => {
  const schema = Type.Object(
    {
      id: Type.String(),
      total: Type.Optional(Type.Number({ minimum: 0 })),
      state: Type.Optional(Type.Union([Type.Literal('open'), Type.Literal('paid')])),
      version: Type.Optional(Type.Literal(2)),
      lines: Type.Optional(Type.Array(Type.Object({ sku: Type.String() }))),
    },
    { additionalProperties: false },
  )
  const table: readonly (readonly [value: unknown, words: string])[] = [
    ['hunter2', 'the value must be object'],
    [{}, 'the value must have required properties id'],
    [{ id: 7 }, '/id must be string'],
    [{ id: 'a', total: -12.75 }, '/total must be >= 0'],
    [{ id: 'a', version: 9 }, '/version must be 2'],
    [{ id: 'a', state: 'hunter2' }, '/state must be "open", or be "paid"'],
    [{ id: 'a', lines: [{ sku: 'b' }, { sku: null }] }, '/lines/1/sku must be string'],
    [{ id: 'a', more: 'hunter2' }, '/* is not allowed there (and more)'],
  ]
  for (const [value, words] of table) {
    it(`is invalid, with the path and what is expected there: ${words}`, async () => {
      const { reason, message } = await failureOf(Buffer.from(JSON.stringify(value)), schema)
      assert.equal(reason, 'invalid')
      assert.equal(message, `the value does not satisfy its schema: ${words}`)
    })
  }

  it('says of a union with many alternatives that there are more than it tells', async () => {
    const states = Type.Union([...'abcdefghij'].map((letter) => Type.Literal(letter)))
    const { message } = await failureOf(Buffer.from('{"state":"x"}'), Type.Object({ state: states }))
    const told = [...'abcdefgh'].map((letter) => `be "${letter}"`).join(', or ')
    assert.equal(message, `the value does not satisfy its schema: /state must ${told} (and more)`)
  })

  it('is a number too large for a number, which JSON.parse reads as infinity', async () => {
    const { reason } = await failureOf(Buffer.from('{"id":"a","total":1e999}'), schema)
    assert.equal(reason, 'invalid')
  })
})

describe('the path of what does not satisfy its schema', () => {
  const schema = Type.Object(
    {
      lines: Type.Array(Type.Object({ sku: Type.String() }, { additionalProperties: false })),
      totals: Type.Record(Type.String(), Type.Number()),
    },
    { additionalProperties: false },
  )
  const fine = { lines: [], totals: {} }
  const table: readonly (readonly [value: object, path: string])[] = [
    [{ ...fine, lines: [{ sku: 'a' }, { sku: 5 }] }, '/lines/1/sku must be string'],
    [{ ...fine, totals: { 'ada@example.org': 'x' } }, '/totals/* must be number'],
    // A number in an object is a customer's, say, and no place in a list.
    [{ ...fine, totals: { 4711: 'x' } }, '/totals/* must be number'],
    [{ ...fine, totals: { 'a/b~c': 'x' } }, '/totals/* must be number'],
    [{ ...fine, totals: { sku: 'x' } }, '/totals/sku must be number'],
  ]
  for (const [value, words] of table) {
    it(`has the names of the schema and no others: ${words}`, async () => {
      const { message } = await failureOf(Buffer.from(JSON.stringify(value)), schema)
      assert.ok(message.endsWith(`its schema: ${words}`), message)
    })
  }

  it('does not tell an unexpected property, which may be an address, or half a megabyte', async () => {
    for (const name of ['ada@example.org', 'n'.repeat(500_000)]) {
      const { message } = await failureOf(Buffer.from(JSON.stringify({ ...fine, [name]: 1 })), schema)
      assert.ok(!message.includes('ada@') && !message.includes('nnn') && message.length < 200, message.slice(0, 200))
    }
  })
})

describe('a tombstone', () => {
  it('is null to a handler without a schema', async () => {
    assert.equal((await ValueDecoder.of(undefined, 'billing')).decode(null), null)
  })

  it('is null to a handler whose schema admits null', async () => {
    const schema = Type.Union([Type.Object({}), Type.Null()])
    assert.equal((await ValueDecoder.of(schema, 'billing')).decode(null), null)
  })

  it('is invalid where the schema does not admit null', async () => {
    const { reason, message } = await failureOf(null, Type.Object({}))
    assert.equal(reason, 'invalid')
    assert.equal(message, 'the value does not satisfy its schema: the value must be object')
  })
})

describe('a value that looks odd', () => {
  const odd = ['null', '0', '""', '[]', '12345678901234567890', '{"__proto__":{"admin":true}}', '"\ufffd"', '"\\ud800"']
  for (const text of odd) {
    it(`is passed on as JSON.parse reads it: ${text}`, async () => {
      assert.deepEqual((await ValueDecoder.of(undefined, 'billing')).decode(Buffer.from(text)), JSON.parse(text))
    })
  }
})

describe('a schema that cannot be compiled', () => {
  it('is refused with the name of the handler', async () => {
    const broken = Type.Object({ id: Type.String({ pattern: '(' }) })
    await assert.rejects(ValueDecoder.of(broken, 'billing'), {
      code: 'PYR_HANDLER_OPTION',
      message: /^Handler billing: /,
    })
  })
})

describe('a value that is nested too deeply', () => {
  const node = Type.Object({ size: Type.Number(), inner: Type.Union([Type.Null(), Type.Ref('Node')]) })
  const tree = Type.Cyclic({ Node: node }, 'Node')
  const nested = (levels: number, innermost = 'null') =>
    Buffer.from(`${'{"size":1,"inner":'.repeat(levels)}${innermost}${'}'.repeat(levels)}`)

  it('is invalid, and says how deep it is, where checking it takes more than the stack holds', async () => {
    const { reason, message } = await failureOf(nested(200_000), tree)
    assert.equal(reason, 'invalid')
    assert.equal(message, 'the value cannot be checked against its schema: it is nested too deeply (200000 levels)')
  })

  it('is invalid where it has a mistake inside, though the place of the mistake cannot be found', async () => {
    const chain = Type.Cyclic(
      { Node: Type.Object({ size: Type.Number(), inner: Type.Optional(Type.Ref('Node')) }) },
      'Node',
    )
    const { reason, message } = await failureOf(nested(2_000, '{"size":"large \\" ]] {"}'), chain)
    assert.equal(reason, 'invalid')
    assert.equal(
      message,
      'the value does not satisfy its schema: where cannot be said: it is nested too deeply (2001 levels)',
    )
  })

  it('is invalid with the place of its mistake, where it is small', async () => {
    const chain = Type.Cyclic(
      { Node: Type.Object({ size: Type.Number(), inner: Type.Optional(Type.Ref('Node')) }) },
      'Node',
    )
    const { message } = await failureOf(nested(200, '{"size":"large"}'), chain)
    assert.equal(message, `the value does not satisfy its schema: ${'/inner'.repeat(200)}/size must be number`)
  })

  it('is told from a schema that refers to nothing but itself', async () => {
    const { message } = await failureOf(Buffer.from('[1]'), Type.Cyclic({ Self: Type.Ref('Self') }, 'Self'))
    assert.doesNotMatch(message, /nested too deeply/)
  })

  it('is accepted without a schema, and where no part of the schema refers to itself', async () => {
    const bytes = Buffer.from(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)
    for (const schema of [undefined, Type.Object({ a: Type.Unknown() })]) {
      assert.ok(!((await ValueDecoder.of(schema, 'billing')).decode(bytes) instanceof RejectedValue))
    }
  })

  it('is accepted as deep as data is nested', async () => {
    for (const schema of [undefined, tree]) {
      const decoder = await ValueDecoder.of(schema, 'billing')
      assert.ok(!(decoder.decode(nested(500)) instanceof RejectedValue))
    }
  })
})

describe('a value that cannot be turned into text', () => {
  it('is undecodable, with the reason', async () => {
    const bytes = Object.assign(Buffer.from('{}'), {
      toString: () => {
        throw new Error('too long for a text')
      },
    })
    const { reason, message } = await failureOf(bytes)
    assert.equal(reason, 'undecodable')
    assert.equal(message, 'the value cannot be read: too long for a text')
  })
})
