/** Types that cannot become a schema: what is said, where, and what to write instead. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Diagnostic, diagnosticText } from '../../../../cli/diagnostics/diagnostic.ts'
import { scan } from './project-on-disk.ts'

function refusals(declarations: string, files: Readonly<Record<string, string>> = {}): readonly Diagnostic[] {
  return scan({
    'handlers/a.ts': `import { handler, topic } from 'pyrallel'\n${declarations}\nexport default handler(topic<Value>('values'), () => {})\n`,
    ...files,
  }).diagnostics
}

function only(declarations: string, files: Readonly<Record<string, string>> = {}): Diagnostic {
  const found = refusals(declarations, files)
  assert.equal(found.length, 1, found.map(diagnosticText).join('\n\n'))
  const [diagnostic] = found
  assert.ok(diagnostic !== undefined)
  assert.equal(diagnostic.code, 'PYR_TYPE')
  return diagnostic
}

/** What is underlined. */
function marked({ frame }: Diagnostic): string {
  const lines = frame.split('\n')
  const at = lines.findIndex((line) => /^\s*\|\s*\^+$/.test(line))
  const marks = lines[at] ?? ''
  return (lines[at - 1] ?? '').slice(marks.indexOf('^'), marks.lastIndexOf('^') + 1)
}

describe('a property of a type that JSON does not have', () => {
  for (const [type, message, fix] of [
    ['Date', /^`Value\.p` is a `Date`: JSON has no dates/, /`string` with the comment .*@format date-time/],
    ['Map<string, number>', /is a `Map<string, number>`: JSON.stringify\(\) makes `\{\}`/, /Record<string, \.\.\.>/],
    ['ReadonlySet<string>', /is a `ReadonlySet<string>`: JSON.stringify\(\) makes `\{\}`/, /an array/],
    ['WeakMap<object, 1>', /is a `WeakMap/, /Record/],
    ['RegExp', /is a `RegExp`/, /new RegExp\(text\)/],
    ['TypeError', /is a `TypeError`/, /name: string; message: string/],
    ['Promise<string>', /still to come/, /what it resolves to/],
    ['Uint8Array', /is a `Uint8Array.*JSON has no bytes/, /base64/],
    ['ArrayBuffer', /JSON has no bytes/, /base64/],
    ['Function', /JSON has no functions/, /Leave it out/],
    ['String', /the object around a text/, /Write `string`/],
    ['Iterable<string>', /an object with code/, /interface/],
    ['() => void', /^`Value\.p` is a function/, /Leave it out/],
    ['new () => object', /is a function/, /Leave it out/],
    ['symbol', /`symbol`, which JSON cannot carry/, /Leave it out/],
    ['bigint', /`bigint`, which JSON cannot carry/, /BigInt\(text\)/],
    ['5n', /`5n`, which JSON cannot carry/, /BigInt\(text\)/],
    ['any', /^`Value\.p` is `any`, which turns all checks off/, /Write `unknown`/],
    ['object', /is `object`, which arrays and functions have too/, /Record<string, unknown>/],
    ['{}', /is `\{\}`, which every value/, /Record<string, unknown>/],
    ['string & number', /is `never`: no value has this type/, /exclude each other/],
    ['Uppercase<string>', /is `Uppercase<string>`, a text that/, /@pattern/],
    ['Missing', /^`Missing` is not known here: nothing declares it/, /import type/],
    ['[Box | string?]', /^`string\?` is written as in a comment of JavaScript/, /parentheses: `\[\(A \| B\)\?\]`/],
    ['?string', /^`\?string` is written as in a comment of JavaScript/, /string \| null/],
    ['URL', /is a `URL`: JSON.stringify\(\) makes a text/, /@format uri/],
    ['Buffer', /is a `Buffer`: JSON has no bytes/, /base64/],
    ['[...string[], number]', /a tuple with elements behind `\.\.\.`/, /Put the `\.\.\.` last/],
    ['(string | undefined)[]', /^`Value\.p\[\]` may be `undefined`/, /Write `null`/],
    ['[string | undefined]', /^`Value\.p\[0\]` may be `undefined`/, /Write `null`/],
    ['Record<symbol, 1>', /an index signature for `symbol`/, /for `string`/],
    ['string[] & { extra: 1 }', /neither an object nor a branded primitive/, /one interface/],
    ['Box', /an instance of the class `Box`/, /Write an interface/],
    ['Endless<string>', /grows with every level/, /same type arguments/],
    ['{ a: string } & Record<string, number>', /^`Value\.p\.a` is `string`, but the index signature/, /Widen/],
    ['{ inner: { deep: Date[] } }', /^`Value\.p\.inner\.deep\[\]` is a `Date`/, /date-time/],
    ['{ __proto__: string }', /the one name that objects in JavaScript do not treat as data/, /Rename/],
    ['{ "a b": symbol }', /^`Value\.p\."a b"` is `symbol`/, /Leave it out/],
  ] as const) {
    it(`is refused for ${type}`, () => {
      const source = `class Box { value = 1 }\ninterface Endless<T> { next?: Endless<T[]> }\ninterface Value { p: ${type} }`
      const diagnostic = only(source)
      assert.match(diagnostic.message, message)
      assert.match(diagnostic.fix, fix)
      assert.ok(`${marked(diagnostic)}`.length > 0)
    })
  }

  it('is refused where the property is declared, in whichever file, with what is around it', () => {
    const diagnostic = only("import type { Item } from '../items.ts'\ntype Value = { items: Item[] }", {
      'items.ts': 'export interface Item {\n  id: string\n  at: Date\n}\n',
    })
    assert.equal(
      diagnosticText(diagnostic),
      [
        'items.ts:3:7 PYR_TYPE',
        '`Item.at` is a `Date`: JSON has no dates: JSON.stringify() makes a text of one, and nothing makes a Date of it again.',
        '',
        '  1 | export interface Item {',
        '  2 |   id: string',
        '> 3 |   at: Date',
        '    |       ^^^^',
        '  4 | }',
        '  5 |',
        '',
        'Fix: Write `string` with the comment `/** @format date-time */`, and `new Date(text)` in the handler.',
      ].join('\n'),
    )
  })

  it('is told once, however often the type is used', () => {
    only('interface Item { at: Date }\ninterface Value { a: Item; b: Item[]; c?: Partial<Item> }')
  })

  it('is told for every property that is wrong, in one go', () => {
    const found = refusals('interface Value { a: Date; b: string; c: Map<string, 1>; d(): void }')
    assert.deepEqual(found.map(marked), ['Date', 'Map<string, 1>', 'd(): void'])
  })
})

describe('a whole value', () => {
  for (const [type, message] of [
    ['undefined', /may be `undefined`/],
    ['string | undefined', /may be `undefined`/],
    ['void', /may be `undefined`/],
    ['any', /`Value` is `any`/],
    ['never', /is `never`/],
    ['Date', /is a `Date`/],
  ] as const) {
    it(`is refused for ${type}, at the topic`, () => {
      const diagnostic = only(`type Value = ${type}`)
      assert.match(diagnostic.message, message)
      assert.equal(marked(diagnostic), 'Value')
    })
  }

  it('is refused for a type parameter', () => {
    const { diagnostics } = scan({
      'handlers/a.ts':
        "import { handler, topic } from 'pyrallel'\nfunction declare<T>() {\n  return topic<T>('values')\n}\nexport default handler('a', () => declare())\n",
    })
    assert.match(diagnostics[0]?.message ?? '', /a type parameter/)
  })
})

describe('names that JSON does not have, or that are dangerous', () => {
  it('are refused for symbols', () => {
    const diagnostic = only('declare const tag: unique symbol\ninterface Value { id: string; [tag]: 1 }')
    assert.match(diagnostic.message, /^`Value\[tag\]` is named by a symbol/)
  })

  it('are refused for __proto__', () => {
    assert.match(only("interface Value { ['__proto__']: string }").message, /do not treat as data/)
  })
})

describe('a class', () => {
  it('is refused also where it only has fields', () => {
    assert.match(only('class Value { id = "" }').message, /an instance of the class `Value`/)
  })

  it('is no obstacle as a type that is made of it', () => {
    assert.deepEqual(refusals('class Box { value = 1 }\ntype Value = Pick<Box, "value">'), [])
  })
})

describe('one topic with two types', () => {
  const files = (second: string) => ({
    'handlers/a.ts':
      "import { handler, topic } from 'pyrallel'\nexport default handler(topic<{ id: string }>('orders'), () => {})\n",
    'handlers/b.ts': `import { handler, topic } from 'pyrallel'\nexport default handler(topic<${second}>('orders'), { group: 'b' }, () => {})\n`,
  })

  it('is refused at the later declaration', () => {
    const { diagnostics } = scan(files('{ id: number }'))
    assert.deepEqual(
      diagnostics.map(({ code, file, line }) => `${code} ${file}:${line}`),
      ['PYR_TOPIC_TYPE handlers/b.ts:2'],
    )
    assert.match(diagnostics[0]?.message ?? '', /'orders' is declared before \(handlers\/a\.ts:2\), with another type/)
  })

  it('is fine where the types say the same', () => {
    assert.deepEqual(scan(files('{ id: string }')).diagnostics, [])
  })
})
