/** As ours-out.ts, on the client in JavaScript. */
import { runOurs } from './our-runtime.ts'
import { runPeer } from './peer.ts'

await runPeer((settings, handle) => runOurs(settings, handle, { client: 'javascript' }))
