#!/usr/bin/env node
/** Starts the command. Loads nothing that reads TypeScript: a verb that meets the user's sources does that itself. */
import { main } from './main.ts'

process.exitCode = await main(process.argv.slice(2), process)
