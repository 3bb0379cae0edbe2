/** A process that starts an embedded broker and then only waits: the test kills it in various ways. */
import { startEmbeddedBroker } from '../../../framework/kafka/embedded/embedded-broker.ts'
import type { Logger } from '../../../framework/model/logger.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
const broker = await startEmbeddedBroker({ log: quiet })
// Like `pyrallel dev`, which has work to do between a signal and its end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => process.stdout.write(`${signal}\n`))
// Last, because the test acts as soon as it reads this.
process.stdout.write(`${broker.brokers}\n`)
if (process.argv[2] === 'wait') setInterval(() => {}, 60_000)
