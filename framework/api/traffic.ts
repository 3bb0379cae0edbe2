/** What a traffic file exports: an endless, seeded source of records for `pyrallel dev --traffic`. Produces nothing itself. */
import type { Format } from './format.ts'
import type { TopicDefinition } from './topic.ts'

export interface TrafficRecord {
  /** Any topic, whatever its values are; or a name. */
  readonly topic:
    | (Pick<TopicDefinition<never, string, unknown>, 'kind' | 'name' | 'key'> & {
        readonly format?: Format<unknown>
        readonly keyFormat?: Format<unknown>
      })
    | string
  readonly value: unknown
  /** A text, or what the topic's `keyFormat` says. Default: the topic's own `key` of the value, else none. */
  readonly key?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * 1. It MUST be pure but for `random`, a seeded source of numbers from 0 up to 1: the same seed gives the same records.
 * 2. It MUST go on for as long as it is asked.
 * 3. It MAY yield values that handlers refuse; a text or bytes are sent as they are, so undecodable records can be made too. To a topic with a format, also one that is only
 *    named, only bytes are. The same holds for keys.
 */
export type TrafficSource = (random: () => number) => Iterator<TrafficRecord>
