/**
 * Imports are followed as `tsc` of TypeScript 7 follows them: for each project in imports/, both find the same type, or both refuse. A project is one text:
 * `-- path --` before each file, and before them the type that is expected, or what is said where it is refused.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ProjectScanner } from '../../../../../cli/codegen/scan/scan-project.ts'
import { mapChildren, type SchemaNode } from '../../../../../cli/codegen/schema/schema-node.ts'
import { diagnosticText } from '../../../../../cli/diagnostics/diagnostic.ts'

const checkout = join(import.meta.dirname, '../../../../..')
const folder = join(import.meta.dirname, 'imports')

interface Fixture {
  readonly name: string
  readonly expected: string | undefined
  readonly refused: string | undefined
  readonly files: Readonly<Record<string, string>>
}

function fixtureOf(file: string): Fixture {
  const [, ...parts] = readFileSync(join(folder, file), 'utf8').split(/^-- (.+) --\n/m)
  const sections = new Map<string, string>()
  for (let at = 0; at < parts.length; at += 2) sections.set(parts[at] ?? '', parts[at + 1] ?? '')
  const [expected, refused] = ['expected', 'refused'].map((name) => sections.get(name)?.trim())
  sections.delete('expected')
  sections.delete('refused')
  const name = file.replace(/\.txt$/, '').replaceAll('-', ' ')
  return { name, expected, refused, files: { ...common, ...Object.fromEntries(sections) } }
}

/** What a project has where its text does not say otherwise. */
const common: Readonly<Record<string, string>> = {
  'package.json': '{ "type": "module" }',
  'tsconfig.json': JSON.stringify({
    compilerOptions: { module: 'nodenext', noEmit: true, strict: true, allowImportingTsExtensions: true, types: [] },
  }),
  'node_modules/pyrallel/package.json':
    '{ "name": "pyrallel", "version": "1.0.0", "type": "module", "types": "index.d.ts" }',
  'node_modules/pyrallel/index.d.ts': `export { Type } from 'typebox'
export declare function topic<T>(name: string, options?: object): T
export declare function handler<T>(from: T, run: (value: T) => void): T
`,
}

/** `tsc` looks whether the two types are the same; a topic of the other one is made here. */
function compared(expected: string): Readonly<Record<string, string>> {
  const text = /^export type Value/m.test(expected) ? expected : `export type Value = ${expected}`
  return {
    'expected.ts': `${text}\n`,
    'handlers/expected.ts':
      "import { handler, topic } from 'pyrallel'\nimport type { Value } from '../expected.ts'\nexport default handler(topic<Value>('expected'), () => {})\n",
    'same.ts': `import type { Value as Expected } from './expected.ts'
import type { Value } from './handlers/a.ts'
type Is<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
export const isSame: Is<Value, Expected> = true
`,
  }
}

const fixtures = readdirSync(folder).sort().map(fixtureOf)

describe('imports, as tsc of TypeScript 7 follows them', () => {
  const all = realpathSync(mkdtempSync(join(tmpdir(), 'pyrallel-imports-')))
  const rootOf = (fixture: Fixture) => join(all, String(fixtures.indexOf(fixture)))
  let told: readonly string[] = []

  before(() => {
    for (const fixture of fixtures) write(rootOf(fixture), fixture)
    told = tsc(all, fixtures.map(rootOf))
  })
  after(() => rmSync(all, { recursive: true, force: true }))

  it('is looked at for every project of the folder', () => {
    assert.ok(fixtures.length > 40, `${fixtures.length}`)
    for (const { name, expected, refused } of fixtures)
      assert.ok((expected === undefined) !== (refused === undefined), name)
  })

  for (const fixture of fixtures) {
    const { name, refused } = fixture
    it(`${refused === undefined ? 'follows' : 'refuses'} ${name}`, () => {
      const errors = told.filter((line) => line.startsWith(`${fixtures.indexOf(fixture)}/`))
      const { topics, definitions, diagnostics } = new ProjectScanner(rootOf(fixture)).scan('shop')
      if (refused !== undefined) {
        assert.notDeepEqual(errors, [])
        assert.deepEqual(
          diagnostics.map(({ file, line, column, message }) => `${file}:${line}:${column} ${message}`),
          [refused],
        )
        return
      }
      assert.deepEqual(errors, [])
      assert.deepEqual(diagnostics.map(diagnosticText), [])
      const byName = new Map(definitions.map((each) => [each.name, each.node]))
      const [own, expected] = ['orders', 'expected'].map((topic) => {
        const schema = topics.find((each) => each.name === topic)?.schema
        const node = schema?.kind === 'derived' ? byName.get(schema.name) : undefined
        assert.ok(node !== undefined, topic)
        return inlined(node, byName)
      })
      assert.deepEqual(own, expected)
    })
  }
})

function write(root: string, { files, expected }: Fixture): void {
  for (const [path, text] of Object.entries({ ...files, ...(expected === undefined ? {} : compared(expected)) })) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  symlinkSync(join(checkout, 'node_modules/typebox'), join(root, 'node_modules/typebox'), 'dir')
  // The language's library is not what is looked at: checked for each project, it takes minutes.
  const compilerOptions = { lib: ['es2022'], skipLibCheck: true }
  writeFileSync(join(root, 'tsconfig.check.json'), JSON.stringify({ extends: './tsconfig.json', compilerOptions }))
}

/** All at once. @returns the errors, a line each, with their paths */
function tsc(cwd: string, roots: readonly string[]): readonly string[] {
  const command = join(checkout, 'node_modules/typescript/bin/tsc')
  const configs = roots.map((root) => join(root, 'tsconfig.check.json'))
  const { stdout } = spawnSync(process.execPath, [command, '--build', ...configs], { cwd, encoding: 'utf8' })
  return stdout.split('\n').filter((line) => line.includes('error TS'))
}

/** Names do not matter, nor does order. */
function inlined(node: SchemaNode, byName: ReadonlyMap<string, SchemaNode>): SchemaNode {
  const target = node.kind === 'reference' ? byName.get(node.name) : undefined
  if (target !== undefined) return inlined({ ...target, ...(node.options && { options: node.options }) }, byName)
  const whole = mapChildren(node, (child) => inlined(child, byName))
  const sorted = <T>(parts: readonly T[]) => [...parts].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  if (whole.kind === 'object') return { ...whole, properties: sorted(whole.properties) }
  return whole.kind === 'union' ? { ...whole, members: sorted(whole.members) } : whole
}
