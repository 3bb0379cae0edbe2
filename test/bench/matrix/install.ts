/** Puts what a peer needs into the cache, all or nothing, outside of the checkout. Knows no peer. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { cacheDir } from '../../../.ci/cache-dir.mjs'
import type { Command } from './peer-process.ts'

/** A system that can be run here. */
export interface PreparedSystem {
  readonly command: Command
  readonly version: string
  /** Where its package stands; empty when that is among ours. */
  readonly packages: string
  /** How much longer than the others it is warmed up. Default 1. */
  readonly warmUpFactor?: number
}

const LIMIT_MS = 300_000
const OUTPUT_KEPT = 2_000

/**
 * A directory of the cache, filled once by `fill` and kept.
 * @param name names everything that it is made from, versions included: a directory that is there is never made again
 */
export async function cached(name: string, fill: (directory: string) => Promise<void>): Promise<string> {
  const target = join(cacheDir(), 'bench', name)
  if (existsSync(target)) return target
  mkdirSync(dirname(target), { recursive: true })
  const scratch = mkdtempSync(`${target}.partial-`)
  try {
    await fill(scratch)
    renameSync(scratch, target)
  } catch (error) {
    // Another run was faster: its directory is as good as ours.
    if (!existsSync(target)) throw error
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  return target
}

/** @returns what it wrote. @throws Error with the end of what it wrote, when it fails or takes more than five minutes */
export function runTool(program: string, args: readonly string[], cwd?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      ...(cwd !== undefined && { cwd }),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LIMIT_MS,
    })
    let output = ''
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-OUTPUT_KEPT)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'ENOENT' ? new Error(`${program} is not installed`) : error)
    })
    child.once('close', (code, signal) => {
      if (code === 0) resolve(output)
      else reject(new Error(`${program} ended with ${code ?? signal}: ${output.trim()}`))
    })
  })
}
