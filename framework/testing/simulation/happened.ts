/** What a user's check is asked about: all that has come of one simulated run. */
import type { Services } from '../../api/handler.ts'
import { bug } from '../../model/errors.ts'
import type { RuntimeEvent } from '../../model/events.ts'
import { type KafkaRecord, recordPlace } from '../../model/record.ts'
import type { ResolvedHandler } from '../../runtime/runtime.ts'
import type { PublishedValue } from '../run-call.ts'
import type { SimulatedAttempt } from './history.ts'
import type { KnownFormats } from './known-formats.ts'

export interface SimulatedRecord {
  /** The id of the handler that reads it. */
  readonly handler: string
  /** `orders.created[0]@4`. */
  readonly place: string
  readonly topic: string
  /** A text, or what the topic's `keyFormat` says. */
  readonly key: unknown
  /** As its topic's format has it. A text, where it is none of that, or no JSON. */
  readonly value: unknown
  /** What has become of it in the end. `dead`: it was given up. */
  readonly outcome: 'done' | 'filtered' | 'dead'
}

export interface Happened<Given extends Services = Services> {
  /** 0: the run in which nothing is disturbed. */
  readonly seed: number
  /** What `services` has made for this run. */
  readonly services: Given
  /** In the order of their starts. The record of an attempt may have come before, in this process or another. */
  readonly attempts: readonly SimulatedAttempt[]
  /** By handler, in the order of their partitions. Those that handlers have published to a topic that one of them reads are among them. */
  readonly records: readonly SimulatedRecord[]
  /** What handlers have published, by topic and partition, in the order of the log: each as often as it is there. Dead letters are left out. */
  readonly published: readonly PublishedValue[]
}

type Outcome = SimulatedRecord['outcome']

/** The last word about each record. */
export class Outcomes {
  readonly #outcomes = new Map<string, Outcome>()

  onEvent(event: RuntimeEvent): void {
    if (event.kind === 'record.done') this.#set(event.handlerId, event.record, event.filtered ? 'filtered' : 'done')
    else if (event.kind === 'record.dead') this.#set(event.handlerId, event.record, 'dead')
  }

  /** @param givenUp by {@link outcomeName}: these are dead whatever was told, as their process may have been killed before it could tell */
  of(
    handlers: readonly ResolvedHandler[],
    recordsOf: (topic: string) => readonly KafkaRecord[],
    givenUp: ReadonlySet<string>,
    formats: KnownFormats,
  ): readonly SimulatedRecord[] {
    return handlers.flatMap(({ route: { handlerId, topic } }) =>
      recordsOf(topic).map((record) => {
        const place = recordPlace(record)
        const name = outcomeName(handlerId, place)
        const outcome = givenUp.has(name) ? 'dead' : this.#outcomes.get(name)
        if (outcome === undefined) throw bug('simulate', `${place} was committed, and ${handlerId} has not had it`)
        return {
          handler: handlerId,
          place,
          topic,
          key: keyOf(record, formats),
          value: valueOfRecord(record, formats),
          outcome,
        }
      }),
    )
  }

  #set(handlerId: string, record: KafkaRecord, outcome: Outcome): void {
    this.#outcomes.set(outcomeName(handlerId, recordPlace(record)), outcome)
  }
}

/** A record may be read by several handlers. */
export function outcomeName(handlerId: string, place: string): string {
  return `${handlerId} ${place}`
}

export function publishedOf(record: KafkaRecord, formats: KnownFormats): PublishedValue {
  const { topic, headers } = record
  return {
    topic,
    key: keyOf(record, formats),
    value: valueOfRecord(record, formats),
    headers: Object.fromEntries(headers.map(([name, bytes]) => [name, bytes?.toString() ?? ''])),
  }
}

function keyOf({ topic, key, headers }: KafkaRecord, formats: KnownFormats): unknown {
  if (key === null) return null
  const read = formats.read(topic, 'key', key, headers)
  return read === undefined ? key.toString() : read.value
}

function valueOfRecord({ topic, value, headers }: KafkaRecord, formats: KnownFormats): unknown {
  if (value === null) return null
  const read = formats.read(topic, 'value', value, headers)
  return read === undefined ? jsonOf(value) : read.value
}

function jsonOf(bytes: Buffer): unknown {
  const text = bytes.toString()
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
