/** Values that are made up: always allowed by their schema, whatever the seed. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'
import { fakePattern } from '../../../../cli/send/fake-pattern.ts'
import { fakeValue } from '../../../../cli/send/fake-value.ts'
import { seededRandom } from '../../../../framework/runtime/seeded-random.ts'

const schemas: Readonly<Record<string, TSchema>> = {
  'objects with optional parts': Type.Object({
    id: Type.String(),
    note: Type.Optional(Type.String()),
    ok: Type.Boolean(),
  }),
  'numbers in a range': Type.Object({
    a: Type.Number({ minimum: -5, maximum: 5 }),
    b: Type.Integer({ exclusiveMinimum: 3 }),
  }),
  multiples: Type.Object({
    cents: Type.Number({ multipleOf: 0.05, minimum: 0 }),
    dozen: Type.Integer({ multipleOf: 12 }),
  }),
  'numbers above a least that is large': Type.Integer({ minimum: 1_000_000 }),
  'numbers below a most that is negative': Type.Number({ maximum: -10 }),
  patterns: Type.Object({
    sku: Type.String({ pattern: '^[A-Z]{3}-\\d{3,5}$' }),
    code: Type.String({ pattern: '^(?:in|out)[^a-z]+x?$' }),
  }),
  lengths: Type.Object({ short: Type.String({ maxLength: 2 }), long: Type.String({ minLength: 40 }) }),
  formats: Type.Object({
    at: Type.String({ format: 'date-time' }),
    mail: Type.String({ format: 'email' }),
    id: Type.String({ format: 'uuid' }),
  }),
  'unions and literals': Type.Union([
    Type.Literal('a'),
    Type.Literal(7),
    Type.Object({ kind: Type.Literal('b'), n: Type.Null() }),
  ]),
  enums: Type.Enum(['north', 'south']),
  'arrays with limits': Type.Array(Type.Integer(), { minItems: 2, maxItems: 4 }),
  tuples: Type.Tuple([Type.String(), Type.Integer(), Type.Boolean()]),
  intersections: Type.Intersect([Type.Object({ a: Type.String() }), Type.Object({ b: Type.Integer() })]),
  records: Type.Record(Type.String(), Type.Integer({ minimum: 1 })),
  'recursive types': Type.Object({
    root: Type.Cyclic({ Tree: Type.Object({ name: Type.String(), children: Type.Array(Type.Ref('Tree')) }) }, 'Tree'),
  }),
}

describe('a value that is made up', () => {
  for (const [what, schema] of Object.entries(schemas)) {
    it(`is allowed by its schema: ${what}`, () => {
      const values = new Set<string>()
      for (let seed = 1; seed <= 200; seed++) {
        const value = fakeValue(schema, seededRandom(seed), 'orders')
        assert.ok(Value.Check(schema, value), JSON.stringify(value))
        values.add(JSON.stringify(value))
      }
      assert.ok(values.size > 1, 'always the same')
    })
  }

  it('is the same for the same seed', () => {
    const make = () => fakeValue(schemas['objects with optional parts'] ?? Type.Null(), seededRandom(9), 'orders')
    assert.deepEqual(make(), make())
  })

  it('looks like what it is called', () => {
    const schema = Type.Object({ customerId: Type.String(), email: Type.String() })
    const { customerId, email } = fakeValue(schema, seededRandom(1), 'orders') as Record<string, string>
    assert.match(customerId ?? '', /^customer-\d+$/)
    assert.match(email ?? '', /^\w+@example\.com$/)
  })

  it('a value that cannot be made is said to be so, with what to do', () => {
    const impossible = Type.Integer({ minimum: 5, maximum: 4 })
    assert.throws(() => fakeValue(impossible, seededRandom(1), 'orders'), {
      code: 'PYR_SCHEMA',
      message: /schema of orders\. Write one: pyrallel send orders/,
    })
  })
})

describe('a text for a pattern', () => {
  for (const pattern of [
    '^a+b*c?$',
    '^(ab|cd){2}$',
    '^\\w{2,}\\s\\S$',
    '^[^\\d]$',
    '^x{3}$',
    '^\\.[a-c-]$',
    '^(?<year>\\d{4})-W\\d\\d$',
    '^.{2}$',
  ]) {
    it(`matches ${pattern}`, () => {
      for (let seed = 1; seed <= 50; seed++) assert.match(fakePattern(pattern, seededRandom(seed)), new RegExp(pattern))
    })
  }
})
