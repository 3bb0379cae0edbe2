/** The plainest loop that still is a consumer, on the client that Pyrallel uses: parses, calls, commits. What a user would write first. */
import { consumeBatches } from './bare-consumer.ts'
import { fail, runPeer } from './peer.ts'
import type { BenchValue } from './protocol.ts'

await runPeer(async (settings, handle) => {
  consumeBatches(settings, async (messages) => {
    for (const { value } of messages) {
      const pending = handle(JSON.parse(String(value)) as BenchValue)
      if (pending !== undefined) await pending
    }
  }).catch(fail)
})
