/** A connection on a scripted library: each consumer that is made stands in the list, with the configuration that it was made with. */
import type { NativeConfig } from '../../../framework/kafka/librdkafka/binding.ts'
import { connectLibrdkafka } from '../../../framework/kafka/librdkafka/client.ts'
import type { KafkaConnectionOptions } from '../../../framework/kafka/librdkafka/settings.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { recordedLog } from './recorded-log.ts'
import { ScriptedConsumer } from './scripted-consumer.ts'

/** @param made is shown each consumer before anything is asked of it */
export async function scriptedConnection(
  options: Partial<KafkaConnectionOptions> = {},
  made: (native: ScriptedConsumer) => void = () => {},
) {
  const clock = new ManualClock()
  const { log, lines } = recordedLog()
  const consumers: { readonly native: ScriptedConsumer; readonly config: NativeConfig }[] = []
  class KafkaConsumer extends ScriptedConsumer {
    constructor(config: NativeConfig) {
      super()
      consumers.push({ native: this, config })
      made(this)
    }
  }
  const connection = await connectLibrdkafka(
    { brokers: 'b:9092', clientId: 'me', groupProtocol: 'consumer', log, clock, ...options },
    async () => ({ KafkaConsumer }),
  )
  return { connection, clock, lines, consumers }
}
