/** Where the command's own copy of `pyrallel` lies, so that the user's code can be given that copy and no other. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isCompiled, packageRoot } from '../folders/package-root.ts'

interface OwnManifest {
  readonly name: string
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>
}

/** By specifier (`pyrallel`, `pyrallel/testing`): the URL of the module. */
export function ownPackages(): ReadonlyMap<string, string> {
  const manifest = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as OwnManifest
  return new Map(
    Object.entries(manifest.exports).flatMap(([path, target]) => {
      if (typeof target === 'string') return []
      const specifier = path.replace(/^\./, manifest.name)
      return [[specifier, pathToFileURL(join(packageRoot, fileOf(target.default))).href] as const]
    }),
  )
}

/** The exports name what is compiled; run from its sources, the command has loaded those. */
function fileOf(compiled: string): string {
  return isCompiled ? compiled : compiled.replace(/^\.\/dist\//, './').replace(/\.js$/, '.ts')
}
