/** What the generator refuses, and how it says so. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { codeFrame, type Diagnostic, diagnosticText } from '../../../../cli/diagnostics/diagnostic.ts'
import { scan } from './project-on-disk.ts'

const imports = "import { handler, topic } from 'pyrallel'\n"

function only(files: Readonly<Record<string, string>>): Diagnostic {
  const { diagnostics } = scan(files)
  assert.equal(diagnostics.length, 1, diagnostics.map(diagnosticText).join('\n\n'))
  const [diagnostic] = diagnostics
  assert.ok(diagnostic !== undefined)
  return diagnostic
}

function marked(source: string): string {
  const { frame } = only({ 'handlers/a.ts': source })
  const lines = frame.split('\n')
  const at = lines.findIndex((line) => /^\s*\|\s*\^+$/.test(line))
  const marks = lines[at] ?? ''
  return (lines[at - 1] ?? '').slice(marks.indexOf('^'), marks.lastIndexOf('^') + 1)
}

describe('a topic that is not static', () => {
  for (const [what, source, place] of [
    ['an environment variable', 'export default handler(process.env.TOPIC, () => {})', 'process.env.TOPIC'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: source text of a handler file.
    ['a template with parts', 'const a = 1\nexport default handler(`orders-${a}`, () => {})', '`orders-${a}`'],
    ['a let', "let name = 'orders'\nexport default handler(name, () => {})", 'name'],
    ['a call', 'export default handler(make(), () => {})', 'make()'],
    ['a parameter that is nowhere declared', 'export default handler(missing, () => {})', 'missing'],
    ['a topic() whose name is computed', "export default handler(topic('a' + 'b'), () => {})", "topic('a' + 'b')"],
    [
      'a topic() of somebody else',
      "const topic = (n) => n\nexport default handler(topic('a'), () => {})",
      "topic('a')",
    ],
    ['a const that leads back to itself', 'const a = b\nconst b = a\nexport default handler(a, () => {})', 'a'],
    [
      'a member that an object does not have',
      "const names = { a: 'x' }\nexport default handler(names.b, () => {})",
      'names.b',
    ],
  ] as const) {
    it(`is refused when it is ${what}, with the place underlined`, () => {
      const head = source.includes('const topic =') ? "import { handler } from 'pyrallel'\n" : imports
      const diagnostic = only({ 'handlers/a.ts': head + source })
      assert.equal(diagnostic.code, 'PYR_HANDLER_STATIC')
      assert.equal(diagnostic.file, 'handlers/a.ts')
      assert.match(diagnostic.fix, /string literal/)
      assert.equal(marked(head + source), place)
    })
  }
})

describe('a file that is no handler', () => {
  it('is refused when it has no default export', () => {
    const diagnostic = only({ 'handlers/a.ts': 'export const x = 1\n' })
    assert.equal(diagnostic.code, 'PYR_HANDLER_EXPORT')
    assert.match(diagnostic.message, /no default export/)
    assert.match(diagnostic.fix, /begin with `_`/)
  })

  it('is refused when it is empty', () => {
    assert.match(only({ 'handlers/a.ts': '' }).message, /no default export/)
  })

  for (const [what, source] of [
    ['a number', 'export default 5'],
    ['a function', 'export default async function run() {}'],
    ['a class', 'export default class Handler {}'],
    ['a call of another function', "import { topic } from 'pyrallel'\nexport default topic('orders')"],
    [
      'a handler() that is not from pyrallel',
      "import { handler } from '../own.ts'\nexport default handler('orders', () => {})",
    ],
    ['a name that is imported from a library', "import thing from 'some-library'\nexport default thing"],
  ] as const) {
    it(`is refused when its default export is ${what}`, () => {
      const diagnostic = only({
        'handlers/a.ts': source,
        'own.ts': 'export const handler = () => {}\n',
        'node_modules/some-library/index.js': 'module.exports = () => {}\n',
      })
      assert.equal(diagnostic.code, 'PYR_HANDLER_EXPORT')
      assert.match(diagnostic.message, /not a call of `handler` or `batchHandler` from 'pyrallel'/)
    })
  }

  it('is refused for a syntax error, at its place', () => {
    const diagnostic = only({ 'handlers/a.ts': `${imports}export default handler('orders', async ( => {})` })
    assert.equal(diagnostic.code, 'PYR_SYNTAX')
    assert.match(diagnostic.message, /^Syntax error: /)
    assert.equal(diagnostic.line, 2)
  })
})

describe('options that are not static', () => {
  for (const [option, source] of [
    ['id', '{ id: name() }'],
    ['group', '{ group: process.env.GROUP }'],
    ['ordering', "{ ordering: Math.random() > 0.5 ? 'key' : 'partition' }"],
  ] as const) {
    it(`are refused for ${option}`, () => {
      const diagnostic = only({ 'handlers/a.ts': `${imports}export default handler('orders', ${source}, () => {})` })
      assert.equal(diagnostic.code, 'PYR_HANDLER_STATIC')
      assert.ok(diagnostic.message.includes(`\`${option}\` is computed`), diagnostic.message)
    })
  }

  it('are refused when a spread may hide them', () => {
    const { diagnostics } = scan({
      'handlers/a.ts': `${imports}export default handler('orders', { id: 'a', ...make() }, () => {})`,
    })
    assert.deepEqual(
      diagnostics.map(({ message }) => message.split(' computed')[0]),
      [
        'The option `id` may be',
        'The option `group` may be',
        'The option `ordering` may be',
        'The option `engine` may be',
      ],
    )
    assert.ok(diagnostics.every(({ fix }) => fix.includes('below the spread')))
  })

  it('are refused when the whole object is made at run time', () => {
    const diagnostic = only({ 'handlers/a.ts': `${imports}export default handler('orders', make(), () => {})` })
    assert.match(diagnostic.message, /options are computed at run time/)
  })

  it('are refused for a name that does not exist, with the one that was meant', () => {
    const source = `${imports}export default handler('orders', { orderng: 'key' }, () => {})`
    const diagnostic = only({ 'handlers/a.ts': source })
    assert.equal(diagnostic.code, 'PYR_HANDLER_OPTION')
    assert.equal(marked(source), 'orderng')
    assert.match(diagnostic.message, /no option `orderng`/)
    assert.match(diagnostic.fix, /Did you mean "ordering"\?/)
  })

  it('are refused for an ordering that does not exist', () => {
    const diagnostic = only({
      'handlers/a.ts': `${imports}export default handler('orders', { ordering: 'kye' }, () => {})`,
    })
    assert.equal(diagnostic.code, 'PYR_HANDLER_OPTION')
    assert.match(diagnostic.fix, /'key', 'partition', 'unordered'/)
  })
})

describe('handlers that cannot live together', () => {
  it('are refused for one id, at the place of the later one', () => {
    const diagnostic = only({
      'handlers/a.ts': `${imports}export default handler('orders', () => {})`,
      'handlers/b.ts': `${imports}export default handler('others', { id: 'a' }, () => {})`,
    })
    assert.equal(diagnostic.code, 'PYR_HANDLER_DUPLICATE')
    assert.equal(diagnostic.file, 'handlers/b.ts')
    assert.match(diagnostic.message, /The id 'a' belongs to handlers\/a\.ts already/)
    assert.match(diagnostic.frame, /\^\^\^/)
  })

  it('are refused for one topic in one group, also when one of them gets the group from the config', () => {
    const diagnostic = only({
      'handlers/a.ts': `${imports}export default handler('orders', () => {})`,
      'handlers/b.ts': `${imports}export default handler(topic('orders'), { group: 'shop' }, () => {})`,
    })
    assert.equal(diagnostic.code, 'PYR_HANDLER_DUPLICATE')
    assert.match(diagnostic.message, /handlers\/a\.ts reads 'orders' in group 'shop' already/)
  })

  it('may read one topic in two groups', () => {
    const { diagnostics } = scan({
      'handlers/a.ts': `${imports}export default handler('orders', () => {})`,
      'handlers/b.ts': `${imports}export default handler('orders', { group: 'audit' }, () => {})`,
    })
    assert.deepEqual(diagnostics, [])
  })
})

describe('several mistakes', () => {
  it('are all reported, sorted by file and line, and good handlers are still read', () => {
    const { handlers, diagnostics } = scan({
      'handlers/b.ts': 'export const x = 1',
      'handlers/a.ts': `${imports}export default handler(\n  process.env.T,\n  { id: name() },\n  () => {},\n)`,
      'handlers/good.ts': `${imports}export default handler('orders', () => {})`,
    })
    assert.deepEqual(
      diagnostics.map(({ file, line, code }) => `${file}:${line} ${code}`),
      [
        'handlers/a.ts:3 PYR_HANDLER_STATIC',
        'handlers/a.ts:4 PYR_HANDLER_STATIC',
        'handlers/b.ts:1 PYR_HANDLER_EXPORT',
      ],
    )
    assert.deepEqual(
      handlers.map(({ id }) => id),
      ['good'],
    )
  })
})

describe('diagnosticText', () => {
  it('names the place, the code, what is wrong, shows the lines around, and what to write', () => {
    const diagnostic = only({
      'handlers/pay.ts':
        "import { handler } from 'pyrallel'\n\nexport default handler(process.env.TOPIC ?? 'x', async () => {\n  await 1\n})\n",
    })
    assert.equal(
      diagnosticText(diagnostic),
      [
        'handlers/pay.ts:3:24 PYR_HANDLER_STATIC',
        'The topic is computed at run time, but it must be readable without running code.',
        '',
        "  1 | import { handler } from 'pyrallel'",
        '  2 |',
        "> 3 | export default handler(process.env.TOPIC ?? 'x', async () => {",
        '    |                        ^^^^^^^^^^^^^^^^^^^^^^^^',
        '  4 |   await 1',
        '  5 | })',
        '',
        "Fix: Write a string literal ('orders.created'), a `const` with one, or an imported `topic('orders.created')`.",
      ].join('\n'),
    )
  })

  it('keeps the marks below the place where a line is indented with tabs, and on the first line of a long place', () => {
    assert.equal(codeFrame('a\n\tbad(\n)', { start: 3, end: 9 }), '  1 | a\n> 2 | \tbad(\n    | \t^^^^\n  3 | )')
  })
})
