/** What the generator reads from handler files without running them. */
import assert from 'node:assert/strict'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { handlerFiles } from '../../../../../cli/codegen/scan/handler-files.ts'
import { projectOnDisk, scan } from '../project-on-disk.ts'

const imports = "import { handler, topic } from 'pyrallel'\n"

function only(files: Readonly<Record<string, string>>) {
  const { handlers, diagnostics } = scan(files)
  assert.deepEqual(diagnostics, [])
  assert.equal(handlers.length, 1)
  return handlers[0]
}

describe('the topic', () => {
  for (const [what, source] of [
    ['a string literal', "export default handler('orders', () => {})"],
    ['a template without parts', 'export default handler(`orders`, () => {})'],
    ['a const', "const name = 'orders'\nexport default handler(name, () => {})"],
    ['a const as const', "const name = 'orders' as const\nexport default handler(name, () => {})"],
    ['a const of a const', "const a = 'orders'\nconst b = a\nexport default handler(b, () => {})"],
    [
      'a member of a constant object',
      "const names = { orders: 'orders' } as const\nexport default handler(names.orders, () => {})",
    ],
    [
      'a member by its name in brackets',
      "const names = { 'a-b': 'orders' }\nexport default handler(names['a-b'], () => {})",
    ],
    ['a topic() in place', "export default handler(topic<string>('orders'), () => {})"],
    [
      'a topic() in a const',
      "const orders = topic<string>('orders', { key: (o) => o })\nexport default handler(orders, () => {})",
    ],
    [
      'a topic() with a const name',
      "const name = 'orders'\nconst orders = topic(name)\nexport default handler(orders, () => {})",
    ],
    [
      'a topic() with satisfies',
      "const orders = (topic('orders')) satisfies unknown\nexport default handler(orders!, () => {})",
    ],
  ] as const) {
    it(`is read from ${what}`, () => {
      assert.equal(only({ 'handlers/a.ts': imports + source })?.topic, 'orders')
    })
  }

  it('is read from an imported topic()', () => {
    const files = {
      'handlers/a.ts':
        "import { handler } from 'pyrallel'\nimport { orders } from '../topics.ts'\nexport default handler(orders, () => {})",
      'topics.ts': "import { topic } from 'pyrallel'\nexport const orders = topic('orders')",
    }
    assert.equal(only(files)?.topic, 'orders')
  })

  it('is read through renamed imports, re-exports of re-exports, and namespaces', () => {
    const files = {
      'handlers/a.ts':
        "import { handler } from 'pyrallel'\nimport { sold } from '../shared/index.ts'\nexport default handler(sold, () => {})",
      'handlers/b.ts':
        "import { handler } from 'pyrallel'\nimport * as all from '../shared/index.ts'\nexport default handler(all.returns, () => {})",
      'shared/index.ts': "export { orders as sold } from './topics.ts'\nexport * from './more.ts'",
      'shared/topics.ts':
        "import { topic as declare } from 'pyrallel'\nimport { NAME } from './names.ts'\nexport const orders = declare(NAME)",
      'shared/names.ts': "const NAME = 'orders' as const\nexport { NAME }",
      'shared/more.ts': "import * as pyrallel from 'pyrallel'\nexport const returns = pyrallel.topic('returns')",
    }
    const { handlers, diagnostics } = scan(files)
    assert.deepEqual(diagnostics, [])
    assert.deepEqual(
      handlers.map(({ topic }) => topic),
      ['orders', 'returns'],
    )
  })

  it('is read through the paths of tsconfig.json', () => {
    const files = {
      'tsconfig.json':
        '{ // with a comment\n "compilerOptions": { "module": "nodenext", "paths": { "@topics": ["./shared/topics.ts"] } } }',
      'handlers/a.ts':
        "import { handler } from 'pyrallel'\nimport { orders } from '@topics'\nexport default handler(orders, () => {})",
      'shared/topics.ts': "import { topic } from 'pyrallel'\nexport const orders = topic('orders')",
    }
    assert.equal(only(files)?.topic, 'orders')
  })
})

describe('id, group, ordering and engine', () => {
  it('are the path and the defaults, when nothing is said', () => {
    assert.deepEqual(
      only({ 'handlers/billing/charge.ts': `${imports}export default handler('orders', { timeout: 5 }, () => {})` }),
      {
        id: 'billing/charge',
        file: 'handlers/billing/charge.ts',
        topic: 'orders',
        group: null,
        ordering: null,
        engine: 'async',
        schema: { kind: 'none' },
        publishes: [],
        deadLetter: { kind: 'default' },
        threads: undefined,
      },
    )
  })

  it('are read from the options, whatever else is in them', () => {
    const source =
      "const group = 'billing'\nexport default handler('orders', { id: 'x', group, ordering: 'partition', engine: 'worker', timeout: Math.random() }, () => {})"
    assert.deepEqual(only({ 'handlers/a.ts': imports + source }), {
      id: 'x',
      file: 'handlers/a.ts',
      topic: 'orders',
      group: 'billing',
      ordering: 'partition',
      engine: 'worker',
      schema: { kind: 'none' },
      publishes: [],
      deadLetter: { kind: 'default' },
      threads: undefined,
    })
  })

  it('are read of batch handlers as of others, with what they publish', () => {
    const source =
      "import { batchHandler } from 'pyrallel'\nexport default batchHandler('orders', { id: 'o', engine: 'worker', batch: { size: 9 } }, async (batch, context) => { await context.publish('scores', batch.size) })"
    const found = only({ 'handlers/a.ts': source })
    assert.deepEqual([found?.id, found?.topic, found?.engine, found?.publishes], ['o', 'orders', 'worker', ['scores']])
  })

  it('are read through spreads of constant objects, and the last one wins', () => {
    const source =
      "const base = { group: 'a', ordering: 'key' } as const\nconst options = { ...base, group: 'b' }\nexport default handler('orders', { ...options, ordering: 'unordered' }, () => {})"
    const handler = only({ 'handlers/a.ts': imports + source })
    assert.equal(handler?.group, 'b')
    assert.equal(handler.ordering, 'unordered')
  })

  it('take no notice of a spread that cannot be read when they are written below it', () => {
    const source =
      "export default handler('orders', { ...make(), id: 'a', group: 'b', ordering: 'key', engine: 'async' }, () => {})"
    assert.equal(only({ 'handlers/a.ts': imports + source })?.group, 'b')
  })
})

describe('the default export', () => {
  for (const [what, source] of [
    ['a name', "const it = handler('orders', () => {})\nexport default it"],
    ['a name exported as default', "const it = handler('orders', () => {})\nexport { it as default }"],
    ['a call with satisfies', "export default handler('orders', () => {}) satisfies object"],
    ['a renamed import of handler', "import { handler as on } from 'pyrallel'\nexport default on('orders', () => {})"],
    ['a member of the namespace', "import * as p from 'pyrallel'\nexport default p.handler('orders', () => {})"],
  ] as const) {
    it(`may be ${what}`, () => {
      const head = source.includes('import') ? '' : imports
      assert.equal(only({ 'handlers/a.ts': head + source })?.topic, 'orders')
    })
  }

  it('may be one of another file', () => {
    const files = {
      'handlers/a.ts': "export { default } from '../shared/a.ts'",
      'shared/a.ts': `${imports}export default handler('orders', () => {})`,
    }
    assert.equal(only(files)?.file, 'handlers/a.ts')
  })
})

describe('the files of handlers/', () => {
  it('are all .ts files, in folders too, sorted, without those that begin with _, tests and declarations', () => {
    const root = projectOnDisk(
      Object.fromEntries(
        [
          'b.ts',
          'a.ts',
          'deep/er/c.ts',
          '_topics.ts',
          '_lib/x.ts',
          'a.test.ts',
          'types.d.ts',
          'notes.md',
          '.hidden.ts',
        ].map((file) => [`handlers/${file}`, '']),
      ),
    )
    assert.deepEqual(handlerFiles(root).files, ['handlers/a.ts', 'handlers/b.ts', 'handlers/deep/er/c.ts'])
  })

  it('are none where there is no such folder', () => {
    assert.deepEqual(handlerFiles(projectOnDisk({ 'package.json': '{}' })), { files: [], refused: [] })
  })

  it('files that end in anything but .ts are refused by name, unless they have nothing to do with Pyrallel', () => {
    const endings = ['cjs', 'cts', 'js', 'jsx', 'mjs', 'mts', 'tsx']
    const { diagnostics, handlers } = scan({
      'handlers/good.ts': `${imports}export default handler('good', () => {})`,
      ...Object.fromEntries(
        endings.map((ending) => [`handlers/of-${ending}.${ending}`, `${imports}export default handler('t', () => {})`]),
      ),
      'handlers/deep/required.cjs': "const { handler } = require('pyrallel')",
      'handlers/script.js': 'export const one = 1',
      'handlers/_lib.js': imports,
      'handlers/a.test.mts': imports,
      'handlers/types.d.mts': imports,
    })
    assert.deepEqual(
      diagnostics.map(({ code, file }) => `${code} ${file}`),
      ['deep/required.cjs', ...endings.map((ending) => `of-${ending}.${ending}`)].map(
        (file) => `PYR_HANDLER_EXPORT handlers/${file}`,
      ),
    )
    assert.match(diagnostics[1]?.message ?? '', /of-cjs\.cjs imports 'pyrallel', and is no handler: .* not in \.cjs\./)
    assert.match(diagnostics[1]?.fix ?? '', /^Rename it to handlers\/of-cjs\.ts;/)
    assert.deepEqual(
      handlers.map(({ id }) => id),
      ['good'],
    )
  })

  it('below a folder that is a link are refused with the link; a link to a file is that file', () => {
    const root = projectOnDisk({
      'handlers/a.ts': '',
      'elsewhere/b.ts': `${imports}export default handler('b', () => {})`,
    })
    symlinkSync(join(root, 'elsewhere'), join(root, 'handlers/linked'), 'junction')
    symlinkSync(join(root, 'elsewhere'), join(root, 'handlers/_linked'), 'junction')
    symlinkSync(join(root, 'elsewhere/b.ts'), join(root, 'handlers/b.ts'))
    symlinkSync(join(root, 'nowhere'), join(root, 'handlers/nowhere'))
    const { files, refused } = handlerFiles(root)
    assert.deepEqual(files, ['handlers/a.ts', 'handlers/b.ts'])
    assert.deepEqual(
      refused.map(({ path }) => path),
      ['handlers/linked'],
    )
    assert.match(refused[0]?.message ?? '', /handlers\/linked is a link to a folder/)
  })
})

describe('what a deployment must know of a handler', () => {
  const of = (options: string, before = '') =>
    only({ 'handlers/a.ts': `${imports}${before}\nexport default handler('orders', ${options}, () => {})` })

  for (const [what, options, before, expected] of [
    ['nothing is written of dead letters', "{ group: 'g' }", '', { kind: 'default' }],
    ['only their payload is', "{ deadLetter: { payload: 'metadata' } }", '', { kind: 'default' }],
    ['they are dropped', '{ deadLetter: false }', '', { kind: 'none' }],
    ['their topic is named', "{ deadLetter: { topic: 'dead' } }", '', { kind: 'topic', name: 'dead' }],
    ['a constant has it', '{ deadLetter }', "const deadLetter = { topic: 'dead' }", { kind: 'topic', name: 'dead' }],
    ['it is computed', '{ deadLetter: { topic: process.title } }', '', { kind: 'unknown' }],
    [
      'a spread may hide it',
      "{ ...more, id: 'a', group: 'g', ordering: 'key', engine: 'async' }",
      'let more = {}',
      { kind: 'unknown' },
    ],
  ] as const) {
    it(`is told of its dead letters when ${what}`, () => {
      assert.deepEqual(of(options, before)?.deadLetter, expected)
    })
  }

  it('is told the number of threads where it is written', () => {
    assert.equal(of("{ engine: 'worker', worker: { threads: 3 } }")?.threads, 3)
    assert.equal(of("{ engine: 'worker', worker: { threads: +process.pid } }")?.threads, undefined)
    assert.equal(of("{ engine: 'worker' }")?.threads, undefined)
  })
})
