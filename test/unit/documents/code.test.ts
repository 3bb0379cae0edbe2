/**
 * Code of the documents compiles against the package. A block counts as a file when its first line is a comment with a path; what it imports
 * beside the package and the example's own files stands in `stubs`.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { checkout, codeBlocks, pages, textOf } from './pages.ts'

const stubs: Readonly<Record<string, string>> = {
  'handlers/_save.ts':
    'export async function save(_value: unknown): Promise<void> {}\nexport async function saveAll(_values: readonly unknown[]): Promise<void> {}\n',
  'handlers/_score.ts': 'export function score(_value: unknown): boolean {\n  return true\n}\n',
  'handlers/_profiles.ts':
    'export class NotFound extends Error {}\nexport async function fetchProfile(_id: string, _signal: AbortSignal): Promise<void> {}\n',
  'generated/routes.ts':
    "import type { RegisteredHandler } from 'pyrallel'\nexport const routes: readonly RegisteredHandler[] = []\n",
}
const named = /^\/\/ ([\w./-]+\.ts)\b.*\n/
let folder = ''

interface PageFile {
  readonly page: string
  readonly path: string
  readonly code: string
}

/** Its files are compiled and run on the frameworks that they are for: `test/integration/embedding.test.ts`. */
const compiledElsewhere = 'docs/embedding.md'

const files: readonly PageFile[] = pages.flatMap((page) =>
  codeBlocks(page === compiledElsewhere ? '' : textOf(page))
    .filter(({ language }) => language === 'ts')
    .flatMap(({ code }) => {
      const [, path] = named.exec(code) ?? []
      return path === undefined ? [] : [{ page, path, code }]
    }),
)

/** What the compiler says of these, each page's in a folder of its own, beside the example's files. */
function compile(sources: readonly PageFile[]): string {
  folder = mkdtempSync(join(tmpdir(), 'pyrallel-documents-'))
  for (const page of new Set(sources.map((file) => file.page))) {
    const root = join(folder, page)
    for (const name of ['_services.ts', '_topics.ts']) {
      cpSync(join(checkout, 'handlers', name), join(root, 'handlers', name), { recursive: true })
    }
    for (const [path, code] of Object.entries({ 'pyrallel.config.ts': configStub, ...stubs })) write(root, path, code)
    for (const { path, code } of sources.filter((file) => file.page === page)) write(root, path, code)
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'))
  const typeRoots = [join(checkout, 'node_modules/@types')]
  const compilerOptions = { typeRoots, noUnusedLocals: false, noUnusedParameters: false }
  const config = { extends: join(checkout, 'tsconfig.json'), compilerOptions, include: ['**/*.ts'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const { stdout } = spawnSync(join(checkout, 'node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8' })
  rmSync(folder, { recursive: true, force: true })
  return stdout
}

const configStub = "import { defineConfig } from 'pyrallel'\nexport default defineConfig({ group: 'shop' })\n"

function write(root: string, path: string, code: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), code)
}

describe('code in a document that is a file', () => {
  let said = ''

  before(() => {
    const broken = {
      page: 'broken',
      path: 'handlers/broken.ts',
      code: "import { nothing } from 'pyrallel'\nnothing()\n",
    }
    said = compile([...files, broken])
  })

  after(() => rmSync(folder, { recursive: true, force: true }))

  it('compiles against the package, and what does not is found out', () => {
    const lines = said.split('\n').filter((line) => /error TS/.test(line))
    assert.deepEqual(
      lines.filter((line) => !line.includes('broken/handlers/broken.ts')),
      [],
    )
    assert.equal(lines.length, 1)
  })

  it('is what every block of TypeScript is that exports something', () => {
    for (const page of pages) {
      for (const { language, code } of codeBlocks(textOf(page))) {
        if (language === 'ts' && /^export default /m.test(code)) assert.match(code, named, page)
      }
    }
    assert.ok(files.length >= 10)
  })
})
