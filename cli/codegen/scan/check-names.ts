/** Finds names that Kafka refuses, or that would be a nuisance in paths, metrics and commands. Pure; a place is whatever the caller uses for one. */
import { isPatternText } from '../../../framework/model/topic-pattern.ts'
import type { Located } from './duplicates.ts'

export interface BadName<Place> {
  readonly node: Place
  readonly message: string
  readonly fix: string
}

/** Kafka's own rule for topics, and ours for groups. */
const KAFKA_NAME = /^[\w.-]+$/
const MAX_TOPIC_LENGTH = 249
const MAX_GROUP_LENGTH = 200

export function checkNames<Place>(found: readonly Located<Place>[]): readonly BadName<Place>[] {
  const seen = new Set<string>()
  return found.flatMap(({ handler, idPlace, topicPlace, groupPlace }) => {
    const { id, file, topic, group } = handler
    const bad: BadName<Place>[] = []
    // A handler comes once for each of its topics.
    const isFirst = !seen.has(file)
    seen.add(file)
    if (isFirst && !isId(id)) bad.push({ node: idPlace, ...badId(id, handler.file) })
    const isName = !isPatternText(topic)
    if (isName && (!KAFKA_NAME.test(topic) || topic.length > MAX_TOPIC_LENGTH || topic === '.' || topic === '..')) {
      bad.push({ node: topicPlace, ...badTopic(topic) })
    }
    if (isFirst && group !== null && (!KAFKA_NAME.test(group) || group.length > MAX_GROUP_LENGTH)) {
      bad.push({
        node: groupPlace,
        message: `The group '${group}' is not a name of 1 to ${MAX_GROUP_LENGTH} letters, digits, dots, dashes or underscores.`,
        fix: `Write '${plain(group)}', say.`,
      })
    }
    return bad
  })
}

/** An id is part of paths: of `generated/workers/<id>.ts`, for one. */
function isId(id: string): boolean {
  return id.split('/').every((part) => KAFKA_NAME.test(part) && !/^\.+$/.test(part))
}

function badId(id: string, file: string): Omit<BadName<never>, 'node'> {
  const isFromFile = file === `handlers/${id}.ts`
  return {
    message: `The id '${id}'${isFromFile ? ", which is the file's path," : ''} has a character that is no letter, digit, dot, dash, underscore or slash.`,
    fix: isFromFile
      ? `Rename the file to handlers/${plain(id)}.ts, or give the handler an id: { id: '${plain(id)}' }.`
      : `Write '${plain(id)}', say.`,
  }
}

function badTopic(topic: string): Omit<BadName<never>, 'node'> {
  return {
    message: `The topic '${topic}' is a name that Kafka refuses: a topic's name has 1 to ${MAX_TOPIC_LENGTH} letters, digits, dots, dashes or underscores, and is not '.' or '..'.`,
    fix: 'Correct the name. It must be that of the topic on the cluster.',
  }
}

function plain(name: string): string {
  const words = name.split('/').map((part) => part.replaceAll(/[^\w.-]+/g, '-').replaceAll(/^-+|-+$/g, ''))
  return words.filter((word) => word !== '').join('/') || 'name'
}
