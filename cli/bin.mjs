#!/usr/bin/env node
/** Starts the command from its sources: teaches Node to read TypeScript first. The package starts with the compiled bin.ts instead. */
import { register } from 'tsx/esm/api'

register()
await import('./bin.ts')
