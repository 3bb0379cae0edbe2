/** The end of a process that something keeps: a native client that still disconnects from a broker that is gone, though all is said. */
import { spawn } from 'node:child_process'

/** An exit waits for calls of the native client, which can last for as long as the broker is away. */
const EXIT_MS = 10_000

/** Kills its parent after that, unless its input has ended before: that is when the parent has. */
const watcher = `process.stdin.resume().on('end', () => process.exit())
setTimeout(() => { process.kill(Number(process.argv[1]), 'SIGKILL'); process.exit() }, Number(process.argv[2]))`

/** Exits with `process.exitCode`; where the exit itself hangs, the process is killed. @param exitMs for tests */
export function endProcess(exitMs = EXIT_MS): never {
  const argv = ['-e', watcher, String(process.pid), String(exitMs)]
  spawn(process.execPath, argv, { detached: true, stdio: ['pipe', 'ignore', 'ignore'], env: {} }).unref()
  return process.exit()
}
