/** Reads what the headers of a dead letter tell, whoever wrote it: five families of names. Total: bytes that make no sense are left out. */
import type { KafkaRecord, RecordHeader } from '../../framework/model/record.ts'

export type Family = 'pyrallel' | 'spring' | 'connect' | 'streams' | 'share-group' | 'pyrallel-python' | 'none'

/** A dead letter and what is known about it; `null` where its headers do not tell. */
export interface DeadLetter {
  readonly record: KafkaRecord
  /** Whose headers these are. */
  readonly family: Family
  /** Where it was before. */
  readonly topic: string | null
  readonly partition: number | null
  readonly offset: number | null
  readonly group: string | null
  readonly handler: string | null
  readonly attempts: number | null
  readonly errorName: string | null
  readonly errorMessage: string | null
  readonly stack: string | null
  /** The same for failures of one kind. */
  readonly fingerprint: string | null
  /** When it was first given up, as it was written. */
  readonly firstFailedAt: string | null
  /** How often it was replayed before it came here. */
  readonly replays: number
  /** False: the value was left out on purpose, so it cannot be replayed from here. */
  readonly hasPayload: boolean
  /** What was left out, on purpose or because there was no room for it. */
  readonly leftOut: 'nothing' | 'value' | 'value and headers' | 'value, headers and key'
}

type Facts = Omit<DeadLetter, 'record' | 'family' | 'firstFailedAt' | 'replays' | 'hasPayload' | 'leftOut'>

/** Every name by which somebody marks a failure: none of them belongs to the record itself. */
const failureNames = /^(pyrallel-|kafka_dlt-|retry_topic-|__connect\.errors\.|__streams\.errors\.|__dlq\.errors\.)/
/** The Python predecessor's names have no prefix, so they count only where its unmistakable one stands among them. */
const pythonMark = 'x-error-reason'
const pythonNames: ReadonlySet<string> = new Set([
  pythonMark,
  'x-retry-attempt',
  'source-topic',
  'partition',
  'offset',
  'epoch',
])

export function readDeadLetter(record: KafkaRecord): DeadLetter {
  const headers = new Headers(record.headers)
  const [family, facts] = factsOf(headers)
  const leftOut = leftOutBy(headers.text('pyrallel-payload'))
  return {
    record,
    family,
    ...facts,
    firstFailedAt: headers.text('pyrallel-first-failed-at'),
    replays: headers.number('pyrallel-replay-count') ?? 0,
    hasPayload: leftOut === 'nothing',
    leftOut,
  }
}

function leftOutBy(payload: string | null): DeadLetter['leftOut'] {
  switch (payload) {
    case 'metadata':
      return 'value'
    case 'key':
      return 'value and headers'
    case 'none':
      return 'value, headers and key'
    default:
      return 'nothing'
  }
}

/** The headers that are the record's own, without those of any family. */
export function ownHeaders(headers: readonly RecordHeader[]): readonly RecordHeader[] {
  const isPython = headers.some(([name]) => name === pythonMark)
  return headers.filter(([name]) => !failureNames.test(name) && !(isPython && pythonNames.has(name)))
}

function factsOf(headers: Headers): readonly [Family, Facts] {
  if (headers.has('pyrallel-topic')) return ['pyrallel', ours(headers)]
  if (headers.has('kafka_dlt-original-topic')) return ['spring', spring(headers)]
  if (headers.has('__connect.errors.topic'))
    return ['connect', dotted(headers, '__connect.errors.', 'exception.class.name')]
  if (headers.has('__streams.errors.topic')) return ['streams', dotted(headers, '__streams.errors.', 'exception')]
  if (headers.has('__dlq.errors.topic')) return ['share-group', dotted(headers, '__dlq.errors.', 'exception')]
  if (headers.has(pythonMark)) return ['pyrallel-python', python(headers)]
  return ['none', nothing]
}

const nothing: Facts = {
  topic: null,
  partition: null,
  offset: null,
  group: null,
  handler: null,
  attempts: null,
  errorName: null,
  errorMessage: null,
  stack: null,
  fingerprint: null,
}

function ours(headers: Headers): Facts {
  return {
    topic: headers.text('pyrallel-topic'),
    partition: headers.number('pyrallel-partition'),
    offset: headers.number('pyrallel-offset'),
    group: headers.text('pyrallel-group'),
    handler: headers.text('pyrallel-handler'),
    attempts: headers.number('pyrallel-attempts'),
    errorName: headers.text('pyrallel-error-name'),
    errorMessage: headers.text('pyrallel-error-message'),
    stack: headers.text('kafka_dlt-exception-stacktrace'),
    fingerprint: headers.text('pyrallel-error-fingerprint'),
  }
}

/** `KafkaHeaders.DLT_*`: numbers are big-endian integers of 4 and 8 bytes. */
function spring(headers: Headers): Facts {
  return {
    ...nothing,
    topic: headers.text('kafka_dlt-original-topic'),
    partition: headers.integer('kafka_dlt-original-partition'),
    offset: headers.integer('kafka_dlt-original-offset'),
    group: headers.text('kafka_dlt-original-consumer-group'),
    attempts: headers.integer('retry_topic-attempts'),
    errorName: headers.text('kafka_dlt-exception-cause-fqcn') ?? headers.text('kafka_dlt-exception-fqcn'),
    errorMessage: headers.text('kafka_dlt-exception-message'),
    stack: headers.text('kafka_dlt-exception-stacktrace'),
  }
}

/** Kafka Connect, Kafka Streams (KIP-1034) and share groups (KIP-1191) name the same things alike; all values are text. */
function dotted(headers: Headers, prefix: string, errorName: string): Facts {
  const text = (name: string) => headers.text(`${prefix}${name}`)
  return {
    ...nothing,
    topic: text('topic'),
    partition: headers.number(`${prefix}partition`),
    offset: headers.number(`${prefix}offset`),
    group: text('group') ?? text('connector.name'),
    attempts: headers.number(`${prefix}delivery.count`),
    errorName: text(errorName),
    errorMessage: text('exception.message') ?? text('message'),
    stack: text('exception.stacktrace') ?? text('stacktrace'),
  }
}

function python(headers: Headers): Facts {
  return {
    ...nothing,
    topic: headers.text('source-topic'),
    partition: headers.number('partition'),
    offset: headers.number('offset'),
    attempts: headers.number('x-retry-attempt'),
    errorMessage: headers.text(pythonMark),
  }
}

/** By name; the last of several counts, as everywhere in Kafka. */
class Headers {
  readonly #byName: ReadonlyMap<string, Buffer | null>

  constructor(headers: readonly RecordHeader[]) {
    this.#byName = new Map(headers)
  }

  has(name: string): boolean {
    return this.#byName.has(name)
  }

  text(name: string): string | null {
    return this.#byName.get(name)?.toString() ?? null
  }

  number(name: string): number | null {
    const text = this.text(name)
    const number = Number(text)
    return text === null || text.trim() === '' || !Number.isFinite(number) ? null : number
  }

  /** Binary as Spring writes it. Text of four or eight digits has the same length, but would be a partition above 800 million. */
  integer(name: string): number | null {
    const bytes = this.#byName.get(name)
    if (bytes?.length !== 4 && bytes?.length !== 8) return this.number(name)
    if (/^\d+$/.test(bytes.toString('latin1'))) return this.number(name)
    return bytes.length === 4 ? bytes.readInt32BE() : Number(bytes.readBigInt64BE())
  }
}
