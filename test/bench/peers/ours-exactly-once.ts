/** As ours-out.ts, in transactions. */
import { runOurs } from './our-runtime.ts'
import { runPeer } from './peer.ts'

await runPeer((settings, handle) => runOurs(settings, handle, { client: 'librdkafka', exactlyOnce: true }))
