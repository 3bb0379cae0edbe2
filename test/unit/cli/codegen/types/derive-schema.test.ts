// biome-ignore-all lint/suspicious/noTemplateCurlyInString: source text of handler files.
/** Which schema is derived from which type. What the schemas then accept is in `assignability.test.ts`. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { definitions } from '../project-on-disk.ts'

/** Of `type Value = ...`. Spaces are one. */
function of(type: string, declarations = ''): string {
  return definitions(`${declarations}\ntype Value = ${type}`).Value ?? ''
}

describe('primitives and literals', () => {
  for (const [type, schema] of [
    ['string', 'Type.String()'],
    ['number', 'Type.Number()'],
    ['boolean', 'Type.Boolean()'],
    ['null', 'Type.Null()'],
    ['unknown', 'Type.Unknown()'],
    ["'a'", "Type.Literal('a')"],
    ['-1.5', 'Type.Literal(-1.5)'],
    ['true', 'Type.Literal(true)'],
    ["'it\\'s'", "Type.Literal('it\\'s')"],
  ] as const) {
    it(`derives ${schema} from ${type}`, () => assert.equal(of(type), schema))
  }
})

describe('unions and enums', () => {
  for (const [type, schema] of [
    ["'b' | 'a'", "Type.Enum(['a', 'b'])"],
    ["'a' | 2 | 1 | null", "Type.Union([Type.Enum(['a', 1, 2]), Type.Null()])"],
    ['string | number', 'Type.Union([Type.Number(), Type.String()])'],
    ['boolean | string', 'Type.Union([Type.Boolean(), Type.String()])'],
    ['true | string', 'Type.Union([Type.Literal(true), Type.String()])'],
    ["'known' | (string & {})", 'Type.String()'],
    [
      '{ a: string } | { b: number }',
      'Type.Union([ Type.Object({ a: Type.String(), }), Type.Object({ b: Type.Number(), }), ])',
    ],
  ] as const) {
    it(`derives ${schema} from ${type}`, () => assert.equal(of(type), schema))
  }

  it('derives the values of an enum, and of one that is computed any number', () => {
    assert.equal(of('{ e: E }', "enum E { A, B = 5, C = 'c' }"), 'Type.Object({ e: E, })')
    assert.equal(
      definitions("enum E { A, B = 5, C = 'c' }\ntype Value = { e: E; one: E.B }").E,
      "Type.Enum(['c', 0, 5])",
    )
    assert.equal(of('{ e: E }', "enum E { A = 'x'.length }"), 'Type.Object({ e: Type.Number(), })')
  })
})

describe('arrays and tuples', () => {
  for (const [type, schema] of [
    ['string[]', 'Type.Array(Type.String())'],
    ['readonly (string | null)[]', 'Type.Array(Type.Union([Type.String(), Type.Null()]))'],
    ['ReadonlyArray<number[]>', 'Type.Array(Type.Array(Type.Number()))'],
    ['[string, number]', 'Type.Tuple([Type.String(), Type.Number()])'],
    ['readonly [a: string]', 'Type.Tuple([Type.String()])'],
    ['[]', 'Type.Tuple([])'],
    [
      '[string, number?]',
      "Type.Unsafe({ type: 'array', items: [Type.String(), Type.Number()], minItems: 1, additionalItems: false, })",
    ],
    [
      '[string, ...number[]]',
      "Type.Unsafe({ type: 'array', items: [Type.String()], minItems: 1, additionalItems: Type.Number(), })",
    ],
    ['never[]', 'Type.Array(Type.Never())'],
  ] as const) {
    it(`derives ${schema} from ${type}`, () => assert.equal(of(type), schema))
  }
})

const openToIds = `/** @pattern ^[A-Z]+$ */ type Id = string
interface Base { [id: Id]: number }
interface Below extends Base {}`

describe('objects', () => {
  for (const [what, type, schema, declarations] of [
    ['optional properties', '{ a?: string }', 'Type.Object({ a: Type.Optional(Type.String()), })', ''],
    [
      'properties that may be undefined',
      '{ a: string | undefined }',
      'Type.Object({ a: Type.Optional(Type.String()), })',
      '',
    ],
    [
      'properties that must not be there',
      '{ a: 1; b?: never }',
      'Type.Object({ a: Type.Literal(1), b: Type.Optional(Type.Never()), })',
      '',
    ],
    ['unknown, which must be there', '{ a: unknown }', 'Type.Object({ a: Type.Unknown(), })', ''],
    [
      'names in quotes',
      "{ 'a-b': 1; $c: 2; 3: 4 }",
      "Type.Object({ 'a-b': Type.Literal(1), $c: Type.Literal(2), '3': Type.Literal(4), })",
      '',
    ],
    ['names with two underscores', '{ __typename: string }', 'Type.Object({ __typename: Type.String(), })', ''],
    ['Record', 'Record<string, number>', 'Type.Object({}, { additionalProperties: Type.Number() })', ''],
    [
      'Record by a branded text',
      "Record<string & { readonly __brand: 'Id' }, number>",
      'Type.Object({}, { additionalProperties: Type.Number() })',
      '',
    ],
    [
      'index signature of a branded text with a pattern, by name',
      'Record<Id, number>',
      "Type.Object({}, { patternProperties: { '^[A-Z]+$': Type.Number(), }, additionalProperties: Type.Never(), })",
      '/** @pattern ^[A-Z]+$ */ type Id = string & { readonly __brand: unique symbol }',
    ],
    [
      'index signature of a text with a pattern, in a type',
      '{ [id: Id]: number }',
      "Type.Object({}, { patternProperties: { '^[A-Z]+$': Type.Number(), }, additionalProperties: Type.Never(), })",
      '/** @pattern ^[A-Z]+$ */ type Id = string',
    ],
    [
      'index signature of a text with a pattern, in an intersection',
      'Base & { a: number }',
      "Type.Object({ a: Type.Number(), }, { patternProperties: { '^[A-Z]+$': Type.Number(), }, additionalProperties: Type.Never(), })",
      openToIds,
    ],
    [
      'index signature of a text with a pattern, in a mapped intersection',
      'Partial<Base & { a: number }>',
      "Type.Object({ a: Type.Optional(Type.Number()), }, { patternProperties: { '^[A-Z]+$': Type.Number(), }, additionalProperties: Type.Never(), })",
      openToIds,
    ],
    [
      'index signature of a text with a pattern, in a mapped interface that inherits it',
      'Readonly<Below>',
      "Type.Object({}, { patternProperties: { '^[A-Z]+$': Type.Number(), }, additionalProperties: Type.Never(), })",
      openToIds,
    ],
    [
      'Record by a branded template',
      'Record<`o-${string}` & { readonly __brand: 1 }, number>',
      "Type.Object({}, { patternProperties: { '^o-[\\\\s\\\\S]*$': Type.Number(), }, })",
      '',
    ],
    ['Record of known names', "Record<'b' | 'a', number>", 'Type.Object({ a: Type.Number(), b: Type.Number(), })', ''],
    [
      'an index signature beside properties',
      '{ a: 1; [name: string]: number }',
      'Type.Object({ a: Type.Literal(1), }, { additionalProperties: Type.Number() })',
      '',
    ],
    [
      'index signatures by pattern',
      '{ [name: `x-${string}`]: string }',
      "Type.Object({}, { patternProperties: { '^x-[\\\\s\\\\S]*$': Type.String(), }, })",
      '',
    ],
    [
      'Partial',
      'Partial<I>',
      'Type.Object({ a: Type.Optional(Type.String()), b: Type.Optional(Type.Number()), })',
      'interface I { a: string; b?: number }',
    ],
    [
      'Required',
      'Required<I>',
      'Type.Object({ a: Type.String(), b: Type.Number(), })',
      'interface I { a: string; b?: number }',
    ],
    [
      'Pick, in the order of the declaration',
      "Pick<I, 'b' | 'a'>",
      'Type.Object({ a: Type.String(), b: Type.Number(), })',
      'interface I { a: string; b: number; c: 1 }',
    ],
    ['Omit', "Omit<I, 'a'>", 'Type.Object({ b: Type.Number(), })', 'interface I { a: string; b: number }'],
    [
      "a mapped type of one's own",
      '{ readonly [K in keyof I as `get${Capitalize<K>}`]: I[K] }',
      'Type.Object({ getA: Type.String(), })',
      'interface I { a: string }',
    ],
    ['an intersection', '{ a: string } & { b: number }', 'Type.Object({ a: Type.String(), b: Type.Number(), })', ''],
    ['an intersection that narrows', '{ a: string } & { a: "x" }', "Type.Object({ a: Type.Literal('x'), })", ''],
    [
      'a conditional type',
      'I extends { a: string } ? { yes: I["a"] } : never',
      'Type.Object({ yes: Type.String(), })',
      'interface I { a: string }',
    ],
    ['typeof a constant', 'typeof sample', 'Type.Object({ a: Type.Literal(1), })', 'const sample = { a: 1 } as const'],
  ] as const) {
    it(`derives ${what}`, () => assert.equal(of(type, declarations), schema))
  }

  it('derives what an interface extends, own properties first', () => {
    const found = definitions(
      'interface Base { id: string }\ninterface Value extends Base, Other { own: 1 }\ninterface Other { o: 2 }',
    )
    assert.deepEqual(found, { Value: 'Type.Object({ id: Type.String(), own: Type.Literal(1), o: Type.Literal(2), })' })
  })

  it('keeps the pattern of the names of an index signature, in an interface', () => {
    const found = definitions('/** @pattern ^[A-Z]+$ */ type Id = string\ninterface Value { [id: Id]: number }')
    const expected =
      "Type.Object({}, { patternProperties: { '^[A-Z]+$': Type.Number(), }, additionalProperties: Type.Never(), })"
    assert.equal(found.Value, expected)
  })

  it('keeps the pattern of the names of an index signature, in an interface that inherits it', () => {
    const found = definitions(`${openToIds}\ninterface Value extends Below {}`)
    const expected =
      "Type.Object({}, { patternProperties: { '^[A-Z]+$': Type.Number(), }, additionalProperties: Type.Never(), })"
    assert.equal(found.Value, expected)
  })

  it('takes a branded primitive for the primitive', () => {
    const found = definitions("type Id = string & { readonly __brand: 'Id' }\ninterface Value { id: Id }")
    assert.deepEqual(found, { Id: 'Type.String()', Value: 'Type.Object({ id: Id, })' })
  })
})

describe('template literals', () => {
  for (const [type, pattern] of [
    ['`order-${number}`', '^order--?(?:0|[1-9]\\\\d*)(?:\\\\.\\\\d+)?(?:[eE][-+]?\\\\d+)?$'],
    ['`${string}@${string}`', '^(?:(?!@)[\\\\s\\\\S])*@[\\\\s\\\\S]*$'],
    ['`a.b${bigint}`', '^a\\\\.b-?(?:0|[1-9]\\\\d*)$'],
  ] as const) {
    it(`derive a pattern from ${type}`, () => assert.equal(of(type), `Type.String({ pattern: '${pattern}' })`))
  }

  it('derive all texts where there is an end of them', () => {
    assert.equal(of("`${'a' | 'b'}-${boolean}`"), "Type.Enum(['a-false', 'a-true', 'b-false', 'b-true'])")
  })
})
