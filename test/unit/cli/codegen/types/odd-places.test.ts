/** What is written is kept, or refused with the place: comments where nothing reads them, properties that are renamed, types that are made of code. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { schemaText } from '../../../../../cli/codegen/render/render-schemas.ts'
import { scan } from '../project-on-disk.ts'

const names = '/** @pattern ^x */ type X = string\ninterface Full { /** @minLength 3 */ a: string; b?: number }\n'

function scanned(declarations: string) {
  const { definitions, diagnostics } = scan({
    'handlers/a.ts': `import { handler, topic } from 'pyrallel'\n${declarations}\nexport default handler(topic<Value>('values'), () => {})\n`,
  })
  const node = definitions.find(({ name }) => name === 'Value')?.node
  return {
    value: node === undefined ? '' : schemaText(node, new Set()).replaceAll(/\s+/g, ' '),
    told: diagnostics.map(({ line, column, message }) => `${line}:${column} ${message}`),
  }
}

describe('a comment that constrains', () => {
  for (const [where, declaration, column] of [
    ['behind a property', 'interface Value { a: string /** @minLength 3 */\n b: string }', 33],
    ['behind a type', 'type Value = string /** @minLength 3 */', 25],
    ['in front of the type of a property', 'interface Value { a: /** @minLength 3 */ string }', 26],
    ['in front of an element', 'interface Value { a: (/** @minLength 3 */ string)[] }', 27],
    ['in front of an element of a tuple', 'type Value = [/** @minLength 3 */ string]', 19],
    ['in front of a member of a union', 'type Value = { a: null | /** @minLength 3 */ string }', 30],
    ['behind `readonly`', 'interface Value { readonly /** @minLength 3 */ a: string }', 32],
    ['in front of another comment', 'interface Value { /** @minLength 3 */ /** @maxLength 9 */ a: string }', 23],
    ['in front of an index signature', 'interface Value { /** @minLength 3 */ [name: string]: string }', 23],
    ['in front of a type parameter', 'type Value = Of<3>\ntype Of</** @minimum 1 */ T> = { v: T }', 13],
  ] as const) {
    it(`is refused ${where}, where nothing reads it`, () => {
      const { told } = scanned(declaration)
      const tag = declaration.includes('@minimum') ? 'minimum' : 'minLength'
      const line = declaration.includes('Of<') ? 3 : 2
      assert.deepEqual(told, [`${line}:${column} @${tag} stands where nothing reads it: it would be lost.`])
    })
  }

  it('is read directly in front of a property or a type, and is no matter in a text or apart from all types', () => {
    const { value, told } = scanned(
      'const x = 1 /** about @minLength 3 */\n\n/** @maxLength 4 */ export type Ok = string\n' +
        // biome-ignore lint/suspicious/noTemplateCurlyInString: source text of a handler file.
        "interface Value { ok: Ok; /** @minLength 3 */ readonly a: string; t: `${number}/** @minLength 3 */`; n: 'x' }",
    )
    assert.deepEqual(told, [])
    assert.match(value, /ok: Type\.String\(\{ maxLength: 4 \}\), a: Type\.String\(\{ minLength: 3 \}\)/)
  })
})

describe('a constraint', () => {
  for (const [what, declaration, place, name] of [
    [
      'of a property that is renamed',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: source text of a handler file.
      'interface Value { p: { [K in keyof Full as `x_${K}`]: Full[K] } }',
      'Value.p.x_a',
      'a',
    ],
    [
      'of what a function returns',
      'declare function f(): X\ninterface Value { p: ReturnType<typeof f> }',
      'Value.p',
      'X',
    ],
    [
      'of a parameter that is returned',
      'function f(a: X) { return { a } }\ninterface Value { p: ReturnType<typeof f> }',
      'Value.p',
      'X',
    ],
    ['of parameters', 'declare function f(a: X): void\ninterface Value { p: Parameters<typeof f> }', 'Value.p', 'X'],
    ['of a part of a value', "const s = { a: 'x' as X }\ninterface Value { p: typeof s }", 'Value.p.a', 'X'],
    [
      'of a value that is a part of another',
      "const a: X = 'x'\nconst s = { a }\ninterface Value { p: typeof s }",
      'Value.p.a',
      'X',
    ],
  ] as const) {
    it(`${what} is refused, with the place, where it cannot be followed`, () => {
      const { told } = scanned(names + declaration)
      assert.deepEqual(
        told.map((each) => each.replace(/^\S+ /, '')),
        [`\`${place}\` is written with \`${name}\`, whose constraint cannot be followed to here: it would be lost.`],
      )
    })
  }

  for (const [what, declaration, expected] of [
    ['of a declared value', "const u: X = 'x'\ninterface Value { p: typeof u }", "Type.String({ pattern: '^x' })"],
    [
      'of a property of a class that is picked',
      "class C { /** @minLength 2 */ n!: string; m = 1 }\ntype Value = { p: Pick<C, 'n'>['n'] }",
      'Type.String({ minLength: 2 })',
    ],
    [
      'of a property that a constructor declares',
      "class C { constructor(readonly n: X) {} }\ntype Value = { p: Pick<C, 'n'>['n'] }",
      "Type.String({ pattern: '^x' })",
    ],
  ] as const) {
    it(`${what} is kept`, () => {
      const { value, told } = scanned(names + declaration)
      assert.deepEqual(told, [])
      assert.equal(value, `Type.Object({ p: ${expected}, })`)
    })
  }

  it('is none where code and names have none: what is made of them is followed as tsc follows it', () => {
    const { value, told } = scanned(
      "function f(x: { y: string }) { return { n: 'a', m: x.y } }\ninterface Plain { a: string }\n" +
        // biome-ignore lint/suspicious/noTemplateCurlyInString: source text of a handler file.
        'type Value = { f: ReturnType<typeof f>; r: { [K in keyof Plain as `x_${K}`]: Plain[K] } }',
    )
    assert.deepEqual(told, [])
    assert.equal(
      value,
      'Type.Object({ f: Type.Object({ n: Type.String(), m: Type.String(), }), r: Type.Object({ x_a: Type.String(), }), })',
    )
  })

  it('is none of `void`, which a property is that is not there', () => {
    const { value, told } = scanned('interface Value { a: void; b: string | void }')
    assert.deepEqual(told, [])
    assert.equal(value, 'Type.Object({ a: Type.Optional(Type.Never()), b: Type.Optional(Type.String()), })')
  })
})
