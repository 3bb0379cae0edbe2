/** Which topics the handlers of a project need, and what is true of them on a cluster. Changes nothing. */
import type { TopicFacts } from '../../framework/kafka/kafka-client.ts'
import { isTopicName } from '../../framework/model/topic-pattern.ts'
import type { ResolvedHandler } from '../../framework/runtime/runtime.ts'

export interface WantedTopic {
  readonly name: string
  /** Why: `read by charge-order`, `dead letters of charge-order`. */
  readonly reasons: readonly string[]
}

export interface PlannedTopic extends WantedTopic {
  /** `undefined`: it does not exist. */
  readonly partitions: number | undefined
}

/** Sorted by name. Those of patterns only as far as they were found. */
export function wantedTopics(handlers: readonly ResolvedHandler[]): readonly WantedTopic[] {
  const reasons = new Map<string, string[]>()
  const want = (topic: string, reason: string) => {
    if (isTopicName(topic)) reasons.set(topic, [...(reasons.get(topic) ?? []), reason])
  }
  for (const { route } of handlers) {
    want(route.topic, `read by ${route.handlerId}`)
    if (route.deadLetterTopic !== null) want(route.deadLetterTopic, `dead letters of ${route.handlerId}`)
  }
  return [...reasons].map(([name, all]) => ({ name, reasons: all })).sort((a, b) => (a.name < b.name ? -1 : 1))
}

export function planTopics(wanted: readonly WantedTopic[], existing: readonly TopicFacts[]): readonly PlannedTopic[] {
  const partitions = new Map(existing.map((topic) => [topic.name, topic.partitions]))
  return wanted.map((topic) => ({ ...topic, partitions: partitions.get(topic.name) }))
}

/** What a handler reads that has a pattern in place of a topic. */
export interface PlannedPattern {
  readonly handler: string
  readonly pattern: string
  /** Sorted. */
  readonly topics: readonly string[]
}

/** @param handlers with those of the topics that were found */
export function planPatterns(handlers: readonly ResolvedHandler[]): readonly PlannedPattern[] {
  return handlers
    .filter(({ route }) => route.pattern !== undefined)
    .map(({ route: { handlerId, topic } }) => ({
      handler: handlerId,
      pattern: topic,
      topics: handlers
        .filter((each) => each.foundBy !== undefined && each.route.handlerId === handlerId)
        .map((each) => each.route.topic),
    }))
}
