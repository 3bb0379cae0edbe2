/** `Static<typeof Order>` of TypeBox: what the schema says is kept, or refused where only the type of it could be. */
import assert from 'node:assert/strict'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { schemaText } from '../../../../../cli/codegen/render/render-schemas.ts'
import { ProjectScanner } from '../../../../../cli/codegen/scan/scan-project.ts'
import { projectOnDisk } from '../project-on-disk.ts'

const checkout = join(import.meta.dirname, '../../../../..')

function scanned(declarations: string, type: string) {
  const root = projectOnDisk({
    'node_modules/.keep': '',
    'handlers/a.ts': `import { handler, topic } from 'pyrallel'
import { Type, type Static } from 'typebox'
const Order = Type.Object({ id: Type.String({ minLength: 2 }), count: Type.Number() })
${declarations}
export type Value = ${type}
export default handler(topic<Value>('values'), () => {})
`,
  })
  symlinkSync(join(checkout, 'node_modules/typebox'), join(root, 'node_modules/typebox'), 'dir')
  return new ProjectScanner(root).scan('shop')
}

describe('what a schema says more than its type', () => {
  for (const [type, path] of [
    ["Pick<Static<typeof Order>, 'id'>", 'Value.id'],
    ["Omit<Static<typeof Order>, 'count'>", 'Value.id'],
    ['Partial<Static<typeof Order>>', 'Value.id'],
    ['Static<typeof Order> & { note: string }', 'Value.id'],
    ["{ at: Static<typeof Order>['id'] }", 'Value.at'],
    ['Bought', 'Bought.id'],
  ] as const) {
    it(`is refused where it would be lost, with the place: ${type}`, () => {
      const { diagnostics } = scanned('interface Bought extends Static<typeof Order> { at: string }', type)
      assert.deepEqual(
        diagnostics.map(({ code, message }) => `${code} ${message}`),
        [
          `PYR_TYPE \`${path}\` is written with \`Static\`, whose constraint cannot be followed to here: it would be lost.`,
        ],
      )
    })
  }

  for (const [what, schema] of [
    ['is computed', 'Type.Object(globalThis === undefined ? {} : { id: Type.String() })'],
    ['has a keyword that types do not have', 'Type.Array(Type.String(), { uniqueItems: true })'],
    ['is a union by keyword', 'Type.Intersect([Order, Type.Object({ note: Type.String() })])'],
  ] as const) {
    it(`is refused where the schema ${what}, with what to write instead`, () => {
      const { diagnostics } = scanned(`const Made = ${schema}`, '{ made: Static<typeof Made> }')
      const [{ message = '', fix = '' } = {}, ...others] = diagnostics
      assert.match(message, /^`Value\.made` is the type of the schema `Made`, which cannot be read/)
      assert.match(fix, /topic\('name', \{ schema: Made \}\)/)
      assert.deepEqual(others, [])
    })
  }

  it('is kept in every form of schema that a type has, too', () => {
    const { definitions, diagnostics } = scanned(
      `const All = Type.Object({
  text: Type.String({ format: 'email', description: 'where to' }),
  whole: Type.Readonly(Type.Optional(Type.Integer({ maximum: 9 }))),
  one: Type.Literal('a'),
  some: Type.Enum(['b', 'a']),
  union: Type.Union([Type.Literal('y'), Type.Literal('x'), Type.Null()]),
  list: Type.Array(Type.Boolean(), { maxItems: 2 }),
  pair: Type.Tuple([Type.String(), Type.Unknown()]),
  byName: Type.Record(Type.String(), Type.Number()),
  bySku: Type.Record(Type.String({ pattern: '^[A-Z]$' }), Type.Number()),
  closed: Type.Object({}, { additionalProperties: false }),
  open: Type.Object({}, { additionalProperties: Type.String() }),
})`,
      'Static<typeof All>',
    )
    assert.deepEqual(diagnostics, [])
    assert.deepEqual(
      definitions.map(({ node }) => schemaText(node, new Set()).replaceAll(/\s+/g, ' ')),
      [
        "Type.Object({ text: Type.String({ format: 'email', description: 'where to' }), " +
          'whole: Type.Optional(Type.Number({ multipleOf: 1, maximum: 9 })), ' +
          "one: Type.Literal('a'), some: Type.Enum(['b', 'a']), union: Type.Union([Type.Enum(['x', 'y']), Type.Null()]), " +
          'list: Type.Array(Type.Boolean(), { maxItems: 2 }), pair: Type.Tuple([Type.String(), Type.Unknown()]), ' +
          'byName: Type.Object({}, { additionalProperties: Type.Number() }), ' +
          "bySku: Type.Object({}, { patternProperties: { '^[A-Z]$': Type.Number(), }, }), " +
          'closed: Type.Object({}, { additionalProperties: Type.Never() }), ' +
          'open: Type.Object({}, { additionalProperties: Type.String() }), })',
      ],
    )
  })

  it('warns of a pattern whose repetitions share characters, as everywhere else', () => {
    const { warnings } = scanned("const Slow = Type.String({ pattern: '^(a+)+$' })", '{ slow: Static<typeof Slow> }')
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['PYR_PATTERN'],
    )
  })
})
