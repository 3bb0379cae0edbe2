/** A topic as users declare it: its name and the type of its values, the one truth that handlers and producers share. */
import type { Static, TSchema } from 'typebox'

export interface TopicOptions<T> {
  /** The ordering key of a value, used when one is published. Default: no key, so no order. */
  readonly key?: (value: T) => string | null
}

export interface TopicDefinition<T, Name extends string = string> {
  readonly kind: 'pyrallel.topic'
  readonly name: Name
  readonly key?: (value: T) => string | null
  /** A TypeBox schema; values are validated against it before a handler runs and before one is published. */
  readonly schema?: TSchema
  /** Carries `T` for the type checker; never set. */
  readonly valueType?: T
}

/**
 * Declares a topic.
 * `topic<Order>('orders.created', { key: (o) => o.customerId })`, or with a TypeBox schema, from which the type is inferred:
 * `topic('orders.created', { schema: Type.Object({ id: Type.String() }) })`.
 */
export function topic<S extends TSchema, const Name extends string = string>(
  name: Name,
  options: TopicOptions<Static<S>> & { readonly schema: S },
): TopicDefinition<Static<S>, Name>
export function topic<T>(name: string, options?: TopicOptions<T>): TopicDefinition<T>
export function topic(
  name: string,
  options: TopicOptions<unknown> & { readonly schema?: TSchema } = {},
): TopicDefinition<unknown> {
  return { kind: 'pyrallel.topic', name, ...options }
}
