/** The plainest loop that still is a consumer, on the client that Pyrallel uses: parses, calls, commits. What a user would write first. */
import { consumeBatches } from './bare-consumer.ts'
import { since } from './meter.ts'
import { fail, runPeer } from './peer.ts'
import type { BenchValue } from './protocol.ts'

await runPeer(async (settings, handle) => {
  consumeBatches(settings, async (messages) => {
    for (const { value: text, timestamp } of messages) {
      const value = JSON.parse(String(text)) as BenchValue
      const pending = handle(settings.sinceLog ? since(timestamp, value) : value)
      if (pending !== undefined) await pending
    }
  }).catch(fail)
})
