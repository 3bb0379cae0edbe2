/** Answers with one record to take along. Of a topic that is masked, there is none. */
import { toError } from '../model/errors.ts'
import type { RecordExplanation } from '../model/explanation.ts'
import type { KafkaRecord } from '../model/record.ts'
import type { Clock } from '../time/clock.ts'
import { settlesWithin } from '../time/wait.ts'
import { FileAnswer } from './http/endpoint.ts'
import { ApiFault, notFound } from './http/fault.ts'
import type { Mask } from './mask.ts'
import { sendOf, testOf } from './record-copies.ts'
import { type TypedParts, typedParts } from './typed-parts.ts'
import type { ValueLooks, WatchedHandler } from './watched-runtime.ts'

export type CopyKind = 'value' | 'test' | 'send'

const MAX_VALUE_BYTES = 5 * 1_048_576
/** Of the registry. Milliseconds. */
const READ_WAIT_MS = 5_000
const plainText = 'text/plain; charset=utf-8'

export interface CopyContext {
  readonly handler: WatchedHandler
  readonly mask: Mask
  readonly values: ValueLooks
  readonly clock: Clock
}

/** @throws ApiFault where the record is masked, not in memory, too large, or cannot be written down so */
export async function copyOf(kind: CopyKind, of: RecordExplanation, context: CopyContext): Promise<FileAnswer> {
  const { handler, mask } = context
  const { topic, partition, offset, attempt } = of
  if (!mask.shows(topic)) {
    const next = 'List the topic in http.console.shownTopics, if whoever has the token may read it.'
    throw new ApiFault('forbidden', `Records of ${topic} are not shown here.`, next)
  }
  const record = inMemory(of)
  const name = `${topic}-${partition}-${offset}`
  switch (kind) {
    case 'value':
      if (record.value === null) throw notFound('The record has no value: it is a tombstone.')
      return new FileAnswer(`${name}.bin`, 'application/octet-stream', record.value)
    case 'test': {
      const tested = { handlerId: handler.route.handlerId, group: handler.group }
      return new FileAnswer(`${name}.test.ts`, plainText, Buffer.from(testOf(record, tested, Math.max(1, attempt))))
    }
    case 'send': {
      const send = sendOf(record, await typed(record, context))
      if ('why' in send) throw notFound(`${send.why}.`)
      return new FileAnswer(`${name}.sh`, plainText, Buffer.from(`${send.line}\n`))
    }
  }
}

async function typed(record: KafkaRecord, { handler, values, clock }: CopyContext): Promise<TypedParts> {
  let parts: TypedParts | undefined
  const made = typedParts(record, handler.definition?.topic ?? {}, values).then((of) => {
    parts = of
  })
  try {
    await settlesWithin(clock, made, READ_WAIT_MS)
  } catch (thrown) {
    throw notFound(`${toError(thrown).message}.`)
  }
  if (parts === undefined) throw notFound('Its schema is still being asked for.')
  return parts
}

function inMemory({ record }: RecordExplanation): KafkaRecord {
  if (record === null) throw notFound('The record is not in memory: it is done, or was not fetched yet.')
  if ((record.value?.length ?? 0) <= MAX_VALUE_BYTES) return record
  const next = 'Read it with a consumer of your own.'
  throw new ApiFault('too-large', `The value is above ${MAX_VALUE_BYTES} bytes.`, next)
}
