/** The child process that the embedded broker lives in: librdkafka's mock cluster, a real listener on 127.0.0.1. Dies with its parent. */
import { setTimeout as sleep } from 'node:timers/promises'
import { PyrallelError } from '../../model/errors.ts'
import type { MetadataRequest, NativeMetadata, NativeProducer } from '../librdkafka/binding.ts'
import { loadLibrdkafka } from '../librdkafka/client.ts'
import { nativeError } from '../librdkafka/errors.ts'

/** What the child tells its parent, once. */
export type HostMessage =
  | { readonly kind: 'ready'; readonly brokers: string }
  | { readonly kind: 'failed'; readonly why: string; readonly isNativeMissing: boolean }

const START_TIMEOUT_MS = 10_000
const LOOK_EVERY_MS = 20

async function start(topics: readonly string[]): Promise<string> {
  const { Producer } = await loadLibrdkafka()
  const host = new Producer({ 'test.mock.num.brokers': 1 })
  const { brokers } = await answered<NativeMetadata>((done) => host.connect({ timeout: START_TIMEOUT_MS }, done))
  // Asking for a topic creates it. Members of a KIP-848 group never see one that appears after they have subscribed.
  for (const topic of topics) await metadata(host, { topic, timeout: START_TIMEOUT_MS })
  await untilShown(host, topics)
  return brokers.map((each) => `${each.host}:${each.port}`).join(',')
}

/** What the request for the last of them answers may come before it is there: of 91 clusters with eight topics, four did not show it to the next client. */
async function untilShown(host: NativeProducer, topics: readonly string[]): Promise<void> {
  for (const until = performance.now() + START_TIMEOUT_MS; ; await sleep(LOOK_EVERY_MS)) {
    const shown = await metadata(host, { allTopics: true, timeout: START_TIMEOUT_MS })
    const names = new Set(shown.topics.filter(({ partitions }) => partitions.length > 0).map(({ name }) => name))
    const missing = topics.filter((topic) => !names.has(topic))
    if (missing.length === 0) return
    if (performance.now() > until) throw new Error(`the broker does not show the topics ${missing.join(', ')}`)
  }
}

function metadata(host: NativeProducer, request: MetadataRequest): Promise<NativeMetadata> {
  return answered((done) => host.getMetadata(request, done))
}

function answered<T>(ask: (done: (error: unknown, result: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    ask((error, result) => (error ? reject(error) : resolve(result)))
  })
}

// The channel closes when the parent ends in whatever way, SIGKILL included.
process.on('disconnect', () => process.exit(0))
// Ctrl-C, a closed terminal and `kill` of a job reach the whole process group. The parent still needs its broker, to commit; it stops us
// last, by closing the channel.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
if (!process.connected) process.exit(0)

const tell = (message: HostMessage) => process.send?.(message)
start(process.argv.slice(2)).then(
  (brokers) => tell({ kind: 'ready', brokers }),
  (thrown: unknown) => {
    const isNativeMissing = thrown instanceof PyrallelError && thrown.code === 'PYR_NATIVE_MISSING'
    tell({ kind: 'failed', why: nativeError(thrown).message, isNativeMissing })
  },
)
