/** Pyrallel as its users run it, handlers on threads. The counts are shared with the threads, which worker-handler.ts runs on. */
import { setEnvironmentData } from 'node:worker_threads'
import { runOurs } from './our-runtime.ts'
import { runPeer } from './peer.ts'

await runPeer((settings, handle, shared) => {
  setEnvironmentData('bench', { settings, shared })
  return runOurs(settings, handle, new URL('./worker-handler.mjs', import.meta.url).href)
})
