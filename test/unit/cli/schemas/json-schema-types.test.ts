/** The types that values of a JSON Schema have, and the constraints that the generator reads behind them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { jsonSchemaTypes } from '../../../../cli/schemas/json-schema-types.ts'
import type { NamedText } from '../../../../framework/formats/named-text.ts'

function typesOf(schema: unknown, ...references: readonly NamedText[]) {
  return jsonSchemaTypes(JSON.stringify(schema), references, 'orders-value', 'OrdersValue')
}

/** Of a property of that schema, without what else is declared. */
function typeOf(schema: unknown): string {
  const { declarations } = typesOf({ type: 'object', properties: { f: schema }, required: ['f'] })
  return /readonly f: ([\s\S]*)\n\}\n$/.exec(declarations[0] ?? '')?.[1] ?? declarations[0] ?? ''
}

const order = { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] }

describe('the type of a value', () => {
  for (const [schema, expected] of [
    [true, 'unknown'],
    [false, 'never'],
    [{}, 'unknown'],
    [{ type: 'string' }, 'string'],
    [{ type: 'number' }, 'number'],
    [{ type: 'integer' }, 'Integer'],
    [{ type: 'boolean' }, 'boolean'],
    [{ type: 'null' }, 'null'],
    [{ type: ['string', 'null'] }, 'string | null'],
    [{ type: 'string', nullable: true }, 'string | null'],
    [{ const: 'a' }, "'a'"],
    [{ enum: ['a', 1, null, true] }, "'a' | 1 | null | true"],
    [{ const: { a: [1] } }, '{ readonly a: readonly [1] }'],
    [{ type: 'array' }, 'readonly unknown[]'],
    [{ type: 'array', items: { type: ['string', 'null'] } }, 'readonly (string | null)[]'],
    [{ type: 'array', items: { type: 'array', items: { type: 'string' } } }, 'readonly (readonly string[])[]'],
    [
      { type: 'array', items: [{ type: 'string' }, { type: 'number' }], minItems: 1 },
      'readonly [string, number?, ...unknown[]]',
    ],
    [{ type: 'array', prefixItems: [{ type: 'string' }], minItems: 1, items: false }, 'readonly [string]'],
    [
      { type: 'array', items: [{ type: ['string', 'null'] }], additionalItems: { type: 'number' } },
      'readonly [(string | null)?, ...number[]]',
    ],
    [{ type: 'object' }, 'Readonly<Record<string, unknown>>'],
    [{ type: 'object', additionalProperties: { type: 'number' } }, 'Readonly<Record<string, number>>'],
    [{ type: 'object', additionalProperties: false }, 'Readonly<Record<string, never>>'],
    [
      { type: 'object', patternProperties: { '^a': { type: 'number' } }, additionalProperties: false },
      'Readonly<Record<string, unknown>>',
    ],
    [{ type: 'object', required: ['a-b'] }, "{\n    readonly 'a-b': unknown\n  }"],
    [{ properties: { a: { type: 'string' } } }, '{\n    readonly a?: string\n  }'],
    [{ minLength: 3 }, 'unknown'],
    [{ items: { type: 'string' } }, 'readonly string[]'],
    [{ anyOf: [{ type: 'string' }, { type: 'null' }] }, 'string | null'],
    [{ oneOf: [{ type: 'string' }, {}] }, 'unknown'],
    [{ anyOf: [{ type: 'string' }, { type: 'string', minLength: 3 }] }, 'string'],
    [{ anyOf: [{ type: 'string' }, false] }, 'string'],
    [{ type: 'string', not: { const: 'a' } }, 'string'],
    [{ type: 'string', anyOf: [{ minLength: 3 }, { pattern: 'a' }] }, 'string'],
    [
      {
        allOf: [
          { type: 'object', required: ['a'] },
          { type: 'object', required: ['b'] },
        ],
      },
      '{\n    readonly a: unknown\n  } & {\n    readonly b: unknown\n  }',
    ],
  ] as const) {
    it(`of ${JSON.stringify(schema)} is ${JSON.stringify(expected)}`, () => assert.equal(typeOf(schema), expected))
  }
})

describe('declarations', () => {
  it('begin with the value, named by its title, and have what is referred to once', () => {
    const { root, declarations } = typesOf({
      title: 'Order',
      description: 'An order.',
      type: 'object',
      definitions: {
        line: { type: 'object', properties: { sku: { $ref: '#/definitions/sku' } } },
        sku: { type: 'string' },
      },
      properties: {
        lines: { type: 'array', items: { $ref: '#/definitions/line' } },
        first: { $ref: '#/definitions/line' },
        parent: { $ref: '#' },
        customer: { title: 'Customer', ...order },
      },
      required: ['lines'],
    })
    assert.equal(root, 'Order')
    assert.equal(
      declarations.join('\n'),
      `/** An order. */
export interface Order {
  readonly lines: readonly Line[]
  readonly first?: Line
  readonly parent?: Order
  readonly customer?: Customer
}

export interface Line {
  readonly sku?: Sku
}

export type Sku = string

export interface Customer {
  readonly id: string
}
`,
    )
  })

  it('say by comments what the generator checks, and nothing that it would refuse', () => {
    const { declarations } = typesOf({
      type: 'object',
      required: ['sku', 'count', 'note', 'at', 'list', 'old'],
      properties: {
        sku: { type: 'string', pattern: '^[A-Z]{3}$', maxLength: 3, description: 'By @pattern, of course */' },
        count: { type: 'integer', minimum: 1, multipleOf: 2 },
        note: { type: ['string', 'null'], minLength: 1 },
        at: { type: 'string', format: 'date-time' },
        list: { type: 'array', items: { type: 'string' }, minItems: 1 },
        old: { type: 'number', minimum: 0, exclusiveMinimum: true },
        strange: { type: 'string', format: 'made-up', pattern: '(' },
        risky: { type: 'string', pattern: '^(a+)+$', minLength: 4 },
        never: { type: 'number', minimum: 3, maximum: 1 },
        odd: { type: 'string', pattern: '*/ export const a = 1 /*' },
      },
    })
    assert.equal(
      declarations[0],
      `export interface OrdersValue {
  /**
   * By \\@pattern, of course *\\/
   * @maxLength 3
   * @pattern ^[A-Z]{3}$
   */
  readonly sku: string
  /**
   * @minimum 1
   * @multipleOf 2
   */
  readonly count: Integer
  /** @minLength 1 */
  readonly note: string | null
  /** @format date-time */
  readonly at: string
  /** @minItems 1 */
  readonly list: readonly string[]
  /** @exclusiveMinimum 0 */
  readonly old: number
  readonly strange?: string
  /** @minLength 4 */
  readonly risky?: string
  /** @minimum 3 */
  readonly never?: number
  readonly odd?: string
}
`,
    )
    assert.equal(declarations[1], '/** @multipleOf 1 */\nexport type Integer = number\n')
  })

  it('have names of their own, whatever is called like them', () => {
    const { root, declarations } = typesOf({
      title: 'Record',
      type: 'object',
      properties: { a: { $ref: '#/$defs/Integer' }, b: { type: 'integer' } },
      $defs: { Integer: { type: 'string' } },
    })
    assert.equal(root, 'Record2')
    assert.match(declarations.join(''), /readonly a\?: Integer\n {2}readonly b\?: Integer2\n/)
  })
})

describe('what a schema refers to', () => {
  const money = {
    name: 'money.json',
    text: JSON.stringify({ $id: 'https://shop/money.json', title: 'Money', ...order }),
  }

  for (const [what, schema, references] of [
    ['by its name', { $ref: 'money.json' }, [money]],
    ['by its address', { $ref: 'https://shop/money.json' }, [money]],
    [
      'by its address, in short',
      { $id: 'https://shop/order.json', anyOf: [{ $ref: 'money.json#' }] },
      [{ ...money, name: 'm' }],
    ],
    ['by an anchor', { anyOf: [{ $ref: '#money' }], $defs: { a: { $anchor: 'money', title: 'Money', ...order } } }, []],
    [
      'by an anchor of old',
      { anyOf: [{ $ref: '#money' }], $defs: { a: { $id: '#money', title: 'Money', ...order } } },
      [],
    ],
    [
      'by a pointer with what must be written otherwise',
      { anyOf: [{ $ref: '#/$defs/a~1b%20c' }], $defs: { 'a/b c': { title: 'Money', ...order } } },
      [],
    ],
  ] as const) {
    it(`is found ${what}`, () => {
      const { declarations } = typesOf(schema, ...references)
      assert.match(declarations[0] ?? '', /^export type OrdersValue = Money\n/)
      assert.match(declarations[1] ?? '', /^export interface Money \{\n {2}readonly id: string\n/)
    })
  }

  for (const [schema, expected] of [
    [{ $ref: '#/$defs/nope' }, /the schema names #\/\$defs\/nope, which is not there/],
    [{ $ref: '#nope' }, /names #nope, which is not there/],
    [{ $ref: 'other.json' }, /names other\.json, which is not among its references/],
    [{ type: 'text' }, /has the type text, which JSON Schema does not know/],
    [{ properties: { a: 3 } }, /the schema\/properties\/a is neither an object nor a boolean/],
    [JSON.parse(`${'{"items":'.repeat(200)}{}${'}'.repeat(200)}`), /is more than 100 levels deep/],
  ] as const) {
    it(`is refused with its place: ${expected.source}`, () => {
      assert.throws(() => typesOf(schema), { code: 'PYR_SCHEMA_REFUSED', message: expected })
    })
  }
})
