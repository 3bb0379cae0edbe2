import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PulledReference } from '../../../framework/api/format.ts'
import { JsonCodec } from '../../../framework/formats/json-codec.ts'
import { compilerTools } from '../../../framework/validation/value-check.ts'
import { RejectedValue } from '../../../framework/validation/value-decoder.ts'

await compilerTools()
const json = { format: 'json-schema', text: '{}', references: [] } as const

function codec(schema: unknown, references: Readonly<Record<string, unknown>> = {}): JsonCodec {
  const named = Object.entries(references).map(([name, each]): PulledReference => {
    return { name, subject: name, version: 1, text: JSON.stringify(each) }
  })
  return new JsonCodec({ text: JSON.stringify(schema), references: named })
}

/** As it stands behind 5 bytes of frame. */
function read(of: JsonCodec, text: string): unknown {
  return of.readerOf(json)(Buffer.concat([Buffer.alloc(5), Buffer.from(text)]), 5)
}

function rejected(of: JsonCodec, text: string) {
  const value = read(of, text)
  assert.ok(value instanceof RejectedValue, `${text} is read`)
  return value.failure
}

function accepts(of: JsonCodec, value: unknown): boolean {
  return !(read(of, JSON.stringify(value)) instanceof RejectedValue)
}

describe('a value in a JSON Schema', () => {
  const order = codec({
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Order',
    type: 'object',
    'connect.type': 'struct',
    properties: {
      id: { type: 'integer', format: 'int64', 'connect.type': 'int64' },
      note: { type: 'string', maxLength: 3 },
    },
    required: ['id'],
    additionalProperties: false,
  })

  it('is read as JSON, and checked for what its schema says', () => {
    assert.deepEqual(read(order, '{"id":1,"note":"ü"}'), { id: 1, note: 'ü' })
    const { reason, name, message, retryable } = rejected(order, '{"id":"secret"}')
    assert.deepEqual([reason, name, retryable], ['invalid', 'InvalidValue', false])
    assert.equal(message, 'the value does not satisfy its schema: /id must be integer')
    assert.match(rejected(order, '{"id":1,"more":1}').message, /\/\* is not allowed there/)
    assert.match(rejected(order, '{}').message, /must have required properties id/)
    assert.equal(rejected(order, '{"id":').name, 'UndecodableValue')
  })

  it('is never rounded: a whole number beyond 2^53 is rejected by its own name, and not written', () => {
    assert.deepEqual(read(order, '{"id":9007199254740991}'), { id: 9_007_199_254_740_991 })
    const { reason, name, message } = rejected(order, '{"id":9007199254740993}')
    assert.deepEqual([reason, name], ['undecodable', 'InexactNumber'])
    assert.equal(
      message,
      'the value cannot be read: the number at character 6 of 23 would be rounded, as it is beyond 2^53',
    )
    assert.throws(() => order.encode({ id: 2 ** 60 }), /number at character 6 of 26 is whole and beyond 2\^53/)
    assert.throws(
      () => order.encode({ id: 1n }),
      /a whole number in it is a bigint, or beyond 2\^53, which JSON does not carry here: a text does, String\(id\) say/,
    )
  })

  it('is written only where it satisfies its schema, and is not told else', () => {
    assert.equal(order.encode({ id: 1, note: undefined }).toString(), '{"id":1}')
    assert.throws(() => order.encode({ id: 1, note: 'secret' }), {
      message: '/note must not have more than 3 characters',
    })
    assert.throws(() => order.encode({ id: 1, secret: 1 }), { message: '/* is not allowed there (and more)' })
    assert.throws(() => order.encode(undefined), /it is undefined, which JSON cannot carry/)
  })

  it('does not fit where it was written in another format', () => {
    assert.throws(() => order.readerOf({ ...json, format: 'avro' }), /it was written as avro, and JSON is wanted/)
  })

  it('may be null where its schema says so', () => {
    assert.deepEqual([order.admitsNull, codec({ type: ['null', 'object'] }).admitsNull], [false, true])
    assert.equal(codec({ type: 'object', nullable: true }).admitsNull, true)
  })

  it('is checked by keywords of each draft', () => {
    const draft4 = codec({
      $schema: 'http://json-schema.org/draft-04/schema#',
      type: 'number',
      minimum: 0,
      exclusiveMinimum: true,
      maximum: 5,
      exclusiveMaximum: false,
    })
    assert.deepEqual(
      [0, 1, 5, 6].map((each) => accepts(draft4, each)),
      [false, true, true, false],
    )
    const tuple = codec({ items: [{ type: 'string' }], additionalItems: false })
    assert.deepEqual(
      [['a'], [1], ['a', 1]].map((each) => accepts(tuple, each)),
      [true, false, false],
    )
    const newer = codec({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      prefixItems: [{ type: 'string' }],
      items: { type: 'number' },
      contains: { const: 7 },
    })
    assert.deepEqual(
      [['a', 7], ['a', 'b', 7], ['a']].map((each) => accepts(newer, each)),
      [true, false, false],
    )
    const choice = codec({
      if: { required: ['card'] },
      then: { required: ['digits'] },
      else: { not: { required: ['digits'] } },
    })
    assert.deepEqual(
      [{ card: 1, digits: 1 }, { card: 1 }, { digits: 1 }].map((each) => accepts(choice, each)),
      [true, false, false],
    )
    const depends = codec({ dependencies: { a: ['b'], c: { required: ['d'] } } })
    assert.deepEqual(
      [{ a: 1 }, { a: 1, b: 1 }, { c: 1 }, { c: 1, d: 1 }].map((each) => accepts(depends, each)),
      [false, true, false, true],
    )
    const closed = codec({
      $schema: 'https://json-schema.org/draft/2019-09/schema',
      allOf: [{ properties: { a: true } }],
      unevaluatedProperties: false,
    })
    assert.deepEqual(
      [{ a: 1 }, { b: 1 }].map((each) => accepts(closed, each)),
      [true, false],
    )
  })

  it('is checked by what references lead to: inside, by name, by address, by anchor, and back to itself', () => {
    const tree = codec({ type: 'object', properties: { inner: { $ref: '#' } }, required: ['n'] })
    assert.deepEqual(
      [{ n: 1 }, { n: 1, inner: { n: 1 } }, { n: 1, inner: {} }].map((each) => accepts(tree, each)),
      [true, true, false],
    )
    const customer = {
      $id: 'https://shop.example/customer.json',
      definitions: { name: { type: 'string' } },
      properties: { name: { $ref: '#/definitions/name' } },
    }
    for (const $ref of ['customer.json', 'https://shop.example/customer.json']) {
      const named = codec(
        { $id: 'https://shop.example/order.json', properties: { by: { $ref } } },
        { 'customer.json': customer },
      )
      assert.deepEqual(
        [{ by: { name: 'a' } }, { by: { name: 1 } }].map((each) => accepts(named, each)),
        [true, false],
        $ref,
      )
    }
    const part = codec(
      { properties: { by: { $ref: 'customer.json#/definitions/name' } } },
      { 'customer.json': customer },
    )
    assert.deepEqual(
      [{ by: 'a' }, { by: 1 }].map((each) => accepts(part, each)),
      [true, false],
    )
    const anchor = codec({ $ref: '#word', $defs: { word: { $anchor: 'word', type: 'string' } } })
    assert.deepEqual(
      ['a', 1].map((each) => accepts(anchor, each)),
      [true, false],
    )
  })

  it('is checked by what stands beside a reference from draft 2019-09 on', () => {
    const beside = { $ref: '#/definitions/word', minLength: 3, definitions: { word: { type: 'string' } } }
    assert.equal(accepts(codec(beside), 'a'), true)
    assert.equal(accepts(codec({ ...beside, $schema: 'https://json-schema.org/draft/2019-09/schema' }), 'a'), false)
  })

  it('is checked by patterns that escape what JavaScript does not', () => {
    const mail = codec({ type: 'string', pattern: '^[\\w\\-]+\\@shop\\.example$' })
    assert.deepEqual(
      ['a-b@shop.example', 'a@shopXexample'].map((each) => accepts(mail, each)),
      [true, false],
    )
  })

  it('may have names that every object inherits', () => {
    const named = codec({ properties: { ['__proto__']: {}, constructor: { type: 'string' } }, required: ['toString'] })
    assert.deepEqual(
      [{}, { toString: 1 }].map((each) => accepts(named, each)),
      [false, true],
    )
  })
})

describe('a JSON Schema', () => {
  const refused: readonly (readonly [name: string, schema: unknown, message: RegExp])[] = [
    [
      'of another dialect',
      { $schema: 'http://json-schema.org/draft-03/schema#' },
      /is one of http.*draft-03.*: drafts 4, 6, 7/,
    ],
    [
      'with a dynamic reference',
      { items: { $dynamicRef: '#node' } },
      /#\/items has \$dynamicRef, which is not read here/,
    ],
    [
      'with a reference that leads nowhere',
      { items: { $ref: '#/$defs/none' } },
      /#\/items names #\/\$defs\/none, which is not there/,
    ],
    [
      'that names a schema that did not come with it',
      { $ref: 'other.json' },
      /# names other\.json, which is not among its references/,
    ],
    [
      'with a type that there is not',
      { properties: { at: { type: 'date' } } },
      /#\/properties\/at has the type "date", which JSON Schema does not know/,
    ],
    [
      'with a pattern of another language',
      { pattern: '(?i)a' },
      /# has the pattern \(\?i\)a, which is none in JavaScript/,
    ],
    ['of draft 3', { extends: {} }, /# has extends, which is of draft 3/],
    ['with names that are none', { required: true }, /# has `required` that is no list of names/],
    ['that is none', 7, /# is neither an object nor a boolean/],
  ]
  for (const [name, schema, message] of refused) {
    it(`is refused in words: one ${name}`, () => {
      assert.throws(() => codec(schema), { message })
    })
  }

  it('is refused where a reference leads back without coming to a part of the value', () => {
    const [a, b] = [{ anyOf: [{ $ref: '#/definitions/b' }, { type: 'null' }] }, { not: { $ref: '#/definitions/a' } }]
    for (const schema of [
      { $ref: '#' },
      { not: { $ref: '#' } },
      { properties: { x: { $ref: '#/definitions/a' } }, definitions: { a, b } },
      { properties: { x: { $ref: '#/definitions/b' }, y: { $ref: '#/definitions/a' } }, definitions: { a, b } },
    ]) {
      assert.throws(() => codec(schema), /has a \$ref that leads back to it without coming to a part of the value/)
    }
  })

  it('is taken where a reference leads back by a property or an item: a tree, or two kinds that hold each other', () => {
    const tree = { type: 'object', properties: { below: { type: 'array', items: { $ref: '#' } } }, required: ['below'] }
    const taken = codec(tree)
    assert.equal(taken.encode({ below: [{ below: [] }] }).toString(), '{"below":[{"below":[]}]}')
    assert.throws(() => taken.encode({ below: [{}] }), /below/)
    const [a, b] = [{ allOf: [{ $ref: '#/definitions/b' }] }, { properties: { a: { $ref: '#/definitions/a' } } }]
    codec({ anyOf: [{ $ref: '#/definitions/a' }, { $ref: '#/definitions/b' }], definitions: { a, b } })
  })

  it('is refused where it is nested without an end', () => {
    const text = `${'{"not":'.repeat(5_000)}{}${'}'.repeat(5_000)}`
    assert.throws(() => new JsonCodec({ text }), /more than 200 levels deep/)
    assert.throws(() => new JsonCodec({ text: '{' }), /the schema is no JSON/)
  })
})
