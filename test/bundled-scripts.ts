/**
 * Bundles scripts of ours as `pyrallel build` bundles an app. To read the sources through a loader takes a process longer than most tests have it do, and
 * makes every function that it creates slower, which a benchmark would measure.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleOnce } from '../cli/bundle/bundle-app.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const external = ['@confluentinc/kafka-javascript', '@opentelemetry/api', 'esbuild', 'ts-morph']
const javascriptLibrary = '@platformatic/kafka'

export interface BundledScripts {
  /** Absolute. */
  fileOf(name: string): string
  /** Removes the files; they also go when this process ends. */
  remove(): void
}

/**
 * @param folder of the scripts, relative to this repository
 * @param names without `.ts`
 * @param isShipped the client in JavaScript is in them, as in a build that has it; else its library is loaded from `node_modules`
 * @throws Error when one does not compile
 */
export async function bundleScripts(
  folder: string,
  names: readonly string[],
  isShipped = false,
): Promise<BundledScripts> {
  // Inside of the checkout, where the native client is found from; a folder that Git ignores.
  mkdirSync(join(root, '.pyrallel'), { recursive: true })
  const outDir = mkdtempSync(join(root, '.pyrallel', 'scripts-'))
  const remove = () => rmSync(outDir, { recursive: true, force: true })
  process.once('exit', remove)
  const entries = names.map((name) => ({ name, file: join(root, folder, `${name}.ts`) }))
  const settings = isShipped
    ? { dependencies: { external }, definitionsOnly: [javascriptLibrary] }
    : { dependencies: { external: [...external, javascriptLibrary] } }
  const bundle = await bundleOnce({ root, outDir, naming: 'plain', ...settings }, entries)
  if (bundle.kind === 'failed') {
    const why = bundle.diagnostics.map(({ message }) => message).join('; ')
    throw new Error(`The scripts in ${folder} cannot be bundled: ${why}`)
  }
  return { fileOf: (name) => join(outDir, `${name}.mjs`), remove }
}
