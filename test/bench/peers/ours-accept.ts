/** As ours.ts, of which `accept` leaves out what is not wanted. What is left out counts as done. */
import { countDone } from './meter.ts'
import { runOurs, wanted } from './our-runtime.ts'
import { runPeer } from './peer.ts'

await runPeer((settings, handle, shared) =>
  runOurs(settings, handle, { client: 'librdkafka', accept: wanted(countDone(shared)) }),
)
