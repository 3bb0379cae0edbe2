/** What comments say about values, and which mistakes in them are told. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { schemaText } from '../../../../../cli/codegen/render/render-schemas.ts'
import { formats, readDocTags } from '../../../../../cli/codegen/schema/doc-tags.ts'
import { scan } from '../project-on-disk.ts'

function scanned(value: string) {
  return scan({
    'handlers/a.ts': `import { handler, topic } from 'pyrallel'\n${value}\nexport default handler(topic<Value>('values'), () => {})\n`,
  })
}

function of(value: string): string {
  const { definitions, diagnostics } = scanned(value)
  assert.deepEqual(diagnostics, [])
  const node = definitions.find(({ name }) => name === 'Value')?.node
  return node === undefined ? '' : schemaText(node, new Set()).replaceAll(/\s+/g, ' ')
}

function mistake(value: string) {
  const { diagnostics } = scanned(value)
  assert.equal(diagnostics.length, 1)
  return diagnostics[0]
}

describe('readDocTags', () => {
  it('reads constraints, one a line or several, and the description in front of them', () => {
    const { description, constraints, mistakes } = readDocTags(
      '/**\n * How many.\n * More text.\n *\n * @minimum 1 @maximum 10\n * @multipleOf 0.5\n * @deprecated since long\n */',
    )
    assert.deepEqual(
      { description, constraints, mistakes },
      {
        description: 'How many. More text.',
        constraints: { minimum: 1, maximum: 10, multipleOf: 0.5 },
        mistakes: [],
      },
    )
  })

  it('takes the rest of the line for a pattern, whatever is in it', () => {
    const { constraints } = readDocTags('/** @pattern ^[a-z]+ @[a-z]{2,}\\.com$ */')
    assert.deepEqual(constraints, { pattern: '^[a-z]+ @[a-z]{2,}\\.com$' })
  })

  it('reads Windows line ends, @description, and comments without a star in front', () => {
    assert.deepEqual(readDocTags('/**\r\n  @description What it is.\r\n  @minLength 2\r\n*/'), {
      description: 'What it is.',
      constraints: { minLength: 2 },
      mistakes: [],
      warnings: [],
    })
  })

  for (const [comment, message] of [
    ['@minimum 5 @maximum 3', '@maximum is 3, and @minimum is 5: no value satisfies both.'],
    ['@exclusiveMaximum 5 @minimum 5', '@exclusiveMaximum is 5, and @minimum is 5: no value satisfies both.'],
    ['@exclusiveMinimum 3 @maximum 3', '@maximum is 3, and @exclusiveMinimum is 3: no value satisfies both.'],
    [
      '@exclusiveMinimum 3 @exclusiveMaximum 3',
      '@exclusiveMaximum is 3, and @exclusiveMinimum is 3: no value satisfies both.',
    ],
    ['@minLength 2 @maxLength 1', '@maxLength is 1, and @minLength is 2: no value satisfies both.'],
    ['@minItems 2 @maxItems 1', '@maxItems is 1, and @minItems is 2: no value satisfies both.'],
  ] as const) {
    it(`refuses bounds that exclude every value, where the upper one stands: ${comment}`, () => {
      const text = `/** ${comment} */`
      const [found, ...others] = readDocTags(text).mistakes
      assert.equal(found?.message, message)
      assert.match(text.slice(found.start, found.end), /^@\w*[mM]ax\w* \d$/)
      assert.deepEqual(others, [])
    })
  }

  it('takes bounds that leave one value', () => {
    assert.deepEqual(readDocTags('/** @minimum 3 @maximum 3 @minLength 1 @maxLength 1 */').mistakes, [])
  })

  for (const [comment, message, fix] of [
    ['/** @minimum */', "@minimum is followed by '', which is no number", /@minimum 1/],
    ['/** @minimum many */', "@minimum is followed by 'many'", /@minimum 1/],
    ['/** @minLength -1 */', '@minLength is -1, but it counts', /whole number/],
    ['/** @maxItems 1.5 */', '@maxItems is 1.5, but it counts', /whole number/],
    ['/** @multipleOf 0 */', '@multipleOf is 0', /above 0/],
    ['/** @pattern [ */', "The @pattern '[' is no regular expression", /flag `u`/],
    ['/** @pattern */', '@pattern is followed by nothing', /Write the expression/],
    ['/** @format emial */', "There is no format 'emial'", /Did you mean 'email'\?/],
    ['/** @format credit-card */', "There is no format 'credit-card'", /^The formats are date-time/],
    ['/** @minimun 1 */', 'There is no constraint @minimun', /Did you mean @minimum\?/],
    ['/** @min 1 */', 'There is no constraint @min.', /Did you mean @minimum\?/],
    ['/** @regex a */', 'There is no constraint @regex', /Did you mean @pattern\?/],
  ] as const) {
    it(`says what is wrong with ${comment}, and where`, () => {
      const [found, ...others] = readDocTags(comment).mistakes
      assert.deepEqual(others, [])
      assert.ok(found?.message.startsWith(message), found?.message)
      assert.match(found?.fix ?? '', fix)
      assert.equal(comment.slice(found?.start, found?.end), comment.slice(4, -3))
    })
  }

  for (const [comment, message] of [
    [
      '@minimum 0.011 @maximum 0.019 @multipleOf 0.01',
      '@multipleOf is 0.01, @maximum is 0.019, and @minimum is 0.011: no',
    ],
    [
      '@exclusiveMinimum 0.1 @exclusiveMaximum 0.2 @multipleOf 0.1',
      '@multipleOf is 0.1, @exclusiveMaximum is 0.2, and',
    ],
    ['@maxLength 2 @pattern ^[A-Z]{3}$', '@maxLength is 2, and @pattern is ^[A-Z]{3}$: no value satisfies both.'],
    ['@minLength 5 @pattern ^(?:a|bc)\\d?$', '@minLength is 5, and @pattern is'],
    ['@minLength 37 @format uuid', '@minLength is 37, and @format is uuid: no value satisfies both.'],
    ['@maxLength 9 @format date', '@maxLength is 9, and @format is date: no value satisfies both.'],
    ['@format email @pattern ^[a-z]+$', '@pattern is ^[a-z]+$, and @format is email: no value satisfies both.'],
    ['@format uuid @pattern ^[-a-f0-9]{3}$', '@pattern is ^[-a-f0-9]{3}$, and @format is uuid: no'],
    ['@pattern /^[a-z]+$/', "The @pattern '/^[a-z]+$/' is written with its slashes"],
    ['@pattern /[a-z]/i', "The @pattern '/[a-z]/i' is written with its slashes"],
    ['@pattern "^[a-z]+$"', 'The @pattern \'"^[a-z]+$"\' matches no text'],
    ['@pattern (?:a^|b$c|[])', "The @pattern '(?:a^|b$c|[])' matches no text"],
    ['@minimum 1 @minimum 5', '@minimum is said twice in one comment.'],
    ['@maximum 9007199254740993', '@maximum is 9007199254740993, which is no number in JavaScript: the nearest one is'],
    ['@uniqueItems true', 'There is no constraint @uniqueItems.'],
  ] as const) {
    it(`refuses what no value satisfies, or what would be lost: ${comment}`, () => {
      const mistakes = readDocTags(`/** ${comment} */`).mistakes.map((mistake) => mistake.message)
      assert.equal(mistakes.length, 1, mistakes.join('\n'))
      assert.ok(mistakes[0]?.startsWith(message), mistakes[0])
    })
  }

  for (const comment of [
    '@minimum 0.01 @maximum 0.019 @multipleOf 0.01',
    '@minimum 0 @exclusiveMaximum 0.3 @multipleOf 0.2',
    '@minimum -1 @maximum 1 @multipleOf 7',
    '@minimum 1070468.14 @maximum 1070468.14 @multipleOf 0.01',
    '@maxLength 3 @pattern ^[A-Z]{3}$',
    '@maxLength 1 @pattern ^.{3}$',
    '@minLength 5 @pattern ^[a-z]+$',
    '@minLength 5 @pattern [a-z]',
    '@minLength 9 @pattern ^(a|b)\\1$',
    '@format email @pattern ^[a-z@.]+$',
    '@format uuid @pattern ^[0-9a-f-]+$',
    '@pattern ^\\/api\\/$',
    '@pattern (?=^)a',
    '@pattern ^$',
    '@pattern (^a|b)$',
    '@pattern a*^b',
  ] as const) {
    it(`takes what some value satisfies: ${comment}`, () => {
      assert.deepEqual(readDocTags(`/** ${comment} */`).mistakes, [])
    })
  }

  it('takes no notice of tags of others', () => {
    const others =
      '/** @see x @example 1 @default 5 @param a @returns b @template T @internal @since 1 @readonly @todo */'
    assert.deepEqual(readDocTags(others).mistakes, [])
  })

  it('knows the formats that TypeBox checks, and no other', () => {
    // A value that no format admits: one that is let through is not checked.
    for (const format of formats) {
      const bad = format === 'regex' ? '(' : format === 'uri-template' ? '{' : '\u0000 \\ %'
      assert.equal(Compile(Type.String({ format })).Check(bad), false, format)
    }
  })
})

describe('comments in types, which no value satisfies together', () => {
  for (const [declarations, message] of [
    ['interface Value { /** @minimum 5 */ a: 1 | (number & { __b: 1 }) }', 'minimum 5 and the value 1'],
    [
      'type Value = { /** @maxLength 2 */ a: Id | 7 | "abc" }\n/** @minLength 1 */ type Id = string',
      'maxLength 2 and the value "abc"',
    ],
    [
      'type Value = { /** @pattern ^a */ a: Id | "b" }\n/** @minLength 1 */ type Id = string',
      'pattern ^a and the value "b"',
    ],
    ['type Value = { /** @minItems 3 */ a: [string, string?] }', '@minItems 3 and a tuple of 1 to 2 elements'],
    ['type Value = { /** @maxItems 1 */ a: [string, string] }', '@maxItems 1 and a tuple of 2 elements'],
    ['type Value = { /** @maxItems 1 */ a: [string, string, ...number[]] }', 'a tuple of 2 elements and more'],
    ['type Value = { /** @maxLength 2 */ a: Sku }\n/** @pattern ^[A-Z]{3}$ */ type Sku = string', '@pattern'],
  ] as const) {
    it(`are refused: ${declarations}`, () => {
      const { diagnostics } = scan({
        'handlers/a.ts': `import { handler, topic } from 'pyrallel'\n${declarations}\nexport default handler(topic<Value>('values'), () => {})\n`,
      })
      assert.equal(diagnostics.length, 1)
      assert.ok(diagnostics[0]?.message.includes(message), diagnostics[0]?.message)
    })
  }

  it('are not meant where one says what the other says already', () => {
    assert.equal(
      of(
        'type Value = { /** @minItems 1 @maxItems 9 */ a: [string, string?]; /** @multipleOf 0.1 */ b: Cents }\n/** @multipleOf 0.01 */ type Cents = number',
      ),
      "Type.Object({ a: Type.Unsafe({ type: 'array', items: [Type.String(), Type.String()], minItems: 1, additionalItems: false, }), b: Type.Number({ multipleOf: 0.1 }), })",
    )
    assert.equal(
      of('type Value = { /** @minItems 1 */ a: [string, string, number?] }'),
      "Type.Object({ a: Type.Unsafe({ type: 'array', items: [Type.String(), Type.String(), Type.Number()], minItems: 2, additionalItems: false, }), })",
    )
  })
})

describe('comments in types', () => {
  it('become constraints and descriptions, also in one line with other properties', () => {
    assert.equal(
      of(
        '/** A value. */ interface Value { a: string; /** @minimum 0 */ b: number; /** Some. @minItems 1 */ c: string[] }',
      ),
      "Type.Object({ a: Type.String(), b: Type.Number({ minimum: 0 }), c: Type.Array(Type.String(), { minItems: 1, description: 'Some.' }), }, { description: 'A value.' })",
    )
  })

  it('behind a property on the same line are refused: they are not those of the next one', () => {
    const told = mistake('interface Value { a: number /** @minimum 0 */\n b: number }')
    assert.deepEqual(
      [told?.line, told?.column, told?.message],
      [2, 33, '@minimum stands where nothing reads it: it would be lost.'],
    )
  })

  it('are those of an alias where a property is written with it, also in arrays and with null', () => {
    assert.equal(
      of(
        '/** @minLength 3 */ type Sku = string\ntype Name = Sku\ninterface Value { a: Sku; b?: Sku | null; c: readonly Sku[]; d: Name }',
      ),
      'Type.Object({ a: Type.String({ minLength: 3 }), b: Type.Optional(Type.Union([Type.String({ minLength: 3 }), Type.Null()])), c: Type.Array(Type.String({ minLength: 3 })), d: Type.String({ minLength: 3 }), })',
    )
  })

  it('of a property stand for it alone, where its type has a name', () => {
    assert.equal(
      of(
        'type Money = number & { readonly __brand: 1 }\ninterface Value { /** @minimum 0 */ a: Money; b: Money; /** @minItems 1 */ c: readonly Money[] }',
      ),
      'Type.Object({ a: Type.Number({ minimum: 0 }), b: Money, c: Type.Array(Money, { minItems: 1 }), })',
    )
  })

  it('go to the member of a union that they fit', () => {
    assert.equal(
      of('interface Value { /** @maximum 5 */ a: number | string | null }'),
      'Type.Object({ a: Type.Union([Type.Number({ maximum: 5 }), Type.String(), Type.Null()]), })',
    )
  })

  it('are kept by Partial and Pick, and constraints are left out where a mapped type gives another type', () => {
    const item = '/** How many. @minimum 1 */ interface Item { /** The count. @minimum 1 */ n: number }\n'
    const plain = item.replace('How many. @minimum 1', 'An item.')
    assert.match(of(`${plain}type Value = Partial<Item>`), /n: Type.Optional\(Type.Number\(\{ minimum: 1,/)
    assert.match(
      of(`${plain}type Value = { [K in keyof Item]: string }`),
      /n: Type.String\(\{ description: 'The count.' \}\)/,
    )
  })

  it('are refused where they do not fit, with the place of the tag', () => {
    const found = mistake('interface Value { /** @minLength 1 */ n: number }')
    assert.equal(found?.code, 'PYR_TYPE')
    assert.match(found?.message ?? '', /^@minLength can be said of a text, and `Value\.n` is none/)
    assert.match(found?.frame ?? '', /\^{10}$/m)
  })

  it('are refused with a misspelled tag', () => {
    assert.match(mistake('interface Value { /** @maxlen 1 */ n: string }')?.fix ?? '', /@maxLength/)
  })
})

describe('a pattern that goes back and forth', () => {
  const comment =
    'interface Value { /** @pattern ^(a+)+$ */ readonly a: string; /** @pattern ^[a-z]+$ */ readonly b: string }'

  it('is a warning at its place, and is generated all the same', () => {
    const { definitions, diagnostics, warnings } = scanned(comment)
    assert.deepEqual([diagnostics, warnings.length], [[], 1])
    const [warning] = warnings
    assert.equal(warning?.code, 'PYR_PATTERN')
    assert.match(warning.frame, /@pattern \^\(a\+\)\+\$[\s\S]*\^{10}/)
    assert.match(warning.message, /'\^\(a\+\)\+\$' can take very long .* a repetition inside of another one/)
    assert.match(definitions.map(({ node }) => schemaText(node, new Set())).join(), /\(a\+\)\+/)
  })

  it('is a warning in a schema of the project too, at its topic', () => {
    const { warnings } = scan({
      'handlers/a.ts': `import { handler, topic, Type } from 'pyrallel'
const values = topic('values', { schema: Type.Object({ a: Type.String({ pattern: '^\\\\s*\\\\s*$' }) }) })
export default handler(values, () => {})
`,
    })
    assert.deepEqual(
      warnings.map(({ code, line }) => [code, line]),
      [['PYR_PATTERN', 2]],
    )
  })

  it('is a warning too where it is one for the names of properties', () => {
    const { warnings } = scan({
      'handlers/a.ts': `import { handler, topic, Type } from 'pyrallel'
const values = topic('values', { schema: Type.Unsafe<object>({ type: 'object', patternProperties: { '^\\s*\\s*$': { type: 'number' } } }) })
export default handler(values, () => {})
`,
    })
    assert.deepEqual(
      warnings.map(({ code, line }) => [code, line]),
      [['PYR_PATTERN', 2]],
    )
  })
})
