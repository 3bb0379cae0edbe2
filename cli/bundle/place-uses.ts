/**
 * Finds code that depends on where its file stands, or on files that no bundler can know. In a bundle it stands elsewhere, alone. Looks at what was
 * bundled and not at sources: comments, and code that nothing imports, are gone from that. Pure.
 */

export interface PlaceUse {
  /** As esbuild names it: relative to the project, with `/`. */
  readonly input: string
  /** As it is written: `__dirname`. */
  readonly what: string
}

const uses = [
  /(?<![\w$.])(__dirname|__filename)\b/,
  /(?<![\w$.])(import\.meta\.(?:url|dirname|filename|resolve))\b/,
  /(?<![\w$.])(?:__)?(require\.resolve)\(/,
]
/** `require(name)`: esbuild has taken those away whose path it knows. What it took for a pattern lacks what that does not match. */
const computed = [
  [/(?<![\w$.])(?:__)?require\((?!\s*["'`)])/, 'require(...)'],
  [/(?<![\w$.])import\((?!\s*["'`)])/, 'import(...)'],
  [/(?<![\w$.])globRequire\w*\(/, 'require(...)'],
  [/(?<![\w$.])globImport\w*\(/, 'import(...)'],
] as const

/** In every use, and in few lines: to look for one word of many is a tenth of looking for each use. */
const mark = /__dirname|__filename|import\.meta|import\(|require|globRequire|globImport/

/** @param code one output of a bundle, in which esbuild has written above each module which file it is of */
export function placeUses(code: string, isInput: (path: string) => boolean): readonly PlaceUse[] {
  const found = new Map<string, PlaceUse>()
  let input: string | undefined
  for (const line of code.split('\n')) {
    if (line.startsWith('// ')) {
      const path = line.slice(3)
      if (isInput(path)) input = path
    } else if (input !== undefined && mark.test(line) && !found.has(input)) {
      const what = useIn(line)
      if (what !== undefined) found.set(input, { input, what })
    }
  }
  return [...found.values()]
}

function useIn(line: string): string | undefined {
  for (const pattern of uses) {
    const what = pattern.exec(line)?.[1]
    if (what !== undefined) return what
  }
  return computed.find(([pattern]) => pattern.test(line))?.[1]
}
