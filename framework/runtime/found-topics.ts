/** Which topics of a cluster are read by handlers that have a pattern in place of a topic. Pure, but for what it remembers of its own answers. */
import { ANY_TOPIC, matcherOf } from '../model/topic-pattern.ts'
import type { ResolvedHandler } from './runtime.ts'

/** A topic that several patterns of one group match. */
export interface SharedTopic {
  readonly topic: string
  readonly group: string
  /** The first of them reads it. */
  readonly handlerIds: readonly string[]
}

/**
 * The handlers, and behind each that has a pattern one for every topic that it reads. A topic that another handler of the group names is that one's; of several
 * patterns, the first has it. No handler reads the dead letters of any.
 * @param names the topics that there are, in an order that does not change
 */
export function withFoundTopics(
  handlers: readonly ResolvedHandler[],
  names: readonly string[],
): readonly ResolvedHandler[] {
  const own = handlers.filter(({ foundBy }) => foundBy === undefined)
  const claimed = claimedBy(own)
  return own.flatMap((handler) => {
    const { pattern } = handler.route
    if (pattern === undefined) return [handler]
    const taken = claimed.get(handler.group) ?? new Set()
    const found = names.filter((name) => !taken.has(name) && matches(handler, name))
    for (const name of found) taken.add(name)
    return [handler, ...found.map((name) => foundHandler(handler, name))]
  })
}

export function sharedTopics(handlers: readonly ResolvedHandler[], names: readonly string[]): readonly SharedTopic[] {
  const own = handlers.filter(({ foundBy }) => foundBy === undefined)
  const claimed = claimedBy(own)
  const groups = [...new Set(own.map(({ group }) => group))]
  return groups.flatMap((group) => {
    const patterns = own.filter((each) => each.group === group && each.route.pattern !== undefined)
    return names.flatMap((topic) => {
      if (claimed.get(group)?.has(topic)) return []
      const handlerIds = patterns.filter((each) => matches(each, topic)).map(({ route }) => route.handlerId)
      return handlerIds.length > 1 ? [{ topic, group, handlerIds }] : []
    })
  })
}

/** By group: what is named, and where dead letters go. */
function claimedBy(own: readonly ResolvedHandler[]): ReadonlyMap<string, Set<string>> {
  const deadLetters = own.flatMap(({ route }) => route.deadLetterTopic ?? [])
  const claimed = new Map<string, Set<string>>()
  for (const { group, route } of own) {
    const taken = claimed.get(group) ?? new Set(deadLetters)
    claimed.set(group, taken)
    if (route.pattern === undefined) taken.add(route.topic)
  }
  return claimed
}

const matchers = new WeakMap<object, (topic: string) => boolean>()

function matches({ route: { pattern } }: ResolvedHandler, topic: string): boolean {
  if (pattern === undefined) return false
  const matcher = matchers.get(pattern) ?? matcherOf(pattern)
  matchers.set(pattern, matcher)
  return matcher(topic)
}

/** By handler: one that is asked for again is the same object, as an update takes for unchanged what is the same. */
const made = new WeakMap<ResolvedHandler, Map<string, ResolvedHandler>>()

function foundHandler(handler: ResolvedHandler, topic: string): ResolvedHandler {
  const known = made.get(handler) ?? new Map<string, ResolvedHandler>()
  made.set(handler, known)
  const found = known.get(topic) ?? makeFound(handler, topic)
  known.set(topic, found)
  return found
}

function makeFound(handler: ResolvedHandler, topic: string): ResolvedHandler {
  const { pattern: _, ...route } = handler.route
  const { definition } = handler
  const deadLetterTopic = route.deadLetterTopic?.replace(ANY_TOPIC, () => topic) ?? null
  return {
    ...handler,
    route: { ...route, topic, deadLetterTopic },
    definition: { ...definition, topic: { ...definition.topic, name: topic } },
    foundBy: handler.route.topic,
  }
}
