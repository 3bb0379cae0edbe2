/** Puts `pyrallel` into the node_modules of a test's project: a package whose exports are this repository's sources, so that nothing is built. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const repository = fileURLToPath(new URL('../', import.meta.url))

/** The entries of package.json's `exports`, as sources. */
export const sourceExports = {
  '.': './framework/index.ts',
  './testing': './framework/testing/index.ts',
  './worker': './framework/execution-plane/worker-main.ts',
} as const

/**
 * Node, TypeScript and esbuild follow the links to the sources themselves, so a project's code shares them with the command.
 * @param packages others that the project has installed, as this repository has them
 */
export function installSources(root: string, packages: readonly string[] = ['typebox']): void {
  const home = join(root, 'node_modules/pyrallel')
  mkdirSync(home, { recursive: true })
  symlinkSync(join(repository, 'framework'), join(home, 'framework'))
  writeFileSync(
    join(home, 'package.json'),
    JSON.stringify({ name: 'pyrallel', type: 'module', sideEffects: false, exports: sourceExports }),
  )
  for (const name of packages) symlinkSync(join(repository, 'node_modules', name), join(root, 'node_modules', name))
}
