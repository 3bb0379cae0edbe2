/** Which headers of a record tell of a failure, whoever wrote them, and which of ours are its history. Pure; reads no other header. */
import { FIRST_ID_HEADER, isFirstId } from './first-id.ts'
import type { RecordHeader } from './record.ts'

/** Ours, Spring's, Kafka Connect's, Kafka Streams' (KIP-1034), and those of share groups (KIP-1191). */
const FAILURE_NAMES = /^(pyrallel-|kafka_dlt-|retry_topic-|__connect\.errors\.|__streams\.errors\.|__dlq\.errors\.)/
/** The Python predecessor's names have no prefix, so they count only where its unmistakable one stands among them. */
export const PYTHON_MARK = 'x-error-reason'
const PYTHON_NAMES: ReadonlySet<string> = new Set([
  PYTHON_MARK,
  'x-retry-attempt',
  'source-topic',
  'partition',
  'offset',
  'epoch',
])

export const FIRST_FAILED_AT = 'pyrallel-first-failed-at'
export const REPLAY_COUNT = 'pyrallel-replay-count'
/** The place of the dead letter that a record is a copy of: `orders.shop.dlq/2/44`. */
export const REPLAY_ID = 'pyrallel-replay-id'

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/
const COUNT = /^\d{1,6}$/
/** Of a place, or the random id that copies had before. */
const COPY = /^[a-zA-Z0-9._/-]{1,277}$/
const LONGEST = 277

/** What a record's history may look like. Whoever writes records may have written these headers, so what looks different is not kept. */
const HISTORY: ReadonlyMap<string, (value: Buffer) => boolean> = new Map([
  [FIRST_FAILED_AT, (value) => TIME.test(text(value)) && !Number.isNaN(Date.parse(text(value)))],
  [REPLAY_COUNT, (value) => COUNT.test(text(value))],
  [REPLAY_ID, (value) => COPY.test(text(value))],
  [FIRST_ID_HEADER, isFirstId],
])

/** The headers that are the record's own. */
export function withoutFailure(headers: readonly RecordHeader[]): readonly RecordHeader[] {
  const isPython = headers.some(([name]) => name === PYTHON_MARK)
  return headers.filter(([name]) => !FAILURE_NAMES.test(name) && !(isPython && PYTHON_NAMES.has(name)))
}

/** What stays over a replay and the next failure: the last of each name, which is the one that counts, and well formed. At most some 700 bytes. */
export function historyOf(headers: readonly RecordHeader[]): readonly RecordHeader[] {
  const last = new Map(headers.filter(([name]) => HISTORY.has(name)))
  return [...last].filter(([name, value]) => value !== null && HISTORY.get(name)?.(value) === true)
}

function text(value: Buffer): string {
  return value.length > LONGEST ? '' : value.toString('latin1')
}
