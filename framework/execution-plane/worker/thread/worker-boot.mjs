/** Starts a thread whose entry is TypeScript: teaches the thread to read it, then loads it. Plain JavaScript, because nothing can read TypeScript yet. */
import { workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
await import(workerData.entry)
