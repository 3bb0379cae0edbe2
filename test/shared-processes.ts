/** Lets the unit tests of a folder share a process. Finds no files and runs none. */
import { writeFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { TestGroup } from './test-groups.ts'

/**
 * What node's test runner is given, each for a process of its own. A file of `scratch` imports the unit tests of one folder: to start a
 * process and to load tsx, typebox and the runtime takes most of them far longer than their tests. Unit tests may share one because they
 * leave nothing behind, and the tests of one process run one after the other. All other groups have processes, threads, sockets or
 * clients, and a file of theirs that leaves one behind must be found out: a process per file.
 */
export function processFiles({ name, directory, files }: TestGroup, scratch: string): readonly string[] {
  if (name !== 'unit') return files
  const folders = new Map<string, string[]>()
  for (const file of files) {
    // What stands beside the folders is about none of them.
    const key = dirname(file) === join(directory, name) ? file : dirname(file)
    folders.set(key, [...(folders.get(key) ?? []), file])
  }
  return [...folders].map(([folder, [only = '', ...others]]) => {
    if (others.length === 0) return only
    const path = join(scratch, `${relative(directory, folder).replaceAll(sep, '-')}.mjs`)
    // Static imports: no test begins, and none is disturbed, before all are loaded.
    writeFileSync(path, [only, ...others].map((file) => `import ${JSON.stringify(pathToFileURL(file))}\n`).join(''))
    return path
  })
}
