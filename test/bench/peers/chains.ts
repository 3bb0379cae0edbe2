/**
 * What the order of keys allows: on the client in JavaScript, the next record of a key starts when the one before it has ended, and nothing else is done: no limits, no
 * books, no commits. A thousand keys of 10 ms each can do no more than 100,000 a second, whoever runs them.
 */
import { createLogger } from '../../../framework/index.ts'
import { connectJavascript } from '../../../framework/kafka/javascript/client.ts'
import { fail, runPeer } from './peer.ts'
import type { BenchValue } from './protocol.ts'

const BATCH = 500
/** Records that wait in their chains: far more than keys, so that each has some. */
const MOST_WAITING = 100_000

await runPeer(async ({ brokers, group, topic }, handle) => {
  const log = createLogger({ level: 'error', pretty: false }, process.stderr)
  const connection = await connectJavascript({ brokers, clientId: 'bench', log })
  const consumer = await connection.consumer({ group, startFrom: 'earliest' })
  await consumer.subscribe([topic], { onAssigned: () => {}, onRevoked: async () => {}, onLost: () => {} })
  const waiting = new Map<number, BenchValue[]>()
  let [count, onRoom] = [0, () => {}]
  const run = (key: number, value: BenchValue): void => {
    const end = () => {
      count -= 1
      if (count < MOST_WAITING) onRoom()
      const next = waiting.get(key)?.shift()
      if (next === undefined) waiting.delete(key)
      else run(key, next)
    }
    const pending = handle(value)
    if (pending === undefined) end()
    else void pending.then(end)
  }
  const read = async () => {
    for (;;) {
      for (const record of await consumer.poll(BATCH, 20)) {
        const value = JSON.parse(String(record.value)) as BenchValue
        count += 1
        const chain = waiting.get(value.k)
        if (chain !== undefined) chain.push(value)
        else {
          waiting.set(value.k, [])
          run(value.k, value)
        }
      }
      if (count < MOST_WAITING) continue
      await new Promise<void>((resolve) => {
        onRoom = resolve
      })
    }
  }
  read().catch(fail)
})
