/** What can be said of a bundle before it is written. Pure. */
import { isBuiltin } from 'node:module'
import type { BuildResult, Metafile } from 'esbuild'
import { type PlaceUse, placeUses } from './place-uses.ts'

export interface BundleLook {
  /** Code that would not find in the bundle what stands beside its file. Of a bundle that fails: what imports machine code. */
  readonly uses: readonly PlaceUse[]
  /** Every file, as esbuild names it, with what it imports: such files, and packages that stay imports as they are written. */
  readonly inputs: ReadonlyMap<string, readonly string[]>
  /** Packages, or parts of them, that stay imports, as they are written; sorted. Without Node's own modules. */
  readonly externals: readonly string[]
}

export function lookAt({ metafile = { inputs: {}, outputs: {} }, outputFiles = [] }: BuildResult): BundleLook {
  const inputs = new Map(
    Object.entries(metafile.inputs).map(([path, { imports }]) => [path, imports.map((each) => each.path)] as const),
  )
  const code = outputFiles.filter(({ path }) => !path.endsWith('.map'))
  return {
    uses: code.flatMap(({ text }) => placeUses(text, (path) => inputs.has(path))),
    inputs,
    externals: externalsOf(metafile),
  }
}

export function externalsOf({ outputs }: Metafile): readonly string[] {
  const externals = Object.values(outputs).flatMap(({ imports }) =>
    imports.flatMap(({ path, external }) => (external === true && !isBuiltin(path) ? [path] : [])),
  )
  return [...new Set(externals)].sort()
}
