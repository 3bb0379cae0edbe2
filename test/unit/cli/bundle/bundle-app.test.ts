// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the samples are source text.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import {
  type Bundle,
  type BundleDone,
  type BundleFailed,
  type Bundler,
  bundleOnce,
  openBundler,
} from '../../../../cli/bundle/bundle-app.ts'

const folders: string[] = []
const bundlers: Bundler[] = []

afterEach(async () => {
  for (const bundler of bundlers.splice(0)) await bundler.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function aProject(files: Readonly<Record<string, string>>): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'pyrallel bundle-')))
  folders.push(root)
  write(root, { 'package.json': '{ "type": "module" }', ...files })
  return root
}

function write(root: string, files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
}

async function aBundler(root: string): Promise<Bundler> {
  const bundler = await openBundler({ root, outDir: 'out', naming: 'hashed', dependencies: 'external' })
  bundlers.push(bundler)
  return bundler
}

function done(bundle: Bundle): BundleDone {
  assert.equal(bundle.kind, 'done', bundle.kind === 'failed' ? JSON.stringify(bundle.diagnostics) : '')
  return bundle as BundleDone
}

function failed(bundle: Bundle): BundleFailed {
  assert.equal(bundle.kind, 'failed')
  return bundle as BundleFailed
}

function outputOf(bundle: BundleDone, name: string): string {
  const entry = bundle.entries.get(name)
  assert.ok(entry !== undefined, name)
  return entry.output
}

const a = { name: 'a', file: 'handlers/a.ts' }
const b = { name: 'b', file: 'handlers/b.ts' }
const shared = {
  'lib/shared.ts': 'export const state: { count: number } = { count: 0 }\nexport const word: string = "one"\n',
  'handlers/a.ts':
    "import { state, word } from '../lib/shared.ts'\nexport default () => `a ${word} ${++state.count}`\n",
  'handlers/b.ts': "import { state } from '../lib/shared.ts'\nexport default () => `b ${++state.count}`\n",
}

async function load(path: string): Promise<() => string> {
  return (await import(pathToFileURL(path).href)).default
}

describe('a bundle', () => {
  it('is code that runs, in which entries share the state of what they import', async () => {
    const root = aProject(shared)
    const bundle = done(await (await aBundler(root)).bundle([a, b]))
    assert.equal((await load(outputOf(bundle, 'a')))(), 'a one 1')
    assert.equal((await load(outputOf(bundle, 'b')))(), 'b 2')
  })

  it('tells of which files each entry is made', async () => {
    const root = aProject(shared)
    const bundle = done(await (await aBundler(root)).bundle([a, b]))
    assert.deepEqual(bundle.entries.get('a')?.inputs, ['handlers/a.ts', 'lib/shared.ts'])
    assert.deepEqual(bundle.inputs, ['handlers/a.ts', 'handlers/b.ts', 'lib/shared.ts'])
  })

  it('gives a new file name to entries that have changed, and to no others', async () => {
    const root = aProject(shared)
    const bundler = await aBundler(root)
    const before = done(await bundler.bundle([a, b]))
    write(root, { 'handlers/a.ts': shared['handlers/a.ts'].replace('a $', 'A $') })
    const after = done(await bundler.bundle([a, b]))
    assert.notEqual(outputOf(after, 'a'), outputOf(before, 'a'))
    assert.equal(outputOf(after, 'b'), outputOf(before, 'b'))
    assert.ok(existsSync(outputOf(before, 'a')), 'an attempt may still run the old code, and import more of it')
    assert.equal((await load(outputOf(after, 'a')))(), 'A one 1')
  })

  it('gives a new file name to every entry that imports what has changed', async () => {
    const root = aProject(shared)
    const bundler = await aBundler(root)
    const before = done(await bundler.bundle([a, b]))
    write(root, { 'lib/shared.ts': shared['lib/shared.ts'].replace('one', 'two') })
    const after = done(await bundler.bundle([a, b]))
    assert.notEqual(outputOf(after, 'a'), outputOf(before, 'a'))
    assert.notEqual(outputOf(after, 'b'), outputOf(before, 'b'))
    assert.equal((await load(outputOf(after, 'a')))(), 'a two 1')
  })

  it('gives a new file name to an entry that is another attempt, and to what imports it, though no text has changed', async () => {
    const odd = 'lib/a (1)+[x].ts'
    const root = aProject({
      [odd]: "export const odd = 'odd'\n",
      'one.ts': `export { odd } from './${odd}'\n`,
      'two.tsx': 'export const two: number = 2\n',
      'three.ts': 'export const three = 3\n',
    })
    const bundler = await aBundler(root)
    const entries = [odd, 'one.ts', 'two.tsx', 'three.ts'].map((file) => ({ name: file, file }))
    const before = done(await bundler.bundle(entries))
    const again = entries.map((entry) =>
      entry.file === odd || entry.file === 'two.tsx' ? { ...entry, attempt: 1 } : entry,
    )
    const after = done(await bundler.bundle(again))
    const changed = entries.filter(({ name }) => outputOf(before, name) !== outputOf(after, name))
    assert.deepEqual(
      changed.map(({ name }) => name),
      [odd, 'one.ts', 'two.tsx'],
    )
    assert.deepEqual({ ...(await import(pathToFileURL(outputOf(after, 'one.ts')).href)) }, { odd: 'odd' })
    assert.deepEqual({ ...(await import(pathToFileURL(outputOf(after, 'two.tsx')).href)) }, { two: 2 })
  })

  it('tells what each of its files is made from, and which others it imports', async () => {
    const root = aProject({
      'shared.ts': 'export const shared = 1\n',
      'later.ts': 'export const later = 1\n',
      'one.ts': "export { shared } from './shared.ts'\nexport const later = () => import('./later.ts')\n",
    })
    const bundle = done(
      await (await aBundler(root)).bundle(['one', 'shared'].map((name) => ({ name, file: `${name}.ts` }))),
    )
    const reached = new Set([outputOf(bundle, 'one')])
    for (const path of reached) {
      for (const each of bundle.outputs.find((output) => output.path === path)?.imports ?? []) reached.add(each)
    }
    const files = bundle.outputs.flatMap((output) => (reached.has(output.path) ? output.files : []))
    assert.deepEqual(files.sort(), [join(root, 'later.ts'), join(root, 'one.ts'), join(root, 'shared.ts')])
  })

  it('is written again where somebody has deleted it', async () => {
    const root = aProject({ 'one.ts': 'export const one = 1\n' })
    const bundler = await aBundler(root)
    const entries = [{ name: 'one', file: 'one.ts' }]
    const output = outputOf(done(await bundler.bundle(entries)), 'one')
    rmSync(join(root, 'out'), { recursive: true })
    assert.equal(outputOf(done(await bundler.bundle(entries)), 'one'), output)
    assert.ok(existsSync(output))
  })

  it('follows entries that come and go', async () => {
    const root = aProject(shared)
    const bundler = await aBundler(root)
    assert.deepEqual([...done(await bundler.bundle([a])).entries.keys()], ['a'])
    assert.deepEqual([...done(await bundler.bundle([a, b])).entries.keys()], ['a', 'b'])
    const bundle = done(await bundler.bundle([b]))
    assert.deepEqual(bundle.inputs, ['handlers/b.ts', 'lib/shared.ts'])
  })

  it('leaves packages as imports, and says which', async () => {
    const root = aProject({
      'handlers/a.ts':
        "import { handler } from 'pyrallel'\nimport 'node:fs'\nimport pino from 'pino'\nexport default [handler, pino]\n",
    })
    const bundle = done(await (await aBundler(root)).bundle([a]))
    assert.deepEqual(bundle.externals, ['pino', 'pyrallel'])
    assert.match(readFileSync(outputOf(bundle, 'a'), 'utf8'), /from "pyrallel"/)
  })

  it("takes the paths of the project's tsconfig.json for files, not for packages", async () => {
    const root = aProject({
      'tsconfig.json': '{ "compilerOptions": { "paths": { "@lib/*": ["./lib/*"] } } }',
      'lib/shared.ts': 'export const word = "found"\n',
      'handlers/a.ts': "import { word } from '@lib/shared.ts'\nexport default () => word\n",
    })
    const bundle = done(await (await aBundler(root)).bundle([a]))
    assert.equal((await load(outputOf(bundle, 'a')))(), 'found')
  })

  it('takes a package from the place that it is given, whatever tsconfig.json says, and leaves what that has not', async () => {
    const root = aProject({
      'tsconfig.json': '{ "compilerOptions": { "paths": { "shop": ["./elsewhere.ts"] } } }',
      'elsewhere.ts': "export const name = 'elsewhere'\n",
      'a.ts': "import { name } from 'shop'\nimport { part } from 'shop/part'\nexport const text = name + part\n",
      'b.ts': "export { nothing } from 'shop/nothing'\nexport { like } from 'shop-like'\n",
      'place/index.mjs': "export const name = 'place'\n",
      'place/part.mjs': "export const part = ' and part'\n",
    })
    const urlOf = (file: string) => pathToFileURL(join(root, file)).href
    const from = new Map([
      ['shop', urlOf('place/index.mjs')],
      ['shop/part', urlOf('place/part.mjs')],
    ])
    const settings = { root, outDir: 'out', naming: 'plain', dependencies: 'external', from } as const
    const entries = ['a', 'b'].map((name) => ({ name, file: `${name}.ts` }))
    const bundle = done(await bundleOnce(settings, entries))
    assert.deepEqual(bundle.externals, [...from.values(), 'shop-like', 'shop/nothing'].sort())
    assert.equal((await import(urlOf('out/a.mjs'))).text, 'place and part')
  })

  it("names the user's lines in stacks", async () => {
    const root = aProject({
      'handlers/a.ts':
        'interface Long {\n  readonly line: number\n}\nexport default (): Long => {\n  throw new Error("here")\n}\n',
    })
    const hashed = done(await (await aBundler(root)).bundle([a]))
    const inside = /sourceMappingURL=data:application\/json;base64,(.+)/.exec(
      readFileSync(outputOf(hashed, 'a'), 'utf8'),
    )
    const map = JSON.parse(Buffer.from(inside?.[1] ?? '', 'base64').toString())
    assert.deepEqual(map.sources, ['../handlers/a.ts'])

    const shipped = { root, outDir: 'out', naming: 'plain', dependencies: { external: [] } } as const
    const plain = done(await bundleOnce(shipped, [a]))
    assert.match(readFileSync(outputOf(plain, 'a'), 'utf8'), /sourceMappingURL=a\.mjs\.map/)
    const beside = JSON.parse(readFileSync(`${outputOf(plain, 'a')}.map`, 'utf8'))
    assert.deepEqual(beside.sources, ['../handlers/a.ts'])
  })

  it('keeps the names of functions and classes', async () => {
    const root = aProject({ 'handlers/a.ts': 'class Refused extends Error {}\nexport default () => Refused.name\n' })
    const bundle = done(await (await aBundler(root)).bundle([a]))
    assert.equal((await load(outputOf(bundle, 'a')))(), 'Refused')
  })

  it('has plain names and takes packages in when it is made to be shipped', async () => {
    const root = aProject({
      'node_modules/inner/package.json': '{ "name": "inner", "main": "index.cjs" }',
      'node_modules/inner/index.cjs': "module.exports = require('os').EOL + 'inner'\n",
      'handlers/a.ts': "import inner from 'inner'\nimport outer from 'outer'\nexport default () => inner + outer\n",
    })
    const settings = { root, outDir: 'dist', naming: 'plain', dependencies: { external: ['outer'] } } as const
    const entry = { name: 'server', file: 'server.ts', contents: "export { default } from './handlers/a.ts'" }
    const bundle = done(await bundleOnce(settings, [entry]))
    assert.equal(outputOf(bundle, 'server'), join(root, 'dist/server.mjs'))
    assert.deepEqual(bundle.externals, ['outer'])
    write(root, {
      'node_modules/outer/package.json': '{ "main": "i.js" }',
      'node_modules/outer/i.js': 'module.exports = "outer"',
    })
    assert.match((await load(outputOf(bundle, 'server')))(), /^\r?\ninnerouter$/)
    assert.deepEqual(bundle.outputs.map(({ path }) => path).sort(), [
      join(root, 'dist/server.mjs'),
      join(root, 'dist/server.mjs.map'),
    ])
  })
})

describe('a bundle that cannot be made', () => {
  it('shows a syntax error with its place, and succeeds once it is corrected', async () => {
    const root = aProject({ 'handlers/a.ts': 'const ä = 1\nexport default () => { const x = "ü" + ; return ä }\n' })
    const bundler = await aBundler(root)
    const { diagnostics } = failed(await bundler.bundle([a]))
    assert.equal(diagnostics.length, 1)
    const [first] = diagnostics
    assert.equal(first?.code, 'PYR_BUNDLE')
    assert.deepEqual([first?.file, first?.line, first?.column], ['handlers/a.ts', 2, 40])
    assert.equal(first?.message, 'Unexpected ";".')
    assert.match(first?.frame ?? '', /> 2 \| export default.*\n {4}\| {40}\^$/m)
    write(root, { 'handlers/a.ts': 'export default () => "fine"\n' })
    done(await bundler.bundle([a]))
  })

  it('advises no package where an entry is gone', async () => {
    const root = aProject({})
    const { diagnostics } = failed(await (await aBundler(root)).bundle([{ name: 'one', file: 'handlers/one.ts' }]))
    assert.match(diagnostics[0]?.message ?? '', /\.\/handlers\/one\.ts/)
    assert.match(diagnostics[0]?.fix ?? '', /^Write the file/)
  })

  it('says which import leads nowhere, and which file would help', async () => {
    const root = aProject({ 'handlers/a.ts': "import { x } from '../lib/none.ts'\nexport default () => x\n" })
    const { diagnostics, missing } = failed(await (await aBundler(root)).bundle([a]))
    assert.equal(diagnostics[0]?.message, 'Could not resolve "../lib/none.ts".')
    assert.match(diagnostics[0]?.fix ?? '', /Write the file that is imported/)
    assert.deepEqual(missing, [join(root, 'lib/none.ts')])
  })

  it('names the file that cannot be written', async () => {
    const root = aProject({ 'handlers/a.ts': 'export default () => 1\n', out: 'a file where a folder should be' })
    await assert.rejects((await aBundler(root)).bundle([a]), {
      code: 'PYR_WRITE',
      message: /^out\/a-\w+\.mjs(\.map)? cannot be written: E\w+.*Make the folder writable\.$/,
    })
  })
})
