/** Starts a runtime with its handler on threads. The counts are shared with the threads, which worker-handler.ts runs on. */
import { setEnvironmentData } from 'node:worker_threads'
import { type OurKind, runOurs } from './our-runtime.ts'
import { runPeer } from './peer.ts'

export async function runOurWorkers(client: OurKind['client']): Promise<void> {
  await runPeer((settings, handle, shared) => {
    setEnvironmentData('bench', { settings, shared })
    return runOurs(settings, handle, { client, entry: new URL('./worker-handler.mjs', import.meta.url).href })
  })
}
