/** Bundles entries of threads for tests, as `pyrallel dev` and `build` do: a thread that loads TypeScript file by file starts slowly. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { bundleOnce } from '../../../cli/bundle/bundle-app.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** The URL of each entry's bundle, by the entry's file name without extension. Removed after the test file. */
export async function bundledEntries<Name extends string>(...names: readonly Name[]): Promise<Record<Name, string>> {
  const outDir = await mkdtemp(join(tmpdir(), 'pyrallel-workers-'))
  after(() => rm(outDir, { recursive: true, force: true }))
  const entries = names.map((name) => ({ name, file: fileURLToPath(new URL(`./${name}.ts`, import.meta.url)) }))
  const bundle = await bundleOnce({ root, outDir, naming: 'plain', dependencies: { external: [] } }, entries)
  assert.equal(bundle.kind, 'done')
  const urls = [...bundle.entries.values()].map(({ name, output }) => [name, pathToFileURL(output).href])
  return Object.fromEntries(urls) as Record<Name, string>
}
