/** The generator that stays in memory: it gives what a new one would give, whatever has changed since. */
import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { Generator, generate } from '../../../cli/codegen/generate.ts'
import { exampleProject } from './example-project.ts'
import { projectOnDisk } from './project-on-disk.ts'

interface Step {
  readonly what: string
  /** New content, or `null` for a file that is deleted. */
  readonly files: Readonly<Record<string, string | null>>
}

const handlerOf = (type: string, from: string) =>
  `import { handler } from 'pyrallel'\nimport type { ${type} } from '${from}'\nexport default handler<${type}>('new.topic', () => {})\n`

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
  {
    what: 'paths in tsconfig.json',
    files: {
      'tsconfig.json': '{ "compilerOptions": { "paths": { "#later": ["./later.ts"] } } }',
      'handlers/new.ts': handlerOf('Later', '#later'),
    },
  },
]

describe('Generator', () => {
  it('gives what a new generator gives, after every change', async () => {
    const root = projectOnDisk(exampleProject)
    const generator = await Generator.open(root)
    await generator.update('shop')
    for (const { what, files } of steps) {
      for (const [path, content] of Object.entries(files)) {
        if (content === null) rmSync(join(root, path))
        else {
          mkdirSync(dirname(join(root, path)), { recursive: true })
          writeFileSync(join(root, path), content)
        }
      }
      assert.deepEqual(await generator.update('shop', Object.keys(files)), await generate(root, 'shop'), what)
    }
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
})
