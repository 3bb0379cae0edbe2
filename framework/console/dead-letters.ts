/** Endpoints that show dead letters: their topics, their kinds, and single ones. They change nothing. */

import type { DeadLetter } from '../dead-letters/dead-letter.ts'
import { errorText } from '../dead-letters/letter-groups.ts'
import { UnreadyValue } from '../formats/format-decoder.ts'
import { isTopicName } from '../model/topic-pattern.ts'
import type { Clock } from '../time/clock.ts'
import { settlesWithin } from '../time/wait.ts'
import { RejectedValue, ValueDecoder } from '../validation/value-decoder.ts'
import { type Asked, type Endpoint, numberParam, textParam } from './http/endpoint.ts'
import { badRequest, notFound } from './http/fault.ts'
import type { LetterCursor, LetterReading } from './letter-reading.ts'
import type { Mask } from './mask.ts'
import type { DeadLettersAnswer, DeadLetterTopicsAnswer, LetterAnswer, LetterRow } from './protocol-actions.ts'
import type { KeyOf } from './read-keys.ts'
import type { ReadValues } from './read-values.ts'
import type { Shown } from './record-views.ts'
import type { WatchedHandler, WatchedRuntime } from './watched-runtime.ts'

const MAX_VALUE_BYTES = 16_384
const MAX_HEADER_BYTES = 1_024
/** Asked once, and not every second as a record that waits. Milliseconds. */
const READ_WAIT_MS = 5_000

export interface DeadLetterOptions extends Shown {
  /** @throws ApiFault while nothing runs */
  readonly runtime: () => WatchedRuntime
  readonly reading: LetterReading
  readonly reads: ReadValues
  readonly clock: Clock
}

export function deadLetterEndpoints(options: DeadLetterOptions): readonly Endpoint[] {
  return [
    { method: 'GET', path: '/api/dead-letters', run: () => topics(options) },
    { method: 'GET', path: '/api/dead-letters/{topic}', run: (asked) => letters(asked, options) },
    { method: 'GET', path: '/api/dead-letters/{topic}/{partition}/{offset}', run: (asked) => letter(asked, options) },
  ]
}

function topics({ runtime }: DeadLetterOptions): DeadLetterTopicsAnswer {
  const byTopic = new Map<string, string[]>()
  for (const { route } of runtime().handlers) {
    const { deadLetterTopic, handlerId } = route
    if (deadLetterTopic !== null && isTopicName(deadLetterTopic))
      byTopic.set(deadLetterTopic, [...new Set([...(byTopic.get(deadLetterTopic) ?? []), handlerId])])
  }
  return { topics: [...byTopic].map(([topic, handlerIds]) => ({ topic, handlerIds })) }
}

async function letters(asked: Asked, options: DeadLetterOptions): Promise<DeadLettersAnswer> {
  const { runtime, reading, mask } = options
  const { topic, source } = topicOf(asked, runtime(), mask)
  const fingerprint = asked.query.get('fingerprint')
  const cursor = asked.query.get('cursor')
  const isWanted = (each: DeadLetter) => fingerprint === null || each.fingerprint === fingerprint
  const look = await reading.look(topic, isWanted, cursor === null ? undefined : cursorOf(cursor))
  const last = look.letters.at(-1)
  if (mask.shows(source)) await options.keys.ready(look.letters.map(keyOf), READ_WAIT_MS)
  return {
    topic,
    groups: look.groups.map(({ fingerprint: of, handler, error, count, first, last: lastAt }) => ({
      fingerprint: of,
      handlerId: handler,
      error: mask.text(source, error),
      count,
      firstAt: first,
      lastAt,
    })),
    letters: look.letters.map((each) => rowOf(each, source, options)),
    cursor: look.hasMore && last !== undefined ? cursorText(last.record) : null,
    looked: look.looked,
    isCut: look.isCut,
  }
}

async function letter(asked: Asked, options: DeadLetterOptions): Promise<LetterAnswer> {
  const { runtime, reading, mask } = options
  const { topic, source, handlers } = topicOf(asked, runtime(), mask)
  const found = await reading.find(topic, numberParam(asked, 'partition'), numberParam(asked, 'offset'))
  if (found === undefined) throw notFound('There is no dead letter at this place, as far as was looked within 5 s.')
  const { headers, value } = found.record
  const isShown = mask.shows(source)
  const [read, readKey, { passesToday, misfits }] = await Promise.all([
    isShown ? options.reads.of(found.record, runtime().values, READ_WAIT_MS) : null,
    isShown ? options.keys.of(keyOf(found), READ_WAIT_MS) : null,
    judged(found, handlers, options),
  ])
  return {
    letter: {
      ...rowOf(found, source, options),
      value: mask.bytes(source, value, MAX_VALUE_BYTES),
      read,
      readKey,
      headers: headers.map(([name, bytes]) => [name, mask.bytes(source, bytes, MAX_HEADER_BYTES)] as const),
    },
    passesToday,
    misfits: isShown ? misfits : [],
  }
}

/** Only those that handlers of this process write: nobody reads any other topic through here. */
function topicOf(asked: Asked, { handlers }: WatchedRuntime, mask: Mask) {
  const topic = textParam(asked, 'topic')
  const [first, ...others] = handlers.filter(({ route }) => route.deadLetterTopic === topic)
  if (first === undefined) throw notFound('No handler of this process has such a dead-letter topic.')
  // What is shown is decided by the topics that the config names, all of them. Headers come from whoever writes records.
  const hidden = [first, ...others].find(({ route }) => !mask.shows(route.topic))
  return { topic, handlers: [first, ...others] as const, source: (hidden ?? first).route.topic }
}

/** Against the schema, or the format, that its topic has now. */
async function judged(
  { topic, record, hasPayload }: DeadLetter,
  handlers: readonly [WatchedHandler, ...WatchedHandler[]],
  { runtime, clock }: DeadLetterOptions,
): Promise<Pick<LetterAnswer, 'passesToday' | 'misfits'>> {
  const { definition, route } = handlers.find((each) => each.route.topic === topic) ?? handlers[0]
  const { schema, format } = definition?.topic ?? {}
  if ((schema === undefined && format === undefined) || !hasPayload) return { passesToday: null, misfits: [] }
  let value: unknown = new UnreadyValue('its schema is being asked for')
  if (format !== undefined) {
    const asked = runtime()
      .values.decode(record, format, route.handlerId)
      .then((decoded) => {
        value = decoded
      })
    await settlesWithin(clock, asked, READ_WAIT_MS)
  } else if (schema !== undefined) {
    value = (await ValueDecoder.of(schema, route.handlerId)).decode(record.value, record.headers)
  }
  if (value instanceof UnreadyValue) return { passesToday: null, misfits: [value.why] }
  if (!(value instanceof RejectedValue)) return { passesToday: true, misfits: [] }
  return { passesToday: false, misfits: value.failure.message.split('\n') }
}

function rowOf(of: DeadLetter, source: string, { mask, places, keys }: Shown): LetterRow {
  const { record, topic, partition, offset, handler, attempts, fingerprint, replays, hasPayload } = of
  const { timestamp } = record
  const stack = of.stack === null || !mask.shows(source) ? null : of.stack
  const message = of.errorMessage ?? errorText(of)
  const hasPlace = topic !== null && partition !== null && offset !== null
  return {
    place: { topic: record.topic, partition: record.partition, offset: record.offset },
    writtenAt: timestamp,
    key: keys.view(keyOf(of), source),
    source: hasPlace ? { topic, partition, offset } : null,
    handlerId: handler,
    attempts,
    error: {
      reason: null,
      name: of.errorName ?? 'Error',
      message: mask.text(source, message),
      stack,
      attempt: attempts,
      source: stack === null ? null : places.of({ stack, message }),
    },
    fingerprint,
    replays,
    hasPayload,
  }
}

/** As one of the topic that it came from: that may have a format for keys. */
function keyOf({ topic, record: { topic: own, key, headers } }: DeadLetter): KeyOf {
  return { topic: topic ?? own, key, headers }
}

function cursorText({ timestamp, partition, offset }: LetterCursor): string {
  return [timestamp, partition, offset].join('-')
}

function cursorOf(text: string): LetterCursor {
  const [, timestamp, partition, offset] = /^(-?\d{1,16})-(\d{1,10})-(\d{1,16})$/.exec(text) ?? []
  if (offset === undefined) throw badRequest('cursor must be one that an answer has given.')
  return { timestamp: Number(timestamp), partition: Number(partition), offset: Number(offset) }
}
