/** The topics without which handlers are not started: those that they read, and those for their dead letters. */
import type { KafkaConnection } from '../kafka/kafka-client.ts'
import { PyrallelError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import { isTopicName } from '../model/topic-pattern.ts'
import type { Clock } from '../time/clock.ts'
import { stillMissing } from '../time/wait.ts'
import type { ResolvedHandler } from './runtime.ts'

const LIMIT_MS = 5_000
const ASK_AGAIN_MS = 250

export interface TopicCheck {
  readonly connection: KafkaConnection
  readonly log: Logger
  readonly clock: Clock
  readonly isStopping: () => boolean
}

export function neededTopics(handlers: readonly ResolvedHandler[]): readonly string[] {
  return [...new Set(handlers.flatMap(topicsNamedBy))]
}

/** Those of topics that were found are wanted, and nobody is kept from starting by them. */
function topicsNamedBy({ route, foundBy }: ResolvedHandler): readonly string[] {
  if (foundBy !== undefined) return []
  const { topic, deadLetterTopic } = route
  return [topic, ...(deadLetterTopic === null ? [] : [deadLetterTopic])].filter(isTopicName)
}

/** @throws PyrallelError PYR_TOPIC_UNKNOWN when one is missing for 5 s, or the runtime is told to stop meanwhile */
export async function refuseMissingTopics(
  handlers: readonly ResolvedHandler[],
  { connection, log, clock, isStopping }: TopicCheck,
): Promise<void> {
  const topics = neededTopics(handlers)
  let isTold = false
  const ask = async () => {
    const missing = await connection.missingTopics(topics)
    if (missing.length > 0 && !isTold) {
      isTold = true
      log.info({ missing, waitMs: LIMIT_MS }, 'waiting for topics that the broker does not show')
    }
    return missing
  }
  const missing = await stillMissing(ask, { clock, limitMs: LIMIT_MS, everyMs: ASK_AGAIN_MS, isGivenUp: isStopping })
  if (missing.length === 0) return
  const facts = missing.map((topic) => `${topic} (${usesOf(topic, handlers).join(', ')})`).join(', ')
  const rights = missing.map((topic) => `${rightOn(topic, handlers)} on topic ${topic}`).join(', ')
  throw new PyrallelError(
    'PYR_TOPIC_UNKNOWN',
    `${connection.description} shows no topic ${facts}. Create it, or correct the name; a dead-letter topic must exist before it is needed. If it is there, the user lacks the right: ${rights}.`,
  )
}

function usesOf(topic: string, handlers: readonly ResolvedHandler[]): readonly string[] {
  return handlers.flatMap(({ file, route }) => [
    ...(route.topic === topic ? [`read by ${file}`] : []),
    ...(route.deadLetterTopic === topic ? [`dead letters of ${file}`] : []),
  ])
}

/** Each brings with it that the topic is shown. */
function rightOn(topic: string, handlers: readonly ResolvedHandler[]): 'Read' | 'Write' {
  return handlers.some(({ route }) => route.topic === topic) ? 'Read' : 'Write'
}
