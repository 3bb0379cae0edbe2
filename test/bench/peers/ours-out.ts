/** As ours.ts, with a handler that publishes each record again: at least once. */
import { runOurs } from './our-runtime.ts'
import { runPeer } from './peer.ts'

await runPeer((settings, handle) => runOurs(settings, handle, { client: 'librdkafka' }))
