/** Reads what the headers of a dead letter tell, whoever wrote it: five families of names. Total: what makes no sense is left out, what is long is cut. */

import { FIRST_FAILED_AT, historyOf, PYTHON_MARK, REPLAY_COUNT } from '../model/failure-headers.ts'
import type { KafkaRecord, RecordHeader } from '../model/record.ts'

/** `several`: tools that contradict each other, so that none is believed. A producer can add headers of any tool to what it sends. */
export type Family =
  | 'pyrallel'
  | 'spring'
  | 'connect'
  | 'streams'
  | 'share-group'
  | 'pyrallel-python'
  | 'several'
  | 'none'

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
  /** Of Kafka Connect, which does not tell the group. */
  readonly connector: string | null
  readonly handler: string | null
  readonly attempts: number | null
  readonly errorName: string | null
  readonly errorMessage: string | null
  readonly stack: string | null
  /** The same for failures of one kind. */
  readonly fingerprint: string | null
  /** When it was first given up, as it was written. */
  readonly firstFailedAt: string | null
  /** Whose time the dead letter's timestamp is: Kafka Connect and Kafka Streams keep that of the record, and tell no other. */
  readonly time: 'failure' | 'source'
  /** How often it was replayed before it came here. */
  readonly replays: number
  /** False: something that a record cannot do without is missing, so it cannot be replayed from here. */
  readonly hasPayload: boolean
  /** What was left out, on purpose or because there was no room for it. `record`: by Kafka, whose share groups copy it only when told to. */
  readonly leftOut: 'nothing' | 'value' | 'value and headers' | 'value, headers and key' | 'record'
}

type Facts = Omit<DeadLetter, 'record' | 'family' | 'firstFailedAt' | 'time' | 'replays' | 'hasPayload' | 'leftOut'>

/** A topic's name, as Kafka allows it. */
const TOPIC = /^[a-zA-Z0-9._-]{1,249}$/
const WHOLE_NUMBER = /^\d{1,16}$/
const MAX_PARTITION = 2 ** 31 - 1
const MAX_COUNT = 999_999_999
/** Bytes that are read of a name, a message and a stack. Strangers may have written them. */
const MAX_NAME = 256
const MAX_MESSAGE = 2_048
const MAX_STACK = 32_768

export function readDeadLetter(record: KafkaRecord): DeadLetter {
  const headers = new Headers(record.headers)
  const [family, facts] = factsOf(headers)
  const leftOut = leftOutOf(record, family, headers)
  const history = new Headers(historyOf(record.headers))
  return {
    record,
    family,
    ...facts,
    firstFailedAt: history.text(FIRST_FAILED_AT),
    time: family === 'connect' || family === 'streams' ? 'source' : 'failure',
    replays: history.number(REPLAY_COUNT) ?? 0,
    hasPayload: leftOut === 'nothing',
    leftOut,
  }
}

function leftOutOf({ key, value }: KafkaRecord, family: Family, headers: Headers): DeadLetter['leftOut'] {
  // By default. A tombstone without a key would mean nothing, so that this is no record.
  if (family === 'share-group') return key === null && value === null ? 'record' : 'nothing'
  switch (headers.text('pyrallel-payload')) {
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

/** By the header without which none of the family is believed. */
const families: readonly (readonly [Family, mark: string, read: (headers: Headers) => Facts])[] = [
  ['pyrallel', 'pyrallel-topic', ours],
  ['spring', 'kafka_dlt-original-topic', spring],
  ['connect', '__connect.errors.topic', connect],
  ['streams', '__streams.errors.topic', streams],
  ['share-group', '__dlq.errors.topic', shareGroup],
  ['pyrallel-python', PYTHON_MARK, python],
]
/** Ours come with these, which say the same. */
const COMPANIONS: readonly Family[] = ['spring', 'connect']

function factsOf(headers: Headers): readonly [Family, Facts] {
  const found = families.flatMap(([family, mark, read]) =>
    headers.has(mark) ? [[family, read(headers)] as const] : [],
  )
  const [first, ...others] = found
  if (first === undefined) return ['none', nothing]
  const [family, facts] = first
  const agree = others.every(([other, said]) => COMPANIONS.includes(other) && isSamePlace(facts, said))
  return others.length === 0 || (family === 'pyrallel' && agree) ? first : ['several', nothing]
}

/** What one of them does not tell is no contradiction. */
function isSamePlace(one: Facts, other: Facts): boolean {
  return (['topic', 'partition', 'offset'] as const).every(
    (fact) => one[fact] === null || other[fact] === null || one[fact] === other[fact],
  )
}

const nothing: Facts = {
  topic: null,
  partition: null,
  offset: null,
  group: null,
  connector: null,
  handler: null,
  attempts: null,
  errorName: null,
  errorMessage: null,
  stack: null,
  fingerprint: null,
}

function ours(headers: Headers): Facts {
  return {
    ...nothing,
    topic: headers.topic('pyrallel-topic'),
    partition: headers.number('pyrallel-partition', MAX_PARTITION),
    offset: headers.number('pyrallel-offset'),
    group: headers.text('pyrallel-group'),
    handler: headers.text('pyrallel-handler'),
    attempts: headers.number('pyrallel-attempts', MAX_COUNT),
    errorName: headers.text('pyrallel-error-name'),
    errorMessage: headers.text('pyrallel-error-message', MAX_MESSAGE),
    stack: headers.text('kafka_dlt-exception-stacktrace', MAX_STACK),
    fingerprint: headers.text('pyrallel-error-fingerprint'),
  }
}

/** `KafkaHeaders.DLT_*`: numbers are big-endian integers of 4 and 8 bytes. */
function spring(headers: Headers): Facts {
  return {
    ...nothing,
    topic: headers.topic('kafka_dlt-original-topic'),
    partition: headers.integer('kafka_dlt-original-partition', MAX_PARTITION),
    offset: headers.integer('kafka_dlt-original-offset'),
    group: headers.text('kafka_dlt-original-consumer-group'),
    attempts: headers.integer('retry_topic-attempts', MAX_COUNT),
    errorName: headers.text('kafka_dlt-exception-cause-fqcn') ?? headers.text('kafka_dlt-exception-fqcn'),
    errorMessage: headers.text('kafka_dlt-exception-message', MAX_MESSAGE),
    stack: headers.text('kafka_dlt-exception-stacktrace', MAX_STACK),
  }
}

/** Where a record was, as Kafka Connect, Kafka Streams and share groups say it: all of it text. */
function placeBehind(prefix: string, headers: Headers): Facts {
  return {
    ...nothing,
    topic: headers.topic(`${prefix}topic`),
    partition: headers.number(`${prefix}partition`, MAX_PARTITION),
    offset: headers.number(`${prefix}offset`),
  }
}

function connect(headers: Headers): Facts {
  const prefix = '__connect.errors.'
  return {
    ...placeBehind(prefix, headers),
    connector: headers.text(`${prefix}connector.name`),
    errorName: headers.text(`${prefix}exception.class.name`),
    errorMessage: headers.text(`${prefix}exception.message`, MAX_MESSAGE),
    stack: headers.text(`${prefix}exception.stacktrace`, MAX_STACK),
  }
}

/** KIP-1034. */
function streams(headers: Headers): Facts {
  const prefix = '__streams.errors.'
  return {
    ...placeBehind(prefix, headers),
    errorName: headers.text(`${prefix}exception`),
    errorMessage: headers.text(`${prefix}message`, MAX_MESSAGE),
    stack: headers.text(`${prefix}stacktrace`, MAX_STACK),
  }
}

/** KIP-1191. */
function shareGroup(headers: Headers): Facts {
  const prefix = '__dlq.errors.'
  return {
    ...placeBehind(prefix, headers),
    group: headers.text(`${prefix}group`),
    attempts: headers.number(`${prefix}delivery.count`, MAX_COUNT),
    errorMessage: headers.text(`${prefix}message`, MAX_MESSAGE),
  }
}

function python(headers: Headers): Facts {
  return {
    ...nothing,
    topic: headers.topic('source-topic'),
    partition: headers.number('partition', MAX_PARTITION),
    offset: headers.number('offset'),
    attempts: headers.number('x-retry-attempt', MAX_COUNT),
    errorMessage: headers.text(PYTHON_MARK, MAX_MESSAGE),
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

  text(name: string, maxBytes = MAX_NAME): string | null {
    return this.#byName.get(name)?.subarray(0, maxBytes).toString() ?? null
  }

  topic(name: string): string | null {
    const text = this.text(name)
    return text !== null && TOPIC.test(text) ? text : null
  }

  /** A whole number that a partition, an offset or a count can be. */
  number(name: string, max = Number.MAX_SAFE_INTEGER): number | null {
    const text = this.text(name)
    return text !== null && WHOLE_NUMBER.test(text) ? within(Number(text), max) : null
  }

  /** Binary as Spring writes it. Text of four or eight digits has the same length, but would be a partition above 800 million. */
  integer(name: string, max = Number.MAX_SAFE_INTEGER): number | null {
    const bytes = this.#byName.get(name)
    if (bytes?.length !== 4 && bytes?.length !== 8) return this.number(name, max)
    if (/^\d+$/.test(bytes.toString('latin1'))) return this.number(name, max)
    return within(bytes.length === 4 ? bytes.readInt32BE() : Number(bytes.readBigInt64BE()), max)
  }
}

function within(number: number, max: number): number | null {
  return number >= 0 && number <= max ? number : null
}
