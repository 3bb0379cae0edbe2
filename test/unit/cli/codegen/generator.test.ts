/** The generator that stays in memory: it gives what a new one would give, whatever has changed since. */
import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { Generator, generate } from '../../../../cli/codegen/generate.ts'
import { exampleProject } from './example-project.ts'
import { projectOnDisk } from './project-on-disk.ts'

interface Step {
  readonly what: string
  /** New content, or `null` for a file that is deleted. */
  readonly files: Readonly<Record<string, string | null>>
}

const handlerOf = (type: string, from: string) =>
  `import { handler } from 'pyrallel'\nimport type { ${type} } from '${from}'\nexport default handler<${type}>('new.topic', () => {})\n`

const handlerDoing = (body: string) => `import * as all from 'pyrallel'
import { handler } from 'pyrallel'
import { another, charge, invoices } from '../lib.ts'

interface Order { id: string }
const topicName = 'top'

export default handler<Order>('orders', async (record, context) => {
  ${body}
})
`

const projectOf = (body: string) => ({
  'lib.ts': `import { topic } from 'pyrallel'
export { topic as another } from 'pyrallel'
export const invoices = topic<{ id: string }>('invoices')
export async function charge(order: unknown): Promise<void> {}
`,
  'handlers/bill.ts': handlerDoing(body),
  'handlers/mail.ts': "import { handler } from 'pyrallel'\nexport default handler<{ to: string }>('mails', () => {})\n",
})

const steps: readonly Step[] = [
  {
    what: 'a type in an imported file',
    files: { 'types.ts': exampleProject['types.ts']?.replace('street: string', 'street?: number') ?? '' },
  },
  { what: 'a syntax error', files: { 'handlers/track-stock.ts': 'export default handler(' } },
  {
    what: 'the syntax error, corrected',
    files: { 'handlers/track-stock.ts': exampleProject['handlers/track-stock.ts'] ?? '' },
  },
  { what: 'an import that leads nowhere', files: { 'handlers/new.ts': handlerOf('Later', '../later.ts') } },
  { what: 'the file that it leads to', files: { 'later.ts': 'export interface Later { id: string }\n' } },
  { what: 'a handler that is gone, with its topic', files: { 'handlers/new.ts': null } },
  { what: 'an imported file that is gone', files: { 'types.ts': null } },
  { what: 'the imported file, back again', files: { 'types.ts': exampleProject['types.ts'] ?? '' } },
  { what: 'an import by another name, that leads nowhere', files: { 'handlers/new.ts': handlerOf('Later', '#later') } },
  { what: 'a tsconfig.json with paths for it', files: { 'tsconfig.json': paths('./later.ts') } },
  { what: 'paths that are others', files: { 'tsconfig.json': paths('./much-later.ts') } },
  { what: 'the file that they lead to', files: { 'much-later.ts': 'export interface Later { much: string }\n' } },
  { what: 'a tsconfig.json without paths', files: { 'tsconfig.json': '{}' } },
  {
    what: 'tsconfigs that are extended, one of them not there',
    files: {
      'tsconfig.json': '{ "extends": ["./config/base.json", "./config/more"] }',
      'config/base.json': paths('../later.ts'),
    },
  },
  { what: 'the one that was not there', files: { 'config/more.json': paths('../much-later.ts') } },
  { what: 'its text', files: { 'config/more.json': '{ "extends": "./deep.json" }' } },
  { what: 'one that it extends', files: { 'config/deep.json': paths('../much-later.ts') } },
  { what: 'an extended tsconfig that is gone', files: { 'config/more.json': null } },
  {
    what: 'a tsconfig of a package',
    files: {
      'tsconfig.json': '{ "extends": "base/tsconfig.json" }',
      'node_modules/base/package.json': '{ "name": "base", "version": "1.0.0" }',
      'node_modules/base/tsconfig.json': paths('../../much-later.ts'),
    },
  },
  { what: 'its text', files: { 'node_modules/base/tsconfig.json': paths('../../later.ts') } },
  { what: 'a tsconfig.json that is gone', files: { 'tsconfig.json': null } },
  { what: 'a package.json with imports', files: { 'package.json': imports('./later.ts') } },
  { what: 'imports that are others', files: { 'package.json': imports('./much-later.ts') } },
  { what: 'a package.json that is nearer', files: { 'handlers/package.json': imports('./_own.ts') } },
  { what: 'what its imports lead to', files: { 'handlers/_own.ts': 'export interface Later { own: boolean }\n' } },
  { what: 'the nearer package.json, gone', files: { 'handlers/package.json': null } },
  { what: 'a package.json that is broken', files: { 'package.json': '{ "imports": {' } },
  { what: 'a package.json that is mended', files: { 'package.json': imports('./later.ts') } },
  { what: 'a package.json that is gone', files: { 'package.json': null } },
]

/** A tsconfig in whose project `#later` leads there. */
function paths(target: string): string {
  return JSON.stringify({ compilerOptions: { paths: { '#later': [target] } } })
}

function imports(target: string): string {
  return JSON.stringify({ imports: { '#later': target } })
}

describe('Generator', () => {
  it('gives what a new generator gives, after every change', async () => {
    const root = projectOnDisk(exampleProject)
    const generator = await Generator.open(root)
    await generator.update('shop')
    for (const { what, files } of steps) {
      const watched = [...generator.watched()]
      // What dev watches: new files below handlers/ are found in any case, and what comes with another change is no change.
      const told = Object.keys(files).filter(
        (path) => path.startsWith('handlers/') || watched.includes(join(root, path)),
      )
      assert.notEqual(told.length, 0, `unwatched: ${what}`)
      for (const [path, content] of Object.entries(files)) {
        if (content === null) rmSync(join(root, path))
        else {
          mkdirSync(dirname(join(root, path)), { recursive: true })
          writeFileSync(join(root, path), content)
        }
      }
      assert.deepEqual(await generator.update('shop', told), await generate(root, 'shop'), what)
    }
  })

  it('scans nothing again when only what a handler does has changed', async () => {
    const project = projectOf('await charge(record.value.id)')
    const root = projectOnDisk(project)
    const generator = await Generator.open(root)
    const before = await generator.update('shop')
    assert.deepEqual(before.diagnostics, [])
    for (const body of [
      "await charge(record.value.id)\n  context.log.info('charged')",
      'const order = record.value\n  await charge(order)\n  await context.publish(invoices, { ...order })',
      'const order = record.value\n  await context.publish(invoices, { id: order.id })',
      "if (record.key === null) throw new Error('no key')\n  await context.publish(invoices, record.value)",
      'for (const invoices of []) console.log(invoices)',
    ]) {
      writeFileSync(join(root, 'handlers/bill.ts'), handlerDoing(body))
      const { handlers } = await generator.update('shop', ['handlers/bill.ts'])
      const publishes = handlers.find(({ id }) => id === 'bill')?.publishes
      assert.deepEqual(publishes, body.includes('publish') ? ['invoices'] : [], body)
    }
    // What it has not read again is the same object.
    const same = [
      'await context.publish(invoices, record.value)',
      "context.log.info('before')\n  await context.publish(invoices, { id: record.value.id })\n  const { id } = record.value",
      'const order = record.value\n  await charge(order)\n  await context.publish(invoices, { orders: 1 })',
    ]
    const seen = new Set<unknown>()
    for (const body of same) {
      writeFileSync(join(root, 'handlers/bill.ts'), handlerDoing(body))
      seen.add((await generator.update('shop', ['handlers/bill.ts'])).handlers)
    }
    assert.equal(seen.size, 1)
  })

  it('gives what a new generator gives, whatever of a handler has changed', async () => {
    const bodies = [
      "await context.publish('a', record.value)",
      "await context.publish('b', record.value)",
      "const to = 'c'\n  await context.publish(to, record.value)",
      "const to = 'd'\n  await context.publish(to, record.value)",
      "const names = { first: 'e' }\n  await context.publish(names.first, record.value)",
      "const names = { first: 'f' }\n  await context.publish(names.first, record.value)",
      'await context.publish(invoices, record.value)',
      "const invoices = 'shadowed'\n  await context.publish(invoices, record.value)",
      '{ const invoices = 1 }\n  await context.publish(invoices, record.value)',
      "const context = { publish: (a: string, b: unknown) => {} }\n  context.publish('mine', record.value)",
      "[1].map((context) => context.publish('mine', record.value))",
      "another('declared-inside')",
      "another('declared-again')",
      "(another as any)('declared-once-more')",
      "(another as any)('declared-and-again')",
      "const names = { first: 'g' }\n  another(names.first)",
      "const names = { first: 'h' }\n  another(names.first)",
      "const named = 'by-name'\n  another(named)",
      "const named = 'by-another'\n  another(named)",
      'const named = record.value.id\n  another(named)',
      "all.topic('in-a-namespace')",
      "all.topic('in-the-namespace')",
      "interface Local { a: 1 }\n  another<Local>('local')",
      "interface Local { a: 2 }\n  another<Local>('local')",
      "const options = { key: (value: { k: string }) => value.k }\n  another('keyed', options)",
      "const options = { key: (value: { l: string }) => value.l }\n  another('keyed', options)",
      'return (',
      'return',
      'const nothing = ;',
      'return',
      'another(topicName)',
      'return',
      '(() => { const topicName = record.value.id; return topicName })()\n  another(topicName)',
    ]
    const root = projectOnDisk(projectOf('return'))
    const generator = await Generator.open(root)
    await generator.update('shop')
    for (const body of bodies) {
      writeFileSync(join(root, 'handlers/bill.ts'), handlerDoing(body))
      assert.deepEqual(await generator.update('shop', ['handlers/bill.ts']), await generate(root, 'shop'), body)
    }
    for (const [from, to] of [
      ['interface Order { id: string }', 'interface Order { id: number }'],
      ["handler<Order>('orders'", "handler<Order>('orders', { ordering: 'partition' }"],
      ["= 'top'", "= 'changed'"],
      ['(record, context)', '(record, { publish })'],
      ['\n})\n', "\n})\nall.topic('below')\n"],
    ] as const) {
      const original = handlerDoing("another(topicName)\n  publish('x', record.value)")
      const changed = original.replace(from, to)
      assert.notEqual(changed, original)
      writeFileSync(join(root, 'handlers/bill.ts'), original)
      await generator.update('shop', ['handlers/bill.ts'])
      writeFileSync(join(root, 'handlers/bill.ts'), changed)
      assert.deepEqual(await generator.update('shop', ['handlers/bill.ts']), await generate(root, 'shop'), to)
    }
  })

  it('tells mistakes where they are, after lines have come', async () => {
    const root = projectOnDisk({ ...projectOf('return'), 'handlers/wrong.ts': 'export const nothing = 1\n' })
    const generator = await Generator.open(root)
    await generator.update('shop')
    for (const body of ['return', '\n\n  return', 'return ((', 'return']) {
      writeFileSync(join(root, 'handlers/bill.ts'), handlerDoing(body))
      assert.deepEqual(await generator.update('shop', ['handlers/bill.ts']), await generate(root, 'shop'))
    }
    rmSync(join(root, 'handlers/wrong.ts'))
    assert.deepEqual((await generator.update('shop', ['handlers/wrong.ts'])).diagnostics, [])
  })

  it('takes another default group without reading anything again', async () => {
    const root = projectOnDisk(exampleProject)
    const generator = await Generator.open(root)
    await generator.update('shop')
    assert.deepEqual(await generator.update('store'), await generate(root, 'store'))
  })

  it('takes absolute paths, and paths that are no matter', async () => {
    const root = projectOnDisk(exampleProject)
    const generator = await Generator.open(root)
    await generator.update('shop')
    writeFileSync(join(root, 'types.ts'), exampleProject['types.ts']?.replace('street: string', 'street: 1') ?? '')
    writeFileSync(join(root, 'readme.md'), 'hello')
    const changed = await generator.update('shop', [
      join(root, 'types.ts'),
      join(root, 'readme.md'),
      join(root, 'gone.ts'),
    ])
    assert.match(changed.files.map(({ content }) => content).join(''), /street: Type.Literal\(1\)/)
  })

  it('finds a type that a library is opened for, and goes on finding it', async () => {
    const root = projectOnDisk({
      'node_modules/shapes/package.json': '{ "name": "shapes", "type": "module", "types": "./index.d.ts" }',
      'node_modules/shapes/index.d.ts': 'export interface Shape { r: number }\n',
      'handlers/a.ts':
        "import { handler } from 'pyrallel'\nimport type { Shape } from 'shapes'\nexport default handler<Shape>('shapes', () => {})\n",
    })
    const generator = await Generator.open(root)
    for (let turn = 0; turn < 2; turn++) {
      const { diagnostics, files } = await generator.update('shop', ['handlers/a.ts'])
      assert.deepEqual(diagnostics, [])
      assert.match(files.map(({ content }) => content).join(''), /Shape = Type\.Object\(\{\n {2}r: Type\.Number\(\)/)
    }
  })

  it('names the files that types come from, and those that it waits for; and follows them as they change', async () => {
    const root = projectOnDisk({
      'tsconfig.json': '{ "compilerOptions": { "module": "nodenext" } }',
      'types.ts': "import type { Sku } from './sku.ts'\nexport interface Line { sku: Sku }\n",
      'sample.json': '{ "id": "a" }',
      'handlers/a.ts': `import { handler } from 'pyrallel'
import data from '../sample.json' with { type: 'json' }
import type { Line } from '../types.ts'
export default handler<{ line: Line; sample: typeof data; shop: Shop }>('orders', () => {})
`,
    })
    const generator = await Generator.open(root)
    const { diagnostics } = await generator.update('shop')
    assert.deepEqual(
      diagnostics.map(({ file, line }) => `${file}:${line}`),
      ['handlers/a.ts:4', 'types.ts:1'],
    )
    for (const file of ['types.ts', 'sku.ts']) assert.ok(generator.watched().includes(join(root, file)), file)
    const changes = {
      'sku.ts': 'export type Sku = string\n',
      'globals.d.ts': 'interface Shop { open: boolean }\n',
      'sample.json': '{ "id": 1 }',
    }
    for (const [file, text] of Object.entries(changes)) {
      writeFileSync(join(root, file), text)
      assert.deepEqual(await generator.update('shop', [file]), await generate(root, 'shop'))
    }
    assert.deepEqual((await generator.update('shop')).diagnostics, [])
    for (const file of Object.keys(changes)) assert.ok(generator.watched().includes(join(root, file)), file)
    writeFileSync(join(root, 'globals.d.ts'), 'interface Shop { open: number }\n')
    const { files } = await generator.update('shop', ['globals.d.ts'])
    assert.match(files.map(({ content }) => content).join(''), /open: Type\.Number\(\)/)
  })
})
