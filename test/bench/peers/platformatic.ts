/** @platformatic/kafka: the stream of its consumer, one record after the other, as its documents show it. */
import { fail, runPeer } from './peer.ts'
import type { BenchValue } from './protocol.ts'

/**
 * Its own default is 50 MiB, of which all records are made before the first is handed out: with small ones, half a million, in which time it neither
 * tells what is done nor keeps its place in the group.
 */
const MAX_BYTES = 1_048_576

/** What the library needs of a newer Node. */
const newer = Promise as { withResolvers?: unknown }
newer.withResolvers ??= function withResolvers() {
  let [resolve, reject]: ((value: unknown) => void)[] = []
  const promise = new Promise((settle, refuse) => {
    resolve = settle
    reject = refuse
  })
  return { promise, resolve, reject }
}

await runPeer(async (settings, handle) => {
  const { Consumer } = await import('@platformatic/kafka')
  const consumer = new Consumer({
    groupId: settings.group,
    clientId: 'bench',
    bootstrapBrokers: settings.brokers.split(','),
    groupProtocol: 'consumer',
  })
  const stream = await consumer.consume({
    topics: [settings.topic],
    mode: 'committed',
    fallbackMode: 'earliest',
    autocommit: settings.commitMs,
    maxBytes: MAX_BYTES,
  })
  const read = async () => {
    for await (const { value } of stream) {
      const pending = handle(JSON.parse(String(value)) as BenchValue)
      if (pending !== undefined) await pending
    }
  }
  read().catch(fail)
})
