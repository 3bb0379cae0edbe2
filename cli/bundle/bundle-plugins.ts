/** What esbuild is taught for our bundles: entries that are no files, and packages that come from a place of our own. */
import { readFileSync } from 'node:fs'
import { basename, dirname, extname, resolve } from 'node:path'
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

/** Files that are to have another output than before, though their text is the same. `onRead` is called for each that esbuild has asked for. */
export function attempts(
  root: string,
  entries: readonly { readonly file: string; readonly attempt?: number }[],
  onRead: () => void,
): Plugin {
  const numbers = new Map(
    entries.flatMap(({ file, attempt }) => (attempt === undefined ? [] : [[resolve(root, file), attempt] as const])),
  )
  return {
    name: 'pyrallel-attempt',
    setup(build) {
      if (numbers.size === 0) return
      const paths = [...numbers.keys()].map((path) => path.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      build.onLoad({ filter: new RegExp(`^(?:${paths.join('|')})$`), namespace: 'file' }, ({ path }) => {
        onRead()
        // The source map holds the text, and the output's name is made of both.
        return { contents: `${readFileSync(path, 'utf8')}\n// attempt ${numbers.get(path)}\n`, loader: 'default' }
      })
    },
  }
}

/**
 * The `alias` option sends imports of a package to our own places. Not for a plugin to do: it would be asked for every import of every file at every
 * change, and whoever develops has this process busy with other things then. But an alias is also that of every path below it, so a plugin keeps those that the package
 * has nothing for as they are, for Node to refuse. Both come before tsconfig.json's `paths`, which may say where the sources of a package are.
 */
export function importsBelow(places: ReadonlyMap<string, string>): Plugin {
  return {
    name: 'pyrallel-below',
    setup(build) {
      for (const specifier of places.keys()) {
        const escaped = specifier.replaceAll(/[^\w]/g, '\\$&')
        build.onResolve({ filter: new RegExp(`^${escaped}/`) }, ({ path }) =>
          places.has(path) ? undefined : { path, external: true },
        )
      }
    },
  }
}

/** Modules of our own in the place of others, both absolute. */
export function insteadOf(places: ReadonlyMap<string, string>): Plugin {
  return {
    name: 'pyrallel-instead',
    setup(build) {
      const names = [...new Set([...places.keys()].map((path) => basename(path).replaceAll('.', '\\.')))]
      if (names.length === 0) return
      build.onResolve({ filter: new RegExp(`/(?:${names.join('|')})$`) }, ({ path, resolveDir }) => {
        const place = places.get(resolve(resolveDir, path))
        return place === undefined ? undefined : { path: place }
      })
    },
  }
}

/**
 * Packages whose modules do nothing but define: what is not used of them, and what only that would load, is left out. Asked for every import of every file,
 * so only for builds.
 */
export function definitionsOnly(packages: readonly string[]): Plugin {
  const isInside = (path: string) =>
    packages.some((name) => path.replaceAll('\\', '/').includes(`/node_modules/${name}/`))
  return {
    name: 'pyrallel-definitions',
    setup(build) {
      if (packages.length === 0) return
      build.onResolve({ filter: /.*/ }, async ({ path, importer, kind, resolveDir, pluginData }) => {
        if (pluginData === definitionsOnly || !(packages.includes(path) || isInside(importer))) return undefined
        const options = { importer, kind, resolveDir, pluginData: definitionsOnly }
        return { ...(await build.resolve(path, options)), sideEffects: false }
      })
    },
  }
}

/** What `@platformatic/kafka` reads from beside its file, as a module that holds it. */
export const wasmInside: Plugin = {
  name: 'pyrallel-wasm',
  setup(build) {
    build.onResolve({ filter: /^@platformatic\/wasm-utils$/ }, ({ kind, resolveDir }) =>
      build.resolve('@platformatic/wasm-utils/bundled', { kind, resolveDir }),
    )
  },
}
