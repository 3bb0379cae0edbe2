/**
 * What client and event loop allow together: starts every record as soon as there is a slot, keeps no order and no books. No consumer to be used, but the bound
 * that every consumer on this client has, when handlers wait for something.
 */
import { consumeBatches } from './bare-consumer.ts'
import { fail, runPeer } from './peer.ts'
import type { BenchValue } from './protocol.ts'

await runPeer(async (settings, handle) => {
  let free = settings.concurrency
  let onFree: (() => void) | undefined
  const release = () => {
    free += 1
    onFree?.()
    onFree = undefined
  }
  consumeBatches(settings, async (messages) => {
    for (const { value } of messages) {
      if (free === 0) {
        await new Promise<void>((resolve) => {
          onFree = resolve
        })
      }
      const pending = handle(JSON.parse(String(value)) as BenchValue)
      if (pending === undefined) continue
      free -= 1
      void pending.then(release)
    }
  }).catch(fail)
})
