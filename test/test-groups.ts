/** Finds the test files and sorts them into groups, cheapest first. Decides nothing about running them. */
import { readdirSync } from 'node:fs'
import { relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const testDir = fileURLToPath(new URL('.', import.meta.url))
const first = ['unit', 'architecture', 'contract', 'simulation']
const last = ['integration', 'e2e']

export interface TestGroup {
  readonly name: string
  /** Absolute paths, sorted. */
  readonly files: readonly string[]
}

/** The folder below test/; a file directly in test/ is a group of its own. */
export function groupOf(file: string): string {
  const [top = ''] = relative(testDir, file).split(sep)
  return top.replace(/\.test\.ts$/, '')
}

/** Every `*.test.ts` below test/, so that no file is left out for standing in a folder that nobody has heard of. */
export function findTestGroups(): readonly TestGroup[] {
  const files = readdirSync(testDir, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .sort()
    .map((file) => `${testDir}${file}`)
  const names = [...new Set(files.map(groupOf))].sort((a, b) => rank(a) - rank(b))
  return names.map((name) => ({ name, files: files.filter((file) => groupOf(file) === name) }))
}

function rank(group: string): number {
  if (first.includes(group)) return first.indexOf(group)
  return first.length + 1 + last.indexOf(group)
}
