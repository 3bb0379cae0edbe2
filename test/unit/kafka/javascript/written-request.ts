/** What a request of the client in JavaScript says, for brokers that are scripted. */
import type { KafkaWriter } from '../../../../framework/kafka/javascript/binding.ts'
import type { ApiCall } from '../../../../framework/kafka/javascript/call.ts'

/** All that was written, in its order; the elements of lists one after the other. */
export function written(call: ApiCall<unknown>): readonly unknown[] {
  const values: unknown[] = []
  const writer: KafkaWriter = new Proxy({} as KafkaWriter, {
    get: (_, name) => (value: unknown, append?: (writer: KafkaWriter, each: unknown) => unknown) => {
      if (name === 'appendArray') for (const each of (value as readonly unknown[] | null) ?? []) append?.(writer, each)
      else values.push(value)
      return writer
    },
  })
  call.write(writer, call.api.highest)
  return values
}
