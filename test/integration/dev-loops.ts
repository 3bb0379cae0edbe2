// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the samples are source text.
/** Sessions of `pyrallel dev` as processes, with handlers that tell which code has run. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { aProject, type CommandProcess, command } from './command-process.ts'

export const timeout = { timeout: 120_000 }

export const config = (more = '') =>
  `import { defineConfig } from 'pyrallel'\nexport default defineConfig({ group: 'shop', ${more} })\n`

/** Tells which code has handled a record by where it publishes to. */
export const teller = (topic: string, word: string, options = '{}') =>
  `import { handler } from 'pyrallel'\nexport default handler('${topic}', ${options}, (record, context) => context.publish('${word}', 1))\n`

/** A record for each of these topics in turn. */
export const traffic = (...topics: readonly string[]) =>
  `export const traffic = function* () { while (true) for (const topic of ${JSON.stringify(topics)}) yield { topic, value: 1 } }\n`

export function save(root: string, path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), content)
}

export interface Loop {
  readonly root: string
  readonly dev: CommandProcess
}

/** A session with traffic, whose first record is handled. So few records a second that each has a line of its own. */
export async function aLoop(files: Readonly<Record<string, string>>, argv: readonly string[] = []): Promise<Loop> {
  const root = aProject({ 'pyrallel.config.ts': config(), ...files })
  const dev = command(root, ['dev', '--broker', 'memory', '--traffic', '--rate', '15', ...argv])
  await dev.seen(/"kind":"watching"|✓ /)
  return { root, dev }
}

export const one = { 'handlers/one.ts': teller('first', 'version-1'), 'handlers/_traffic.ts': traffic('first') }
