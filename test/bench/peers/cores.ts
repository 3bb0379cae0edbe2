/** What all cores do together with this work, without Kafka: a thread on each. No consumer, but the bound that every consumer has whose handlers compute. */
import { Worker } from 'node:worker_threads'
import { fail, runPeer } from './peer.ts'
import type { PeerSettings } from './protocol.ts'

export interface CoreShare {
  readonly settings: PeerSettings
  readonly shared: SharedArrayBuffer
  /** Its records have a key of their own. */
  readonly key: number
}

await runPeer(async (settings, _handle, shared) => {
  if (settings.work !== 'sha256') throw new Error('cores is the bound of handlers that compute, and of no others')
  for (let key = 0; key < settings.cores; key += 1) {
    const workerData: CoreShare = { settings, shared, key }
    new Worker(new URL('./cores-thread.mjs', import.meta.url), { workerData }).once('error', fail)
  }
})
