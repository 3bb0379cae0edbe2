/** One word for one idea, and one spelling for one place: what DESIGN.md, section 3, says of both, as checks over the sources. */
import { lineAt } from './source-scan.ts'
import type { SourceTree } from './source-tree.ts'

interface Finding {
  readonly path: string
  readonly line: number
  readonly why: string
}

/** Words that once stood for an idea that has another one, where they did. Kafka's own words stay in `framework/kafka`. */
const bannedWords: readonly { readonly word: RegExp; readonly where: RegExp; readonly say: string }[] = [
  {
    word: /\bfence\b/g,
    where: /^framework\/(?!kafka\/)/,
    say: 'isCurrent: whether an assignment is the present one',
  },
  { word: /\b\w*lifecycle\w*\b/gi, where: /^(framework|cli)\//, say: 'shutdown, like the option' },
  {
    word: /\b(?:hold|unhold|held)(?:Of)?\b/gi,
    where: /^framework\/control-plane\/(?!shell\/)/,
    say: 'occupied of a shard, restraint of a handler; held is what intake is',
  },
]

export function bannedNames(tree: SourceTree): readonly Finding[] {
  return [...tree.values()].flatMap(({ path, code }) =>
    bannedWords
      .filter(({ where }) => where.test(path))
      .flatMap(({ word, say }) =>
        [...code.matchAll(word)].map(({ index, 0: found }) => ({
          path,
          line: lineAt(code, index),
          why: `${found}: say ${say}`,
        })),
      ),
  )
}

/** They write places, and nobody else does; with what they write. */
const writersOfPlaces: Readonly<Record<string, string>> = {
  'framework/model/record.ts': '`orders[2]@18`, `orders[2]`, the id of a record, and the key of a `Map`',
  'framework/dead-letters/selection.ts': '`2/18`, the argument of a command',
  'framework/kafka/javascript/membership-steps.ts': 'the key of a `Map`, with the id of a topic',
}
const place = /[[:/]\$\{[\w.]*\bpartition\}|\$\{[\w.]*\bpartition\}[\]/:@]|[/@]\$\{[\w.]*\boffset\}/g

export function placesSpelledByHand(tree: SourceTree): readonly Finding[] {
  return [...tree.values()]
    .filter(({ path }) => /^(framework|cli)\//.test(path) && !Object.hasOwn(writersOfPlaces, path))
    .flatMap(({ path, text }) =>
      [...text.matchAll(place)].map(({ index, 0: found }) => ({
        path,
        line: lineAt(text, index),
        why: `${found}: use partitionPlace, recordPlace or placeArgument`,
      })),
    )
}
