/** Topics that are meant by a pattern of their names: how one is written, and what it never matches. Pure. */

/** As of a regular expression. */
export interface TopicPattern {
  readonly source: string
  /** `i`, or nothing. */
  readonly flags: string
}

/** In place of a topic's name: no topic's name has a slash. */
export function patternText({ source, flags }: TopicPattern): string {
  return `/${source}/${flags}`
}

/** Whether a text that stands for a topic is that of a pattern. */
export function isPatternText(topic: string): boolean {
  return topic.startsWith('/')
}

/** What a dead-letter topic's name has for its topic's, as long as the topic is not known. */
export const ANY_TOPIC = '<topic>'

/**
 * Whether a topic's name is meant by the pattern. Kafka's own topics, whose names begin with two underscores, are not, and neither are dead-letter topics, which end
 * with `.dlq`: those of `orders.eu` match what matches `orders.eu`, and dead letters that are handled would be dead letters of dead letters.
 */
export function matcherOf({ source, flags }: TopicPattern): (topic: string) => boolean {
  const pattern = new RegExp(source, flags)
  return (topic) => !topic.startsWith('__') && !topic.endsWith('.dlq') && pattern.test(topic)
}
