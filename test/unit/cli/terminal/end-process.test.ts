import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const module = fileURLToPath(new URL('../../../../cli/terminal/end-process.ts', import.meta.url))

/** How a process ends that does so after this. */
async function endOf(before: string, exitMs: number): Promise<unknown> {
  const program = `const { endProcess } = await import(${JSON.stringify(module)})
process.exitCode = 3
${before}
endProcess(${exitMs})`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], { stdio: 'ignore' })
  return once(child, 'exit')
}

describe('the end of a process', { timeout: 60_000 }, () => {
  it('has its exit code where nothing keeps it', async () => {
    assert.deepEqual(await endOf('', 60_000), [3, null])
  })

  it('comes although an exit would wait for ever', async () => {
    // Stands for the thread of a native client that an exit waits for.
    const hangs = `process.on('exit', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))`
    assert.deepEqual(await endOf(hangs, 500), [null, 'SIGKILL'])
  })
})
