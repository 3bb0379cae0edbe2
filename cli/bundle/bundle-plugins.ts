/** What esbuild is taught for our bundles: entries that are no files, and packages that come from a place of our own. */
import { dirname, extname, resolve } from 'node:path'
import type { Plugin } from 'esbuild'

/** The namespace of entries that are not on the disk. */
export const virtual = 'pyrallel-entry'

/** Entries that are not on the disk, by the file that they stand for. `onRead` is called for each that esbuild has asked for. */
export function virtualEntries(root: string, sources: ReadonlyMap<string, string>, onRead: () => void): Plugin {
  return {
    name: virtual,
    setup(build) {
      if (sources.size === 0) return
      build.onResolve({ filter: new RegExp(`^${virtual}:`) }, ({ path }) => ({
        path: path.slice(virtual.length + 1),
        namespace: virtual,
      }))
      build.onLoad({ filter: /.*/, namespace: virtual }, ({ path }) => {
        onRead()
        return {
          contents: sources.get(path) ?? '',
          loader: extname(path) === '.mjs' ? 'js' : 'ts',
          resolveDir: dirname(resolve(root, path)),
        }
      })
    },
  }
}

/** Comes before tsconfig.json's `paths`, which may say where the sources of a package are. */
export function importsFrom(places: ReadonlyMap<string, string>): Plugin {
  return {
    name: 'pyrallel-from',
    setup(build) {
      for (const [specifier, url] of places) {
        const escaped = specifier.replaceAll(/[^\w]/g, '\\$&')
        build.onResolve({ filter: new RegExp(`^${escaped}$`) }, () => ({ path: url, external: true }))
      }
    },
  }
}
