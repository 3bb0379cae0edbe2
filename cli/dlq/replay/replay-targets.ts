/** Decides to which topics a replay may publish because a header says so. Headers come from whoever writes records. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isTopicName, matcherOf, patternOf } from '../../../framework/model/topic-pattern.ts'
import { manifestFile } from '../../codegen/render/render.ts'

/** What of `generated/manifest.json` matters here. */
export interface KnownTopics {
  readonly topics: readonly string[]
  /** The groups of the handlers here, the config's own among them. */
  readonly groups: readonly string[]
}

/**
 * Those of the manifest, and the one in the name `<topic>.<group>.dlq`: with the groups that are known here, else with one that has no dot.
 * Beside them, what the operator allows.
 */
export function allowedTargets(
  deadLetterTopic: string,
  { topics, groups }: KnownTopics,
  allowed: readonly string[],
): ReadonlySet<string> {
  const named = groups.flatMap((group) => before(deadLetterTopic, `.${group}.dlq`))
  const [, guessed] = /^(.+)\.[^.]+\.dlq$/.exec(deadLetterTopic) ?? []
  return new Set([...topics, ...allowed, ...(named.length > 0 || guessed === undefined ? named : [guessed])])
}

/** With the topics of the cluster that patterns of handlers here match. */
export function withMatched({ topics, groups }: KnownTopics, names: readonly string[]): KnownTopics {
  const matchers = topics.flatMap((topic) => patternOf(topic) ?? []).map(matcherOf)
  const matched = names.filter((name) => matchers.some((isMatched) => isMatched(name)))
  return { topics: [...topics.filter(isTopicName), ...matched], groups }
}

/** Nothing outside of a project, or before its first `generate`. */
export function knownTopics(root: string, group: string | undefined): KnownTopics {
  const manifest = readManifest(root)
  const topics = listOf(manifest.topics).map(({ name }) => name)
  const groups = [group, manifest.group, ...listOf(manifest.handlers).map((each) => each.group)]
  return { topics: topics.filter(isText), groups: [...new Set(groups.filter(isText))] }
}

function before(text: string, end: string): readonly string[] {
  return text.endsWith(end) && text.length > end.length ? [text.slice(0, -end.length)] : []
}

function readManifest(root: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(readFileSync(join(root, manifestFile), 'utf8'))
    return isObject(parsed) ? parsed : {}
  } catch {
    // Then nothing is known, and more must be allowed by hand.
    return {}
  }
}

function listOf(value: unknown): readonly Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
