/** Pyrallel as its users run it, handlers on the event loop: the public interface only, bundled as by `pyrallel build`. */
import { runOurs } from './our-runtime.ts'
import { runPeer } from './peer.ts'

await runPeer((settings, handle) => runOurs(settings, handle, { client: 'librdkafka' }))
