/**
 * Runs a benchmark in a process of its own, bundled as `pyrallel build` bundles an app: the loader that reads TypeScript makes every function that is
 * created slower, and this process is full of it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleOnce } from '../../cli/bundle/bundle-app.ts'

/** This repository, from here and from a bundle. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

/** @returns false in the bundle, which then does the work; true once that has ended */
export async function ranBundled(url: string): Promise<boolean> {
  if (!url.endsWith('.ts')) return false
  mkdirSync(join(root, '.pyrallel'), { recursive: true })
  const outDir = mkdtempSync(join(root, '.pyrallel', 'bench-'))
  try {
    const name = basename(url, '.ts')
    const external = ['@confluentinc/kafka-javascript', '@opentelemetry/api', 'esbuild', 'ts-morph']
    const settings = { root, outDir, naming: 'plain', dependencies: { external } } as const
    const bundle = await bundleOnce(settings, [{ name, file: fileURLToPath(url) }])
    if (bundle.kind === 'failed') throw new Error(bundle.diagnostics.map(({ message }) => message).join('\n'))
    const file = join(outDir, `${name}.mjs`)
    const child = spawn(process.execPath, [file, ...process.argv.slice(2)], { stdio: 'inherit' })
    const [code] = await once(child, 'exit')
    process.exitCode = code ?? 1
    return true
  } finally {
    rmSync(outDir, { recursive: true, force: true })
  }
}
