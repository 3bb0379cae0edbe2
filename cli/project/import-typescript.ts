/** Imports a TypeScript file of the project, with all that it imports, in this process. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bundleOnce } from '../bundle/bundle-app.ts'
import { ownPackages } from '../bundle/own-packages.ts'
import { readTypeScript } from '../bundle/read-typescript.ts'

/** @throws whatever the file throws, and what is wrong with its syntax */
export async function importTypeScript(root: string, file: string): Promise<unknown> {
  // tsx looks for the extension in front of the first `?`. In a folder that has one in its name, it takes TypeScript for JavaScript.
  if (root.includes('?')) return importBundled(root, file)
  await readTypeScript()
  return import(pathToFileURL(join(root, file)).href)
}

async function importBundled(root: string, file: string): Promise<unknown> {
  const folder = `.pyrallel/load/${process.pid}`
  const settings = { root, outDir: folder, naming: 'hashed', dependencies: 'external', from: ownPackages() } as const
  try {
    const bundle = await bundleOnce(settings, [{ name: 'module', file }])
    if (bundle.kind === 'done') return await import(pathToFileURL(bundle.entries.get('module')?.output ?? '').href)
    const [first] = bundle.diagnostics
    throw new SyntaxError(`${first?.message} (at ${first?.file}:${first?.line}:${first?.column})`)
  } finally {
    rmSync(join(root, folder), { recursive: true, force: true })
  }
}
