/** A topic as users declare it: its name and the type of its values, the one truth that handlers and producers share. */
import type { Static, TSchema } from 'typebox'
import type { Format } from './format.ts'
import { keyFormatFault, subjectFault } from './subject-rule.ts'

export interface TopicOptions<T, K = string> {
  /** The ordering key of a value, used when one is published: a text, or with `keyFormat` what that says. Default: no key, so no order. */
  readonly key?: (value: T) => NoInfer<K> | null
  /**
   * What reads and writes the keys: `topic('orders', { format: avro(ordersValue), keyFormat: avro(ordersKey) })`. Default: a key is text. The order is by the bytes of
   * a key, and so is its partition: one that names another schema, be it a newer version, is another key. A record without a key has `null`, whatever the schema says.
   */
  readonly keyFormat?: Format<K>
}

export interface TopicDefinition<T, Name extends string = string, K = string> {
  readonly kind: 'pyrallel.topic'
  readonly name: Name
  readonly key?: (value: T) => K | null
  /** A TypeBox schema; values are validated against it before a handler runs and before one is published. */
  readonly schema?: TSchema
  /** What reads and writes its values. Without it: JSON. */
  readonly format?: Format<T>
  /** Nothing reads or writes its values: they are bytes, for a decoder of the user's own. */
  readonly values?: 'bytes'
  /** What reads and writes its keys. Without it: text. */
  readonly keyFormat?: Format<K>
  /** Carries `T` for the type checker; never set. */
  readonly valueType?: T
}

// biome-ignore lint/suspicious/noExplicitAny: each way to declare one has a value type of its own.
type AnyTopic = TopicDefinition<any, string, any>

/**
 * Declares a topic.
 * `topic<Order>('orders.created', { key: (o) => o.customerId })`, or with a TypeBox schema, from which the type is inferred:
 * `topic('orders.created', { schema: Type.Object({ id: Type.String() }) })`, or with what a registry says:
 * `topic('orders.created', { format: avro(ordersCreatedValue) })`. With a format there is no schema beside it: the registry has it.
 * Keys in a format stand beside any of them; where the type is written, both are: `topic<Order, OrderKey>('orders.created', { keyFormat: avro(ordersCreatedKey) })`.
 * With `values: 'bytes'` nobody looks into a value: handlers get a copy of its bytes, `null` for a tombstone, for a decoder of their own.
 * @throws TypeError where a format has a rule for subjects, and its schema is that of another one, where a format of keys has tombstones, and for `values` beside
 * a schema or a format
 */
export function topic<S extends TSchema, const Name extends string = string, K = string>(
  name: Name,
  options: TopicOptions<Static<S>, K> & { readonly schema: S },
): TopicDefinition<Static<S>, Name, K>
export function topic<T, const Name extends string = string, K = string>(
  name: Name,
  options: TopicOptions<T, K> & { readonly format: Format<T> },
): TopicDefinition<T, Name, K>
export function topic<const Name extends string = string, K = string>(
  name: Name,
  options: TopicOptions<Buffer | null, K> & { readonly values: 'bytes' },
): TopicDefinition<Buffer | null, Name, K>
export function topic<T, K = string>(name: string, options?: TopicOptions<T, K>): TopicDefinition<T, string, K>
export function topic(
  name: string,
  options: Pick<AnyTopic, 'key' | 'schema' | 'format' | 'keyFormat' | 'values'> = {},
): AnyTopic {
  const { values, schema, format, keyFormat } = options
  if (values !== undefined && values !== 'bytes') {
    throw new TypeError(`topic('${name}', { values }): it is 'bytes', and not ${JSON.stringify(values)}.`)
  }
  if (values !== undefined && (schema !== undefined || format !== undefined)) {
    const beside = schema === undefined ? 'format' : 'schema'
    throw new TypeError(`topic('${name}', { values }): bytes have no ${beside}. Remove \`${beside}\`, or \`values\`.`)
  }
  const fault = format === undefined ? undefined : subjectFault(name, format)
  if (fault !== undefined) throw new TypeError(`topic('${name}', { format }): ${fault.what} ${fault.next}`)
  const keyFault = keyFormat === undefined ? undefined : keyFormatFault(name, keyFormat)
  if (keyFault !== undefined) throw new TypeError(`topic('${name}', { keyFormat }): ${keyFault.what} ${keyFault.next}`)
  return { kind: 'pyrallel.topic', name, ...options }
}

/** Topics that are meant by a pattern of their names, whether they exist yet or not. Made by `topicsMatching`. */
export interface MatchedTopics<T> {
  readonly kind: 'pyrallel.topics'
  /** `/^orders\./`. */
  readonly pattern: RegExp
  /** As of one topic: the values of all of them are validated against it. */
  readonly schema?: TSchema
  /** Carries `T` for the type checker; never set. */
  readonly valueType?: T
}

/**
 * All topics whose names the pattern matches, those that are made while the handler runs, too: they are taken up within 10 s, from their first records.
 * `topicsMatching<Order>(/^orders\./)`, or with a TypeBox schema. It is searched for in the name: begin with `^` and end with `$` what must be the whole of it.
 * Never matched are Kafka's own topics (`__...`) and dead-letter topics (`....dlq`).
 * @param pattern a literal, without a flag or with `i`
 * @throws TypeError for another flag
 */
export function topicsMatching<S extends TSchema>(
  pattern: RegExp,
  options: { readonly schema: S },
): MatchedTopics<Static<S>>
export function topicsMatching<T>(pattern: RegExp): MatchedTopics<T>
export function topicsMatching(pattern: RegExp, options: { readonly schema?: TSchema } = {}): MatchedTopics<unknown> {
  if (!(pattern instanceof RegExp))
    throw new TypeError('topicsMatching(pattern): write a regular expression, /^orders\\./ say.')
  if (pattern.flags !== '' && pattern.flags !== 'i') {
    throw new TypeError(`topicsMatching(${pattern}): of all flags only i means anything here. Leave the others out.`)
  }
  return { kind: 'pyrallel.topics', pattern, ...options }
}
