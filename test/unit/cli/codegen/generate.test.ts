/** What the generator writes, and how it finds that it is stale. Expected files stand in golden/. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Generator, generate, writeFiles } from '../../../../cli/codegen/generate.ts'
import { lineDiff } from '../../../../cli/diagnostics/line-diff.ts'
import { exampleProject } from './example-project.ts'
import { projectOnDisk } from './project-on-disk.ts'

const goldenFile = (path: string) =>
  fileURLToPath(new URL(`./golden/${path.replace('generated/', '')}.golden`, import.meta.url))

const welcome = 'handlers/welcome-email.ts'

describe('generate', () => {
  it('writes every file as it stands in golden/', async () => {
    const { files, diagnostics } = await generate(projectOnDisk(exampleProject), 'shop')
    assert.deepEqual(diagnostics, [])
    assert.deepEqual(
      files.map(({ path }) => path),
      [
        'generated/asyncapi.json',
        'generated/manifest.json',
        'generated/routes.ts',
        'generated/schemas.ts',
        'generated/workers/score.ts',
      ],
    )
    for (const { path, content } of files) {
      // UPDATE_GOLDEN=1 writes them anew: read the difference before it is committed.
      if (process.env.UPDATE_GOLDEN === '1') writeFileSync(goldenFile(path), content)
      assert.equal(content, readFileSync(goldenFile(path), 'utf8'), path)
    }
  })

  it('writes the same whatever the order of the files, the folder of the project and the working directory are', async () => {
    const reversed = Object.fromEntries(Object.entries(exampleProject).reverse())
    const first = await generate(projectOnDisk(exampleProject), 'shop')
    const before = process.cwd()
    process.chdir(tmpdir())
    try {
      assert.deepEqual((await generate(projectOnDisk(reversed), 'shop')).files, first.files)
    } finally {
      process.chdir(before)
    }
  })

  it('writes the same whatever was read before: also where types of a handler were known already', async () => {
    const root = projectOnDisk(exampleProject)
    const generator = await Generator.open(root)
    const status = (order: string) =>
      exampleProject['handlers/_topics.ts']?.replace("'new' | 'paid' | 'sent'", order) ?? ''
    for (const order of ["'sent' | 'new' | 'paid'", "'paid' | 'sent' | 'new'", "'new' | 'paid' | 'sent'"]) {
      writeFileSync(join(root, 'handlers/_topics.ts'), status(order))
      const { files } = await generator.update('shop', ['handlers/_topics.ts'])
      assert.deepEqual(files, (await generate(projectOnDisk(exampleProject), 'shop')).files)
    }
  })

  it('finds nothing stale after it has written, and tells what is stale after a change', async () => {
    const root = projectOnDisk(exampleProject)
    const before = await generate(root, 'shop')
    assert.equal(before.stale.length, 5)
    writeFiles(root, before.files)
    assert.deepEqual((await generate(root, 'shop')).stale, [])
    writeFileSync(join(root, welcome), exampleProject[welcome]?.replace("'users.signed-up'", "'users.left'") ?? '')
    const { stale } = await generate(root, 'shop')
    const diffOf = (path: string) => {
      const file = stale.find((each) => each.path === path)
      return lineDiff(file?.current ?? '', file?.content ?? '')
    }
    assert.match(diffOf('generated/manifest.json'), /^- {7}"topic": "users.signed-up",$/m)
    assert.match(diffOf('generated/routes.ts'), /^- {5}topic: 'users.signed-up',$/m)
    assert.match(diffOf('generated/schemas.ts'), /^\+ export const UsersLeft = Type\.Object/m)
    assert.match(diffOf('generated/asyncapi.json'), /^\+ {9}"\$ref": "#\/channels\/users.left"$/m)
  })

  it('tells when only the type of a value has changed', async () => {
    const root = projectOnDisk(exampleProject)
    writeFiles(root, (await generate(root, 'shop')).files)
    writeFileSync(join(root, 'types.ts'), exampleProject['types.ts']?.replace('street: string', 'street: number') ?? '')
    const { stale } = await generate(root, 'shop')
    assert.deepEqual(
      stale.map(({ path }) => path),
      ['generated/asyncapi.json', 'generated/manifest.json', 'generated/schemas.ts'],
    )
    assert.match(lineDiff(stale[1]?.current ?? '', stale[1]?.content ?? ''), /^\+ {7}"schema": "[0-9a-f]{12}",$/m)
  })

  it('removes the entry of a worker that is gone, and nothing else', async () => {
    const root = projectOnDisk(exampleProject)
    writeFiles(root, (await generate(root, 'shop')).stale)
    writeFileSync(
      join(root, 'handlers/score.ts'),
      exampleProject['handlers/track-stock.ts']?.replace('(stock,', "(stock, { group: 'x' },") ?? '',
    )
    mkdirSync(join(root, 'generated/own'))
    writeFileSync(join(root, 'generated/own/note.txt'), 'mine')
    const generation = await generate(root, 'shop')
    assert.deepEqual(
      generation.stale.filter(({ isObsolete }) => isObsolete).map(({ path }) => path),
      ['generated/workers/score.ts'],
    )
    writeFiles(root, generation.stale)
    assert.equal(existsSync(join(root, 'generated/workers/score.ts')), false)
    assert.equal(existsSync(join(root, 'generated/own/note.txt')), true)
  })

  it('does not take other line ends for a change', async () => {
    const root = projectOnDisk(exampleProject)
    const { files } = await generate(root, 'shop')
    writeFiles(
      root,
      files.map(({ path, content }) => ({ path, content: content.replaceAll('\n', '\r\n') })),
    )
    assert.deepEqual((await generate(root, 'shop')).stale, [])
  })

  it('reads handlers with other line ends as the same', async () => {
    const windows = Object.fromEntries(
      Object.entries(exampleProject).map(([path, text]) => [path, text.replaceAll('\n', '\r\n')]),
    )
    const [ours, theirs] = await Promise.all(
      [exampleProject, windows].map((each) => generate(projectOnDisk(each), 'shop')),
    )
    assert.deepEqual(theirs?.files, ours?.files)
  })

  it('makes no files while there are mistakes', async () => {
    const generation = await generate(projectOnDisk({ ...exampleProject, 'handlers/bad.ts': '' }), 'shop')
    assert.equal(generation.diagnostics.length, 1)
    assert.deepEqual(generation.files, [])
    assert.deepEqual(generation.stale, [])
  })

  it('writes no dates and no absolute paths', async () => {
    const root = projectOnDisk(exampleProject)
    const text = (await generate(root, 'shop')).files.map(({ content }) => content).join('')
    assert.ok(!text.includes(root))
    assert.ok(!/\d{4}-\d{2}-\d{2}/.test(text))
    assert.ok(!text.includes('\r'))
  })

  it('writes routes for a project without handlers', async () => {
    const { files } = await generate(projectOnDisk({ 'readme.md': '' }), 'shop')
    const routes = files.find(({ path }) => path === 'generated/routes.ts')?.content ?? ''
    assert.match(routes, /routes: readonly RegisteredHandler\[\] = \[\n\]/)
    assert.ok(!routes.includes('schemas.ts'))
  })
})

describe('the names of imports', () => {
  it('differ where paths differ only in what a name cannot hold, and from the names of types', async () => {
    const source = (topic: string, type: string) =>
      `import { handler } from 'pyrallel'\ninterface ${type} { id: string }\nexport default handler<${type}>('${topic}', () => {})\n`
    const { files, diagnostics } = await generate(
      projectOnDisk({
        'handlers/a-b.ts': source('a', 'aBHandler'),
        'handlers/a/b.ts': source('b', 'routes'),
        'handlers/1st.ts': source('c', 'topicSchemas'),
      }),
      'shop',
    )
    assert.deepEqual(diagnostics, [])
    const routes = files.find(({ path }) => path === 'generated/routes.ts')?.content ?? ''
    const names = [...routes.matchAll(/^import (\w+) from/gm)].map(([, name]) => name)
    assert.deepEqual(names.sort(), ['_1stHandler', 'aBHandler2', 'aBHandler'].sort())
    assert.match(routes, /^import \{ ABHandler, Routes, TopicSchemas, topicSchemas \} from/m)
  })
})

describe('a folder that cannot be written', () => {
  it('is told with the file and what to do, when it is read-only', async () => {
    const root = projectOnDisk(exampleProject)
    const { files } = await generate(root, 'shop')
    mkdirSync(join(root, 'generated'), { mode: 0o555 })
    asNobody(() =>
      assert.throws(() => writeFiles(root, files), {
        code: 'PYR_WRITE',
        message:
          /^generated\/asyncapi\.json cannot be written: EACCES\. Make it writable \(`chmod -R u\+w generated`\)/,
      }),
    )
  })

  it('is told as the folder above it, where it could not be made', async () => {
    const root = projectOnDisk(exampleProject)
    const { files } = await generate(root, 'shop')
    chmodSync(root, 0o555)
    asNobody(() =>
      assert.throws(() => writeFiles(root, files), {
        code: 'PYR_WRITE',
        message: /EACCES\. Make it writable \(`chmod u\+w \.`\)/,
      }),
    )
    chmodSync(root, 0o755)
  })

  it('is told when something else stands in its place', async () => {
    const root = projectOnDisk(exampleProject)
    const { files } = await generate(root, 'shop')
    writeFileSync(join(root, 'generated'), 'a file')
    assert.throws(() => writeFiles(root, files), { code: 'PYR_WRITE', message: /Look at what stands there/ })
  })
})

/** The superuser may write everywhere. */
function asNobody(act: () => void): void {
  const isRoot = process.geteuid?.() === 0
  if (isRoot) process.seteuid?.(65_534)
  try {
    act()
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
}

describe('lineDiff', () => {
  it('shows what is gone and what is new with two lines around, and leaves out the rest', () => {
    const before = ['1', '2', '3', '4', '5', '6', '7', '8', '9'].join('\n')
    assert.equal(lineDiff(before, before.replace('5', 'five')), '…\n  3\n  4\n- 5\n+ five\n  6\n  7\n…')
  })

  it('shows lines that were added at the end, and nothing for equal texts', () => {
    assert.equal(lineDiff('a', 'a\nb'), '  a\n+ b')
    assert.equal(lineDiff('a\nb', 'a\nb'), '…')
  })

  it('compares files of thousands of lines at once', () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}`)
    const changed = lines.toSpliced(12_000, 1, 'other').toSpliced(400, 0, 'new')
    const diff = lineDiff(lines.join('\n'), changed.join('\n'))
    assert.match(diff, /^\+ new$/m)
    assert.match(diff, /^- line 12000$/m)
  })
})
