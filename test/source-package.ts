/**
 * Puts `pyrallel` into the node_modules of a test's project, and says how to start its command: from this repository's sources, so that nothing need
 * be built; or as it is published, once the test command has compiled it, because a command that is read through a loader takes a processor three
 * times as long as one that is not.
 */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const repository = fileURLToPath(new URL('../', import.meta.url))

/** Set by the test command for groups that start commands, when dist/ holds the sources that are tested. */
export const compiledVariable = 'PYRALLEL_TEST_COMPILED'
const isCompiled = process.env[compiledVariable] === '1'

/** What Node runs as `pyrallel`. */
export const commandFile = join(repository, isCompiled ? 'dist/cli/bin.js' : 'cli/bin.mjs')

/** The entries of package.json's `exports`, as sources. */
export const sourceExports = {
  '.': './framework/index.ts',
  './testing': './framework/testing/index.ts',
  './worker': './framework/execution-plane/worker/thread/worker-main.ts',
} as const

/**
 * Node, TypeScript and esbuild follow the links themselves, so a project's code shares the package with the command.
 * @param packages others that the project has installed, as this repository has them
 */
export function installPackage(root: string, packages: readonly string[] = ['typebox']): void {
  const home = join(root, 'node_modules/pyrallel')
  mkdirSync(home, { recursive: true })
  const folder = isCompiled ? 'dist' : 'framework'
  symlinkSync(join(repository, folder), join(home, folder))
  const { exports } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { exports: object }
  const own = { name: 'pyrallel', type: 'module', sideEffects: false, exports: isCompiled ? exports : sourceExports }
  writeFileSync(join(home, 'package.json'), JSON.stringify(own))
  for (const name of packages) symlinkSync(join(repository, 'node_modules', name), join(root, 'node_modules', name))
}
