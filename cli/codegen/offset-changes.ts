/** Compares the handlers with the manifest that is there, and finds changes after which offsets would start afresh or mean something else. Pure. */
import { byHandler } from '../../framework/model/by-handler.ts'
import { isPatternText, matcherOf, patternOf } from '../../framework/model/topic-pattern.ts'
import type { ScannedHandler } from './scan/scan-result.ts'

/** One change of one handler, and what becomes of its offsets. */
export interface OffsetChange {
  readonly id: string
  readonly file: string
  readonly what: 'id' | 'topic' | 'group' | 'ordering'
  readonly before: string
  readonly after: string
  readonly consequence: string
}

interface KnownHandler {
  readonly id: string
  readonly file: string
  readonly topics: readonly string[]
  /** With the config's group in its place. */
  readonly group: string
  readonly ordering: string | null
}

type Comparable = Pick<ScannedHandler, 'id' | 'file' | 'topic' | 'group' | 'ordering'>

/** @param manifest the text of `generated/manifest.json`; one that cannot be read holds nothing to compare with */
export function offsetChanges(
  manifest: string | undefined,
  handlers: readonly Comparable[],
  defaultGroup: string,
): readonly OffsetChange[] {
  const known = manifest === undefined ? [] : knownHandlers(manifest)
  const now = together(handlers.map((handler) => ({ ...handler, group: handler.group ?? defaultGroup })))
  const ids = new Set(known.map(({ id }) => id))
  return known.flatMap((before) => {
    const same = now.find(({ id }) => id === before.id)
    if (same !== undefined) return changesOf(before, same)
    const renamed = now.find((each) => !ids.has(each.id) && isSuccessor(before, each))
    // A handler that is gone moves nothing: its group keeps its offsets for as long as the broker keeps those of groups that are away.
    return renamed === undefined ? [] : changesOf(before, renamed)
  })
}

/** The same work under another id: in the same file, or of the same topic in the same group. */
function isSuccessor(before: KnownHandler, after: KnownHandler): boolean {
  const hasTopic = before.topics.some((topic) => after.topics.includes(topic))
  return before.file === after.file || (hasTopic && before.group === after.group)
}

interface Entry extends Omit<KnownHandler, 'topics'> {
  readonly topic: string
}

/** A handler of several topics has an entry for each of them. */
function together(entries: readonly Entry[]): readonly KnownHandler[] {
  return [...byHandler(entries, ({ id }) => id).values()].map((own) => ({
    ...own[0],
    topics: own.map(({ topic }) => topic),
  }))
}

function changesOf(before: KnownHandler, after: KnownHandler): readonly OffsetChange[] {
  const { id, file, group } = after
  const change = (
    what: OffsetChange['what'],
    from: string,
    to: string,
    consequence: string,
  ): readonly OffsetChange[] => (from === to ? [] : [{ id, file, what, before: from, after: to, consequence }])
  return [
    ...change(
      'id',
      before.id,
      id,
      `Offsets stay, because they belong to the group '${group}' and the topic. What is watched by the id (metrics, logs, traces, alerts) starts afresh.`,
    ),
    ...topicChange(before, after),
    ...change(
      'group',
      before.group,
      group,
      `The group '${group}' has no offsets of its own yet: it starts at kafka.startFrom, so with 'earliest' every record that is still there runs again, and with 'latest' those in between are never handled. The offsets of '${before.group}' stay where they are.`,
    ),
    ...change(
      'ordering',
      before.ordering ?? DEFAULT,
      after.ordering ?? DEFAULT,
      'Offsets stay, and what is done stays done. But records that are waiting, and from now on all others, are started in another order: what relied on the old one may break.',
    ),
  ]
}

/** A topic that comes to a list is as one that comes with a new handler: no offsets change. Neither do they for one that a pattern matches before or after. */
function topicChange(before: KnownHandler, { id, file, group, topics }: KnownHandler): readonly OffsetChange[] {
  const gone = before.topics.filter((topic) => !isAmong(topic, topics))
  const come = topics.filter((topic) => !isAmong(topic, before.topics))
  if (gone.length === 0) return []
  const begins = `The group '${group}' has no offsets on ${namesOf(come)}: it starts there at kafka.startFrom. `
  const stays = `Records of ${namesOf(gone)} that are not done stay undone.`
  const isPattern = [...gone, ...come].some(isPatternText)
  const both = isPattern ? ' Topics that are read before and after keep their offsets.' : ''
  const consequence = `${come.length === 0 ? '' : begins}${stays}${both}`
  return [{ id, file, what: 'topic', before: before.topics.join(','), after: topics.join(','), consequence }]
}

function isAmong(topic: string, topics: readonly string[]): boolean {
  if (topics.includes(topic)) return true
  const patterns = isPatternText(topic) ? [] : topics.flatMap((each) => patternOf(each) ?? [])
  return patterns.some((pattern) => matcherOf(pattern)(topic))
}

function namesOf(topics: readonly string[]): string {
  return topics.map((topic) => (isPatternText(topic) ? `what ${topic} matches` : `'${topic}'`)).join(', ')
}

const DEFAULT = "the config's"

function knownHandlers(manifest: string): readonly KnownHandler[] {
  const document = parse(manifest)
  if (!isRecord(document) || !Array.isArray(document.handlers)) return []
  const defaultGroup = document.group
  const entries = document.handlers.flatMap((entry: unknown): Entry[] => {
    if (!isRecord(entry)) return []
    const { id, file, topic, ordering } = entry
    const group = entry.group ?? defaultGroup
    if (typeof id !== 'string' || typeof file !== 'string' || typeof topic !== 'string' || typeof group !== 'string') {
      return []
    }
    return [{ id, file, topic, group, ordering: typeof ordering === 'string' ? ordering : null }]
  })
  return together(entries)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A merge conflict, say. It is stale, and that will be told.
    return undefined
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

/** For people: what changed, what becomes of the offsets, and how to say that it is meant. */
export function offsetChangesText(changes: readonly OffsetChange[]): string {
  const told = changes.map(
    ({ file, what, before, after, consequence }) => `${file}: ${what} ${before} -> ${after}\n  ${consequence}`,
  )
  return `${told.join('\n')}\nIf this is meant: \`pyrallel generate --accept offsets\`, and commit generated/. If not: change it back.`
}
