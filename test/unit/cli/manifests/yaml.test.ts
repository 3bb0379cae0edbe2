/** YAML as it is written: what a reader of it gets back, and where comments stand. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { load } from 'js-yaml'
import { noted, type Yaml, type YamlMap, yamlDocument } from '../../../../cli/manifests/yaml.ts'

const scalars = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    'yes',
    'No',
    'on',
    'null',
    '~',
    '1e3',
    '0x1',
    '1:20',
    '.inf',
    '- a',
    '# a',
    'a: b',
    "'",
    '{{',
    '',
    ' a ',
    '<<',
    '=',
  ),
  fc.integer(),
  fc.boolean(),
)
const trees: fc.Arbitrary<Yaml> = fc.letrec<{ tree: Yaml }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    scalars,
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(
      fc.string({ minLength: 1, maxLength: 6 }).filter((key) => key !== '__proto__'),
      tie('tree'),
      { maxKeys: 3, noNullPrototype: true },
    ),
  ),
})).tree

describe('YAML', () => {
  it('is read as what was written, whatever texts look like', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('a', 'b', 'yes', '1'), trees, { maxKeys: 4, noNullPrototype: true }),
        (map) => {
          assert.deepEqual(load(yamlDocument('A note.', map)) ?? {}, map)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('is the same with comments, which stand above what they are about', () => {
    const map: YamlMap = {
      name: noted('What it is called.', 'shop'),
      items: [
        noted('The first.', { a: 1, b: [] }),
        {
          a: noted(
            'A number that is explained at such length that no editor would show all of it in one line of its own.',
            2,
          ),
          b: {},
        },
        'plain',
      ],
      left: undefined,
    }
    const text = yamlDocument('Two lines:\n  a command that is copied', map)
    assert.deepEqual(load(text), { name: 'shop', items: [{ a: 1, b: [] }, { a: 2, b: {} }, 'plain'] })
    assert.equal(
      text,
      `# Two lines:
#   a command that is copied
# What it is called.
name: shop
items:
  # The first.
  - a: 1
    b: []
  # A number that is explained at such length that no editor would show all of it in one line of
  # its own.
  - a: 2
    b: {}
  - plain
`,
    )
  })
})
