/** Mistakes of values are told as TypeBox tells them, and found without looking at more than they need. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { Errors } from 'typebox/value'
import { refuseInvalid } from '../../../cli/send/send-record.ts'
import { publisher } from '../../../framework/publishing/publisher.ts'
import { seededRandom } from '../../../framework/runtime/seeded-random.ts'
import { exactSchema } from '../../../framework/validation/exact-schema.ts'
import { Misfits } from '../../../framework/validation/misfits.ts'
import { RejectedValue, ValueDecoder } from '../../../framework/validation/value-decoder.ts'

const MOST = 8

/** Schemas of every form that is generated or often written, and values that are nearly right. */
class Grammar {
  readonly #random: () => number
  #names = 0

  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }

  schema(depth: number): TSchema {
    const inner = () => this.schema(depth - 1)
    const leaf = () => this.schema(0)
    const leaves: readonly (() => TSchema)[] = [
      () => Type.String({ minLength: 2 }),
      () => Type.String({ pattern: '^[a-c]+$' }),
      () => Type.Number({ minimum: 2, multipleOf: 0.5 }),
      () => Type.Boolean(),
      () => Type.Null(),
      () => Type.Literal('a'),
      () => Type.Enum(['a', 'bb', 3]),
      () => Type.Unknown(),
      () => Type.Never(),
      () =>
        Type.Refine(
          Type.Unknown(),
          (value) => value !== 'a',
          () => 'must be anything else',
        ),
    ]
    const branches: readonly (() => TSchema)[] = [
      () => Type.Array(inner(), { maxItems: 3, ...(this.#is(0.2) ? { uniqueItems: true } : {}) }),
      () => Type.Object({ a: inner(), b: Type.Optional(inner()) }, this.#others(inner)),
      () => Type.Object({ a: inner(), valueOf: Type.Optional(inner()) }, { minProperties: 2 }),
      () => Type.Object({}, { patternProperties: { '^a': inner(), b$: inner() }, ...this.#others(inner) }),
      () => Type.Record(Type.String(), inner()),
      () => Type.Union([inner(), inner()]),
      () => Type.Intersect([Type.Object({ a: inner() }), Type.Object({ b: inner() })]),
      () => Type.Tuple([inner(), inner()]),
      () =>
        Type.Unsafe({ type: 'array', items: [inner()], minItems: 1, additionalItems: this.#is(0.5) ? inner() : false }),
      () => Type.Unsafe({ oneOf: [inner(), inner()] }),
      () =>
        Type.Unsafe({
          type: ['array', 'object', 'string'],
          items: inner(),
          properties: { a: inner() },
          required: ['a'],
        }),
      () => this.#cyclic((itself) => Type.Object({ a: inner(), b: Type.Optional(itself) })),
      () => this.#cyclic((itself) => Type.Union([inner(), Type.Array(itself)])),
      () => Type.Unsafe({ type: 'object', propertyNames: { pattern: '^[ab]' }, additionalProperties: leaf() }),
      () => Type.Unsafe({ type: 'array', contains: leaf() }),
      () => Type.Unsafe({ ...Type.Object({ a: leaf() }), unevaluatedProperties: false }),
    ]
    return this.#pick(depth === 0 ? leaves : this.#is(0.3) ? leaves : branches)()
  }

  value(depth: number): unknown {
    const inner = () => this.value(depth - 1)
    const leaves: readonly (() => unknown)[] = [
      () => 'a',
      () => 'bb',
      () => 'x',
      () => 3,
      () => 1.2,
      () => null,
      () => true,
    ]
    const branches: readonly (() => unknown)[] = [
      () => Array.from({ length: this.#below(5) }, inner),
      () =>
        Object.fromEntries(
          ['a', 'b', 'ab', 'b/~', 'valueOf'].filter(() => this.#is(0.5)).map((name) => [name, inner()]),
        ),
    ]
    return this.#pick(depth === 0 || this.#is(0.2) ? leaves : branches)()
  }

  #cyclic(of: (itself: TSchema) => TSchema): TSchema {
    this.#names += 1
    const name = `Type${this.#names}`
    return Type.Cyclic({ [name]: of(Type.Ref(name)) }, name)
  }

  #others(inner: () => TSchema): { additionalProperties?: TSchema | false } {
    return this.#pick([{}, { additionalProperties: false }, { additionalProperties: inner() }] as const)
  }

  #is(probability: number): boolean {
    return this.#random() < probability
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  #pick<T>(of: readonly T[]): T {
    return of[this.#below(of.length)] as T
  }
}

describe('the first mistakes of a value', () => {
  it('are those that TypeBox tells, with the same places, words and order, for 3,000 random values of random schemas', () => {
    let wrong = 0
    for (let seed = 0; seed < 300; seed++) {
      const grammar = new Grammar(seed)
      const schema = exactSchema(grammar.schema(3))
      const misfits = new Misfits(schema, { Compile, Errors })
      const compiled = Compile(schema)
      for (let count = 0; count < 10; count++) {
        const value = grammar.value(4)
        if (compiled.Check(value)) continue
        wrong += 1
        const theirs = Errors(schema, value).map((each) =>
          each.keyword === 'uniqueItems' ? { ...each, params: { duplicateItems: [] } } : each,
        )
        const ours = misfits.in(value, 1_000)
        const told = `seed ${seed}: ${JSON.stringify(schema)} ${JSON.stringify(value)}`
        assert.deepEqual(theirs.length < MOST ? ours : ours.slice(0, MOST), theirs, told)
      }
    }
    assert.ok(wrong > 1_500, `${wrong} were wrong`)
  })
})

/** What is wrong in all parts of a value: how often it is asked, and why a schema refuses the value, on each way on which values are checked. */
async function refusals(schemaOf: (bad: TSchema) => TSchema, value: unknown): Promise<readonly Refusal[]> {
  let asked = 0
  const bad = Type.Refine(
    Type.Unknown(),
    () => {
      asked += 1
      return false
    },
    () => 'is bad',
  )
  const topic = { kind: 'pyrallel.topic', name: 'amounts', schema: schemaOf(bad) } as const
  const text = JSON.stringify(value)
  const publish = publisher({ produce: async () => {}, close: async () => {} })
  const ways: readonly (() => Promise<unknown>)[] = [
    async () => (await ValueDecoder.of(topic.schema, 'billing')).decode(Buffer.from(text)),
    () => publish(topic, value),
    () => refuseInvalid(topic, { value, text }),
  ]
  const told: Refusal[] = []
  for (const way of ways) {
    asked = 0
    const result: unknown = await way().catch((thrown: unknown) => thrown)
    assert.ok(result instanceof RejectedValue || result instanceof Error, 'it was accepted')
    told.push({ why: result instanceof Error ? result.message : result.failure.message, asked })
  }
  return told
}

interface Refusal {
  readonly why: string
  readonly asked: number
}

describe('a value in which very much is wrong', () => {
  const list = (length: number) => Array.from({ length }, (_, index) => index)
  const record = (length: number) => Object.fromEntries(list(length).map((index) => [`n${index}`, index]))
  const node = (kind: string, bad: TSchema) =>
    Type.Object({ kind: Type.Literal(kind), bad, inner: Type.Array(Type.Ref('Node')) })
  const table: readonly (readonly [
    form: string,
    schemaOf: (bad: TSchema) => TSchema,
    valueWith: (length: number) => unknown,
    place: RegExp,
  ])[] = [
    ['a list', (bad) => Type.Array(bad), list, /\/0:? is bad/],
    [
      'a list of objects',
      (bad) => Type.Array(Type.Object({ bad })),
      (n) => list(n).map((bad) => ({ bad })),
      /\/0\/bad:? is/,
    ],
    ['a list that is too long', (bad) => Type.Array(bad, { maxItems: 1, uniqueItems: true }), list, /\/0:? is bad/],
    ['a list in an object', (bad) => Type.Object({ a: Type.Array(bad) }), (n) => ({ a: list(n) }), /\/a\/0:? is bad/],
    ['a record', (bad) => Type.Record(Type.String(), bad), record, /\/(\*|n0):? is bad/],
    ['a record by number', (bad) => Type.Record(Type.Integer(), bad), (n) => ({ ...list(n) }), /\/(\*|0):? is bad/],
    ['further properties', (bad) => Type.Object({}, { additionalProperties: bad }), record, /\/(\*|n0):? is bad/],
    [
      'the rest of a tuple',
      (bad) => Type.Unsafe({ type: 'array', items: [], additionalItems: bad }),
      list,
      /\/0:? is bad/,
    ],
    ['a union', (bad) => Type.Union([Type.Null(), Type.Array(bad)]), list, /\/0:? is bad|must be null/],
    ['a list of unions', (bad) => Type.Array(Type.Union([bad, Type.Array(bad)])), list, /\/0:? (is|must is) bad/],
    ['an intersection', (bad) => Type.Intersect([Type.Array(bad), Type.Array(bad)]), list, /\/0:? is bad/],
    [
      'a type that leads back to itself',
      (bad) => Type.Cyclic({ Node: Type.Union([node('a', bad), node('b', bad)]) }, 'Node'),
      (n) => ({ kind: 'a', inner: list(n).map((bad) => ({ kind: 'b', bad, inner: [] })), bad: 1 }),
      /bad/,
    ],
  ]
  for (const [form, schemaOf, valueWith, place] of table) {
    it(`is told as soon as a few mistakes are found, in the words of a small one: ${form}`, async () => {
      const small = await refusals(schemaOf, valueWith(20))
      const large = await refusals(schemaOf, valueWith(20_000))
      for (const [way, { why, asked }] of large.entries()) {
        assert.ok(asked <= 60, `${asked} of 20,000 were asked`)
        assert.equal(why, small[way]?.why)
        assert.match(why, place)
      }
    })
  }

  it('is told where only the last part is wrong, without asking TypeBox about the right ones', () => {
    const schema = Type.Object({ lines: Type.Array(Type.Object({ sku: Type.String() })) })
    const lines: object[] = Array.from({ length: 20_000 }, () => ({ sku: 'a' }))
    let asked = 0
    const misfits = new Misfits(schema, {
      Compile,
      Errors: (...of) => {
        asked += 1
        return Errors(...of)
      },
    })
    const value = { lines: [...lines, { sku: 1 }] }
    const places = misfits.in(value, JSON.stringify(value).length).map(({ instancePath }) => instancePath)
    assert.deepEqual(places, ['/lines/20000/sku'])
    assert.ok(asked < 20, `${asked} times`)
  })

  it('is told without entering each alternative inside of each alternative', async () => {
    const node = (kind: string, bad: TSchema) =>
      Type.Object({ kind: Type.Literal(kind), inner: Type.Union([bad, Type.Ref('Node')]) })
    const schemaOf = (bad: TSchema) => Type.Cyclic({ Node: Type.Union([node('a', bad), node('b', bad)]) }, 'Node')
    const nested = (levels: number): unknown => (levels === 0 ? 1 : { kind: 'a', inner: nested(levels - 1) })
    const shallow = await refusals(schemaOf, nested(3))
    const deep = await refusals(schemaOf, nested(6))
    for (const [way, { asked }] of deep.entries()) {
      const most = 4 * (shallow[way]?.asked ?? 0)
      assert.ok(asked <= most, `${asked} times 6 levels down, ${shallow[way]?.asked} times 3 levels down`)
    }
  })
})

describe('a value of a type that leads back to itself in several alternatives', () => {
  it('is looked at once, though what tells the alternatives apart is written last', async () => {
    let asked = 0
    const end = Type.Refine(Type.Null(), () => {
      asked += 1
      return true
    })
    const node = (kind: string) => Type.Object({ inner: Type.Union([end, Type.Ref('Node')]), kind: Type.Literal(kind) })
    const schema = Type.Cyclic({ Node: Type.Union([node('a'), node('b')]) }, 'Node')
    const nested = (levels: number): unknown => (levels === 0 ? null : { inner: nested(levels - 1), kind: 'b' })
    const decoder = await ValueDecoder.of(schema, 'billing')
    assert.deepEqual(decoder.decode(Buffer.from(JSON.stringify(nested(6)))), nested(6))
    assert.equal(asked, 1)
  })
})

describe('a part of a schema that TypeBox alone can explain', () => {
  it('is asked about where the value is small, and only named where it is large or may lead back to itself', () => {
    const rare = Type.Unsafe({ type: 'array', contains: Type.Literal(1) })
    const told = (schema: TSchema, value: unknown) =>
      new Misfits(schema, { Compile, Errors })
        .in(value, 1_000)
        .map(({ instancePath, message }) => [instancePath, message])
    const schema = Type.Object({ a: rare })
    assert.deepEqual(told(schema, { a: [2] }), [['/a', 'must contain at least 1 valid item']])
    const large = Array.from({ length: 10_001 }, () => 2)
    assert.deepEqual(told(schema, { a: large }), [['/a', 'must be as its schema says']])
    const itself = Type.Cyclic({ Node: Type.Unsafe({ type: 'array', contains: Type.Ref('Node') }) }, 'Node')
    assert.deepEqual(told(itself, [2]), [['', 'must be as its schema says']])
    assert.deepEqual(told(itself, 2), [['', 'must be array']])
    assert.deepEqual(told(Type.Array(Type.Ref('Nowhere')), [2]), [['/0', 'must be as its schema says']])
  })
})
