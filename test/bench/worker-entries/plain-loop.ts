/** A thread with nothing but a loop: what the machine's cores can do together. No part of Pyrallel is in it. */
import { parentPort } from 'node:worker_threads'
import { burn } from '../cpu-work.ts'

export interface Loop {
  readonly value: Uint8Array
  readonly records: number
}

parentPort?.on('message', ({ value, records }: Loop) => {
  const bytes = Buffer.from(value)
  for (let record = 0; record < records; record++) burn((JSON.parse(bytes.toString()) as { rounds: number }).rounds)
  parentPort?.postMessage('done')
})
