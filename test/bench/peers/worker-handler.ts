/** What a thread of ours-worker.ts loads, as `pyrallel generate` would have written it. */
import { getEnvironmentData } from 'node:worker_threads'
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { Meter } from './meter.ts'
import { definitionOf } from './our-runtime.ts'
import { handleWith } from './peer.ts'
import type { PeerSettings } from './protocol.ts'

const { settings, shared } = getEnvironmentData('bench') as unknown as {
  readonly settings: PeerSettings
  readonly shared: SharedArrayBuffer
}
runThread({ default: definitionOf(settings, handleWith(settings, new Meter(settings, shared)), true) })
