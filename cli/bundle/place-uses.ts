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

/** In every use, and in few lines. */
const mark = /__dirname|__filename|import\.meta|import\(|require|globRequire|globImport/g

/** @param code one output of a bundle, in which esbuild has written above each module which file it is of */
export function placeUses(code: string, isInput: (path: string) => boolean): readonly PlaceUse[] {
  const found = new Map<string, PlaceUse>()
  mark.lastIndex = 0
  // Line by line would take five times as long.
  for (let hit = mark.exec(code); hit !== null; hit = mark.exec(code)) {
    const start = code.lastIndexOf('\n', hit.index) + 1
    const end = (code.indexOf('\n', hit.index) + 1 || code.length + 1) - 1
    mark.lastIndex = end
    const what = code.startsWith('// ', start) ? undefined : useIn(code.slice(start, end))
    const input = what === undefined ? undefined : inputAbove(code, start, isInput)
    if (what !== undefined && input !== undefined && !found.has(input)) found.set(input, { input, what })
  }
  return [...found.values()]
}

/** The file that the code at a place is of. */
function inputAbove(code: string, place: number, isInput: (path: string) => boolean): string | undefined {
  for (let at = place; at > 0; ) {
    const start = at < 4 ? -1 : code.lastIndexOf('\n// ', at - 4)
    // The first line has no line end before it.
    const from = start < 0 ? (code.startsWith('// ') ? 3 : -1) : start + 4
    if (from < 0) return undefined
    const path = code.slice(from, code.indexOf('\n', from))
    if (isInput(path)) return path
    at = start
  }
  return undefined
}

function useIn(line: string): string | undefined {
  for (const pattern of uses) {
    const what = pattern.exec(line)?.[1]
    if (what !== undefined) return what
  }
  return computed.find(([pattern]) => pattern.test(line))?.[1]
}
