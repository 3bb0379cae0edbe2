#!/usr/bin/env node
/** Starts the command: teaches Node to read TypeScript, then hands over. Plain JavaScript, because nothing can read TypeScript yet. */
import { register } from 'tsx/esm/api'

// Registered for the whole process, not per import, so that the user's handlers and the command share one copy of `pyrallel`.
register()
const { main } = await import('./main.ts')
process.exitCode = await main(process.argv.slice(2), process)
