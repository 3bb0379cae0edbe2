/** A `pyrallel dev` of the example app with traffic, for scripts that look at its console. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

export interface RunningDev {
  /** Of the page, with the token behind the #. */
  readonly url: string
  stop(): Promise<void>
}

export type DevBroker = 'memory' | 'embedded'

/** @param rate records a second */
export async function startDev(rate: number, broker: DevBroker = 'memory'): Promise<RunningDev> {
  const argv = ['cli/bin.mjs', 'dev', '--broker', broker, '--traffic', '--rate', String(rate)]
  const dev = spawn(process.execPath, argv, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(dev, 'close')
  const url = new Promise<string>((resolve, reject) => {
    let out = ''
    const look = (chunk: Buffer) => {
      out += chunk
      const found = /console (http:\S+)/.exec(out)?.[1]
      if (found === undefined) return
      dev.stdout.off('data', look)
      // What nobody reads would stop the process.
      dev.stdout.resume()
      resolve(found)
    }
    dev.stdout.on('data', look)
    dev.once('close', () => reject(new Error(`pyrallel dev has ended:\n${out}`)))
  })
  return {
    url: await url,
    stop: async () => {
      dev.kill('SIGINT')
      await closed
    },
  }
}
