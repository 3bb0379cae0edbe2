#!/usr/bin/env node
import { main } from './main.ts'
/** Starts the command. Loads nothing that reads TypeScript: a verb that meets the user's sources does that itself. */
import { closableOutput, onReaderGone } from './terminal/closable-output.ts'
import { endProcess } from './terminal/end-process.ts'
import { showTheUncaught } from './terminal/last-resort.ts'
import { askToStop } from './terminal/stop-signals.ts'

/** How long what a verb has left behind may take to end by itself. */
const LEFT_BEHIND_MS = 5_000

onReaderGone(process.stderr, () => {})
showTheUncaught(process)
// A build listens with a copy of its own, which only a signal reaches.
process.exitCode = await main(process.argv.slice(2), {
  stdout: closableOutput(process.stdout, () => askToStop() || process.emit('SIGTERM', 'SIGTERM')),
  stderr: process.stderr,
  stdin: process.stdin,
  env: process.env,
  cwd: () => process.cwd(),
})
setTimeout(() => endProcess(), LEFT_BEHIND_MS).unref()
