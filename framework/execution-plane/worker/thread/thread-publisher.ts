/** `context.publish` in a thread: values are checked and encoded here; what takes a Kafka client is asked of the main thread, which alone has one. */
import type { Publish } from '../../../api/handler.ts'
import { PyrallelError } from '../../../model/errors.ts'
import type { OutgoingRecord } from '../../../model/record.ts'
import { KnownTopics, type OutputLimits } from '../../../publishing/output-rules.ts'
import { type PublishInto, publishInto, type SchemaOf } from '../../../publishing/publisher.ts'
import type { FormatsOf } from '../../../publishing/topic-formats.ts'
import type { PublishTracer } from '../../../tracing/tracing.ts'
import type { RulesOf } from '../../../validation/slow-patterns.ts'
import type { Keeping } from '../../attempt/prepared-handler.ts'
import type { ErrorText, FromThread, PublishAnswer } from './thread-messages.ts'

interface Unanswered {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export class ThreadPublisher {
  readonly publish: Publish
  readonly #into: PublishInto
  readonly #post: (message: FromThread) => void
  readonly #unanswered = new Map<number, Unanswered>()
  #lastId = 0

  /** @param trace undefined where nobody traces */
  constructor(
    post: (message: FromThread) => void,
    trace: PublishTracer | undefined,
    schemaOf?: SchemaOf,
    rulesOf?: RulesOf,
    formatsOf?: FormatsOf,
  ) {
    this.#post = post
    this.#into = publishInto(trace, schemaOf, rulesOf, formatsOf)
    this.publish = this.#into((record) =>
      this.#asked((id) => ({ kind: 'pyrallel.publish', id, record: detached(record) })),
    )
  }

  /** Of exactly-once groups: what is kept in this thread. */
  keeping(limits: OutputLimits): Keeping {
    const topics = new KnownTopics((topic) => this.#asked((id) => ({ kind: 'pyrallel.topic', id, topic })))
    return { publishInto: this.#into, rules: { ...limits, requireTopic: (topic) => topics.require(topic) } }
  }

  settle({ id, error }: PublishAnswer): void {
    const waiting = this.#unanswered.get(id)
    this.#unanswered.delete(id)
    if (error === undefined) waiting?.resolve()
    else waiting?.reject(errorOf(error))
  }

  #asked(message: (id: number) => FromThread): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#lastId++
      // Throws when the record cannot be cloned: then no answer will come, and nothing may wait for one.
      this.#post(message(this.#lastId))
      this.#unanswered.set(this.#lastId, { resolve, reject })
    })
  }
}

/** Small buffers share one large piece of memory, which would be cloned as a whole. */
function detached(record: OutgoingRecord): OutgoingRecord {
  const own = (bytes: Buffer | null) => (bytes === null ? null : Buffer.from(new Uint8Array(bytes).buffer))
  return {
    ...record,
    key: own(record.key),
    value: own(record.value),
    headers: record.headers.map(([name, value]) => [name, own(value)]),
  }
}

/** Buffers come out of a message as plain byte arrays. */
export function receivedRecord(record: OutgoingRecord): OutgoingRecord {
  const view = (bytes: Uint8Array | null) =>
    bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    ...record,
    key: view(record.key),
    value: view(record.value),
    headers: record.headers.map(([name, value]) => [name, view(value)]),
  }
}

export function errorText(error: Error): ErrorText {
  const { name, message } = error
  return error instanceof PyrallelError
    ? { name, message, code: error.code, retriable: error.retriable }
    : { name, message }
}

function errorOf({ name, message, code, retriable }: ErrorText): Error {
  if (code !== undefined) return new PyrallelError(code, message, retriable === undefined ? {} : { retriable })
  const error = new Error(message)
  // As on the main thread, a class's name is known and its instance is not.
  if (name !== error.name) Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true })
  return error
}
