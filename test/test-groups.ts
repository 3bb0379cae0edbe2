/** Finds the test files and sorts them into groups, cheapest first. Runs none of them. */
import { readdirSync, statSync } from 'node:fs'
import { join, sep } from 'node:path'

const first = ['unit', 'architecture', 'contract', 'simulation']
const last = ['browser', 'integration', 'e2e']

export interface TestGroup {
  readonly name: string
  /** What the test files were looked for in. */
  readonly directory: string
  /** Absolute paths, the largest file first: near enough, it runs longest, and what runs longest must not begin last. */
  readonly files: readonly string[]
}

/** Every `*.test.ts` below `directory`, so that no file is left out for standing in a folder that nobody has heard of. */
export function findTestGroups(directory: string): readonly TestGroup[] {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.test.ts'),
  )
  const names = [...new Set(files.map(groupOf))].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
  return names.map((name) => ({
    name,
    directory,
    files: files
      .filter((file) => groupOf(file) === name)
      .sort()
      .map((file) => join(directory, file))
      .sort((a, b) => statSync(b).size - statSync(a).size),
  }))
}

/** The folder; a file that stands in none is a group of its own. */
function groupOf(file: string): string {
  const [top = ''] = file.split(sep)
  return top.replace(/\.test\.ts$/, '')
}

function rank(group: string): number {
  if (first.includes(group)) return first.indexOf(group)
  return first.length + 1 + last.indexOf(group)
}
