/** What outputs of exactly-once groups must keep to before they are kept: their size, and that their topic exists. Keeps none itself. */
import type { KafkaConnection } from '../kafka/kafka-client.ts'
import { PyrallelError } from '../model/errors.ts'
import type { OutgoingRecord } from '../model/record.ts'

export interface OutputLimits {
  /** What the outputs of one attempt may take together. Bytes, as `outputBytes` counts them. */
  readonly maxAttemptBytes: number
  /** What key, value and headers of one output may take together; undefined where the client has no limit. Bytes. */
  readonly maxRecordBytes: number | undefined
}

export interface OutputRules extends OutputLimits {
  /**
   * Undefined where the topic is known to exist.
   * @throws (the promise) PyrallelError PYR_TOPIC_UNKNOWN, or why nobody could say
   */
  requireTopic(topic: string): Promise<void> | undefined
  /**
   * Asked on the main thread of what comes from another one, which does not know the formats of all topics.
   * @throws PyrallelError PYR_SCHEMA: the attempt has failed
   */
  checkReceived?(record: OutgoingRecord): void
}

/** Of `limits.maxBytes`. So four attempts at their limit, whose outputs wait for one commit, do not stop the others for ever. */
const PART_OF_ONE_ATTEMPT = 4

/** @param maxBytes `limits.maxBytes` */
export function outputRules(
  connection: Pick<KafkaConnection, 'makesTopics' | 'missingTopics' | 'maxRecordBytes'>,
  maxBytes: number,
): OutputRules {
  const topics = new KnownTopics(async (topic) => {
    const missing = connection.makesTopics === true ? [] : await connection.missingTopics([topic])
    if (missing.includes(topic)) throw unknownTopic(topic)
  })
  return {
    maxAttemptBytes: Math.floor(maxBytes / PART_OF_ONE_ATTEMPT),
    maxRecordBytes: connection.maxRecordBytes,
    requireTopic: (topic) => topics.require(topic),
  }
}

/** One that exists is asked about once; one that does not, with each output, as somebody may make it meanwhile. */
export class KnownTopics {
  readonly #ask: (topic: string) => Promise<void>
  readonly #known = new Set<string>()
  readonly #asking = new Map<string, Promise<void>>()

  /** @param ask rejects where the topic does not exist, or nobody can say */
  constructor(ask: (topic: string) => Promise<void>) {
    this.#ask = ask
  }

  require(topic: string): Promise<void> | undefined {
    if (this.#known.has(topic)) return undefined
    const asked = this.#asking.get(topic) ?? this.#answerOf(topic)
    this.#asking.set(topic, asked)
    return asked
  }

  async #answerOf(topic: string): Promise<void> {
    try {
      await this.#ask(topic)
      this.#known.add(topic)
    } finally {
      this.#asking.delete(topic)
    }
  }
}

/** Refuses what no transaction could carry. @throws PyrallelError PYR_RECORD_TOO_LARGE */
export function refuseTooLarge(record: OutgoingRecord, maxRecordBytes: number | undefined): void {
  const bytes = payloadBytes(record)
  if (maxRecordBytes === undefined || bytes <= maxRecordBytes) return
  const facts = `The record was not kept for ${record.topic}: it has ${bytes} bytes, and the client (message.max.bytes) takes ${maxRecordBytes}.`
  throw new PyrallelError('PYR_RECORD_TOO_LARGE', `${facts} Publish less in one record.`)
}

/** Bytes that an output is counted with while it waits: payload plus a flat 96 for its objects. */
export function outputBytes(record: OutgoingRecord): number {
  return 96 + payloadBytes(record)
}

function payloadBytes({ key, value, headers }: OutgoingRecord): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0)
  for (const [name, header] of headers) bytes += Buffer.byteLength(name) + (header?.length ?? 0)
  return bytes
}

function unknownTopic(topic: string): PyrallelError {
  return new PyrallelError(
    'PYR_TOPIC_UNKNOWN',
    `The record was not kept: topic ${topic} does not exist on the broker. Create it, or check its name.`,
  )
}
