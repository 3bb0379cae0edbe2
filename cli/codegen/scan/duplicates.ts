/** Finds handlers that cannot live together. Pure; knows no compiler: a place is whatever the caller uses for one. */
import type { ScannedHandler } from './scan-result.ts'

/** What a handler's own file says, without what its types say. */
export type ReadHandler = Omit<ScannedHandler, 'schema' | 'publishes'>

export interface Located<Place> {
  readonly handler: ReadHandler
  readonly idPlace: Place
  readonly topicPlace: Place
  readonly groupPlace: Place
}

export interface Duplicate<Place> {
  readonly node: Place
  readonly message: string
  readonly fix: string
}

/** Two handlers with one id, two handlers of one group on one topic, and a topic that a list names twice. The later one is the one that is shown. */
export function duplicates<Place>(found: readonly Located<Place>[], defaultGroup: string): readonly Duplicate<Place>[] {
  const byId = new Map<string, ReadHandler>()
  const bySubscription = new Map<string, ReadHandler>()
  const result: Duplicate<Place>[] = []
  for (const { handler, idPlace, topicPlace } of found) {
    const sameId = byId.get(handler.id)
    if (sameId === undefined) byId.set(handler.id, handler)
    else if (sameId.file !== handler.file) {
      result.push({
        node: idPlace,
        message: `The id '${handler.id}' belongs to ${sameId.file} already.`,
        fix: 'Give one of the two another `id`.',
      })
    }
    const group = handler.group ?? defaultGroup
    const subscription = `${group}:${handler.topic}`
    const same = bySubscription.get(subscription)
    if (same === undefined) bySubscription.set(subscription, handler)
    else if (same.file === handler.file) {
      const message = `The list names the topic '${handler.topic}' twice.`
      result.push({ node: topicPlace, message, fix: 'Name it once.' })
    } else {
      result.push({
        node: topicPlace,
        message: `${same.file} reads '${handler.topic}' in group '${group}' already, and a group hands each record to one handler only.`,
        fix: "Give one of the two a `group` of its own (its offsets start afresh), or put both handlers' work into one.",
      })
    }
  }
  return result
}
