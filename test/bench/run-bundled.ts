/** Runs a benchmark in a process of its own, bundled as `pyrallel build` bundles an app, and not through the loader that this process is full of. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleScripts } from '../bundled-scripts.ts'

/** This repository, from here and from a bundle. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

/** @returns false in the bundle, which then does the work; true once that has ended */
export async function ranBundled(url: string): Promise<boolean> {
  if (!url.endsWith('.ts')) return false
  const name = basename(url, '.ts')
  const scripts = await bundleScripts('test/bench', [name])
  const child = spawn(process.execPath, [scripts.fileOf(name), ...process.argv.slice(2)], { stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  process.exitCode = code ?? 1
  return true
}
