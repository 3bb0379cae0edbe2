/** Starts a runtime with its handler on threads. The counts are shared with the threads, which worker-handler.ts runs on. */
import { setEnvironmentData } from 'node:worker_threads'
import { type OurKind, runOurs } from './our-runtime.ts'
import { runPeer } from './peer.ts'

/** @param beside the module that is started: that of the threads lies in its folder. This one may be in a folder of what several share. */
export async function runOurWorkers(client: OurKind['client'], beside: string): Promise<void> {
  const entry = new URL('./worker-handler.mjs', beside).href
  await runPeer((settings, handle, shared) => {
    setEnvironmentData('bench', { settings, shared })
    return runOurs(settings, handle, { client, entry })
  })
}
