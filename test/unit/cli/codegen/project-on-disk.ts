/** Projects in a temporary folder, for tests of the generator. Removed after each test. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach } from 'node:test'
import { schemaText } from '../../../../cli/codegen/render/render-schemas.ts'
import { ProjectScanner } from '../../../../cli/codegen/scan/scan-project.ts'
import type { ScanResult } from '../../../../cli/codegen/scan/scan-result.ts'
import { diagnosticText } from '../../../../cli/diagnostics/diagnostic.ts'

const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** Writes the files and returns the folder. Paths below handlers/ need no folder in front. */
export function projectOnDisk(files: Readonly<Record<string, string>>): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'pyrallel-codegen-')))
  folders.push(root)
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  return root
}

/** Scans handlers/ of a project with these files. */
export function scan(files: Readonly<Record<string, string>>, defaultGroup = 'shop'): ScanResult {
  return new ProjectScanner(projectOnDisk(files)).scan(defaultGroup)
}

/** All definitions of a project whose handler reads a topic of `Value`, as they stand in schemas.ts, by name. */
export function definitions(
  declarations: string,
  files: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const { definitions: found, diagnostics } = scan({
    'handlers/a.ts': `import { handler, topic } from 'pyrallel'\n${declarations}\nexport default handler(topic<Value>('values'), () => {})\n`,
    ...files,
  })
  assert.deepEqual(diagnostics.map(diagnosticText), [])
  return Object.fromEntries(found.map(({ name, node }) => [name, schemaText(node, new Set()).replaceAll(/\s+/g, ' ')]))
}
