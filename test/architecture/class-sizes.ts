/** How many private fields a class has: many stand for several things that are one object for no reason but history. */
import { lineAt, type SourceFile } from './source-scan.ts'
import type { SourceTree } from './source-tree.ts'

const MOST_FIELDS = 10

/** Those that have more, with how many. The list only shrinks: a number that is no longer reached fails, too. */
export const largeClasses: Readonly<Record<string, number>> = {
  AdaptiveConcurrency: 12,
  AppConfig: 12,
  Attempt: 11,
  BrokerPoller: 17,
  EventMeters: 12,
  FileWatch: 11,
  IntakeGate: 12,
  Isolation: 12,
  LaneCrew: 11,
  LibrdkafkaConsumer: 14,
  Membership: 11,
  MemoryConsumer: 14,
  ReplayRun: 24,
  StaticMember: 11,
  ThreadRunner: 15,
  TrafficLedger: 14,
  WorkManager: 12,
  WorkQueue: 13,
}

interface ClassSize {
  readonly name: string
  readonly line: number
  readonly fields: number
}

/** Classes of one file, in the order of the text. Fields of a class within another one's method count for that one. */
export function classSizes({ code }: SourceFile): readonly ClassSize[] {
  const starts = [...code.matchAll(/\bclass\s+(\w+)[^{;]*\{/g)]
  return starts.map((start, index) => {
    const body = code.slice(start.index, starts[index + 1]?.index ?? code.length)
    const fields = body.match(/^\s+(?:static\s+)?(?:override\s+)?(?:readonly\s+)?#\w+\s*(?:[:=;!?]|$)/gm) ?? []
    return { name: start[1] ?? '', line: lineAt(code, start.index), fields: fields.length }
  })
}

export function tooManyFields(
  tree: SourceTree,
): readonly { readonly path: string; readonly line: number; readonly why: string }[] {
  return sources(tree).flatMap((file) =>
    classSizes(file).flatMap(({ name, line, fields }) => {
      const isListed = Object.hasOwn(largeClasses, name)
      const most = isListed ? (largeClasses[name] ?? MOST_FIELDS) : MOST_FIELDS
      if (fields > most) return [{ path: file.path, line, why: `${name} has ${fields} private fields, not ${most}` }]
      const hasShrunk = isListed && fields < most
      const why = `${name} has ${fields} private fields by now: write it down in class-sizes.ts, or take it off at ${MOST_FIELDS}`
      return hasShrunk ? [{ path: file.path, line, why }] : []
    }),
  )
}

/** Names on the list that no class has any more. */
export function forgottenNames(tree: SourceTree): readonly string[] {
  const names = new Set(sources(tree).flatMap((file) => classSizes(file).map(({ name }) => name)))
  return Object.keys(largeClasses).filter((name) => !names.has(name))
}

function sources(tree: SourceTree): readonly SourceFile[] {
  return [...tree.values()].filter(({ path }) => path.startsWith('framework/') || path.startsWith('cli/'))
}
