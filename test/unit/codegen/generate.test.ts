/** What the generator writes, and how it finds that it is stale. Expected files stand in golden/. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { generate, writeFiles } from '../../../cli/codegen/generate.ts'
import { lineDiff } from '../../../cli/codegen/line-diff.ts'
import { renderFiles } from '../../../cli/codegen/render.ts'
import { projectOnDisk } from './project-on-disk.ts'

const golden = (name: string) => readFileSync(fileURLToPath(new URL(`./golden/${name}`, import.meta.url)), 'utf8')

const files = {
  'handlers/welcome-email.ts': "import { handler } from 'pyrallel'\nexport default handler('users', () => {})\n",
  'handlers/billing/charge-order.ts':
    "import { handler } from 'pyrallel'\nexport default handler('orders', { group: 'billing', ordering: 'key' }, () => {})\n",
  'handlers/billing/delete.ts':
    "import { handler } from 'pyrallel'\nexport default handler('orders', { id: \"it's\", ordering: 'unordered' }, () => {})\n",
}

describe('generate', () => {
  it('writes the manifest and the routes as they stand in golden/', async () => {
    const { files: generated, diagnostics } = await generate(projectOnDisk(files), 'shop')
    assert.deepEqual(diagnostics, [])
    assert.deepEqual(
      generated.map(({ path }) => path),
      ['generated/manifest.json', 'generated/routes.ts'],
    )
    for (const { path, content } of generated) assert.equal(content, golden(`${path.replace('generated/', '')}.golden`))
  })

  it('writes the same whatever the order of the files and the folder of the project are', async () => {
    const reversed = Object.fromEntries(Object.entries(files).reverse())
    const [first, second] = await Promise.all([
      generate(projectOnDisk(files), 'shop'),
      generate(projectOnDisk(reversed), 'shop'),
    ])
    assert.deepEqual(first.files, second.files)
  })

  it('finds nothing stale after it has written, and tells what is stale after a change', async () => {
    const root = projectOnDisk(files)
    const before = await generate(root, 'shop')
    assert.equal(before.stale.length, 2)
    writeFiles(root, before.files)
    assert.deepEqual((await generate(root, 'shop')).stale, [])
    writeFileSync(
      join(root, 'handlers/welcome-email.ts'),
      files['handlers/welcome-email.ts'].replace("'users'", "'people'"),
    )
    const [manifest, routes] = (await generate(root, 'shop')).stale
    assert.match(manifest?.diff ?? '', /^- {7}"topic": "users",$/m)
    assert.match(routes?.diff ?? '', /^- {5}topic: 'users',\n\+ {5}topic: 'people',$/m)
  })

  it('does not take other line ends for a change', async () => {
    const root = projectOnDisk(files)
    const { files: generated } = await generate(root, 'shop')
    writeFiles(
      root,
      generated.map(({ path, content }) => ({ path, content: content.replaceAll('\n', '\r\n') })),
    )
    assert.deepEqual((await generate(root, 'shop')).stale, [])
  })

  it('makes no files while there are mistakes', async () => {
    const generation = await generate(projectOnDisk({ ...files, 'handlers/bad.ts': '' }), 'shop')
    assert.equal(generation.diagnostics.length, 1)
    assert.deepEqual(generation.files, [])
    assert.deepEqual(generation.stale, [])
  })

  it('writes no dates and no absolute paths', async () => {
    const root = projectOnDisk(files)
    const text = (await generate(root, 'shop')).files.map(({ content }) => content).join('')
    assert.ok(!text.includes(root))
    assert.ok(!/\d{4}-\d{2}-\d{2}/.test(text))
    assert.ok(!text.includes('\r'))
  })
})

describe('the names of imports', () => {
  it('differ where paths differ only in what a name cannot hold', () => {
    const [, routes] = renderFiles(
      ['handlers/a-b.ts', 'handlers/a/b.ts', 'handlers/1st.ts'].map((file) => ({
        id: file,
        file,
        topic: file,
        group: null,
        ordering: null,
      })),
      'shop',
    )
    const names = [...(routes?.content ?? '').matchAll(/^import (\w+) from/gm)].map(([, name]) => name)
    assert.deepEqual(names.sort(), ['_1stHandler', 'aBHandler', 'aBHandler2'])
  })
})

describe('lineDiff', () => {
  it('shows what is gone and what is new with two lines around, and leaves out the rest', () => {
    const before = ['1', '2', '3', '4', '5', '6', '7', '8', '9'].join('\n')
    assert.equal(lineDiff(before, before.replace('5', 'five')), '…\n  3\n  4\n- 5\n+ five\n  6\n  7\n…')
  })

  it('shows lines that were added at the end, and nothing for equal texts', () => {
    assert.equal(lineDiff('a', 'a\nb'), '  a\n+ b')
    assert.equal(lineDiff('a\nb', 'a\nb'), '…')
  })
})
