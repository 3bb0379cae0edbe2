/**
 * The client alone: takes records and commits, and looks at none of them. No consumer, but the bound of whatever is built on this client, as it makes the objects
 * of a record on the thread that uses them.
 */
import { consumeBatches } from './bare-consumer.ts'
import { countDone } from './meter.ts'
import { fail, runPeer } from './peer.ts'

await runPeer(async (settings, _handle, shared) => {
  const count = countDone(shared)
  consumeBatches(settings, async (messages) => count(messages.length)).catch(fail)
})
