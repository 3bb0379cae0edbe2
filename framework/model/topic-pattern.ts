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

/** The pattern that a text is, `/^orders\./` say; undefined for a topic's name, and for what is no regular expression. */
export function patternOf(text: string): TopicPattern | undefined {
  const [, source, flags] = /^\/(.+)\/(i?)$/s.exec(text) ?? []
  if (source === undefined || flags === undefined) return undefined
  try {
    new RegExp(source, flags)
    return { source, flags }
  } catch {
    return undefined
  }
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

/** Whether it is the name of one topic: neither a pattern's text, nor that of dead-letter topics whose topics are not known. */
export function isTopicName(text: string): boolean {
  return !isPatternText(text) && !text.startsWith(ANY_TOPIC)
}

/**
 * What all names begin with that the pattern matches, as far as its text says so: `orders.` of `/^orders\.(eu|us)$/`.
 * @returns '' where nothing is said
 */
export function prefixOf({ source, flags }: TopicPattern): string {
  if (!source.startsWith('^') || flags !== '' || hasAlternatives(source)) return ''
  const [text = ''] = /^(?:[\w-]|\\[.-])*/.exec(source.slice(1)) ?? []
  // What a quantifier is behind may be missing.
  const isOptional = /^[*?{]/.test(source.slice(1 + text.length))
  const sure = isOptional ? text.replace(/(?:\\[.-]|[\w-])$/, '') : text
  return sure.replaceAll('\\', '')
}

/** A bar that is in no group: another beginning stands behind it. */
function hasAlternatives(source: string): boolean {
  let depth = 0
  for (const [part] of source
    .replaceAll(/\\./gs, '')
    .replaceAll(/\[[^\]]*\]/g, '')
    .matchAll(/[()|]/g)) {
    if (part === '|' && depth === 0) return true
    if (part !== '|') depth += part === '(' ? 1 : -1
  }
  return false
}
