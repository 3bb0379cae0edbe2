/** Reads source text just well enough for the architecture rules: blanks comments and strings, finds imports. No parser, no types, no dependency. */

export interface ModuleReference {
  readonly specifier: string
  /** `type` is erased; `static` runs when the file is loaded; `dynamic` runs when the line is reached. */
  readonly kind: 'type' | 'static' | 'dynamic'
  readonly line: number
}

export interface SourceFile {
  /** Relative to the checkout, with `/`. */
  readonly path: string
  readonly text: string
  /** The text with comments, string contents, template text and regular expressions as blanks: same length, same lines. */
  readonly code: string
  readonly references: readonly ModuleReference[]
}

export function scanSource(path: string, text: string): SourceFile {
  const code = blankLiterals(text)
  return { path, text, code, references: findReferences(text, code) }
}

/** 1 for the first line. */
export function lineAt(text: string, index: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < index; at = text.indexOf('\n', at + 1)) line++
  return line
}

const fromClause = /\b(?:import|export)(\s+type\b(?!\s*,|\s+from\b))?\s*[\w$\s,*{}]*?\bfrom\s*(['"])/g
const bareImport = /\bimport\s*(['"])/g
const call = /\b(?:import|require|import\.meta\.resolve)\s*\(\s*(['"`])/g

function findReferences(text: string, code: string): readonly ModuleReference[] {
  const references: (ModuleReference & { readonly index: number })[] = []
  const add = (match: RegExpExecArray, kind: ModuleReference['kind']) => {
    const start = match.index + match[0].length
    const end = code.indexOf(code.charAt(start - 1), start)
    references.push({ specifier: text.slice(start, end), kind, line: lineAt(text, start), index: start })
  }
  for (const match of code.matchAll(fromClause)) add(match, match[1] === undefined ? 'static' : 'type')
  for (const match of code.matchAll(bareImport)) add(match, 'static')
  for (const match of code.matchAll(call)) add(match, 'dynamic')
  return references.sort((a, b) => a.index - b.index).map(({ index: _, ...reference }) => reference)
}

/** A `/` after one of these starts a regular expression; after anything else it divides. Straight after a `<` it ends an element of JSX. */
const beforeRegExp = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|void|await|yield))\s*$/

export function blankLiterals(text: string): string {
  let out = ''
  let at = 0
  /** For each template that is open: how many braces are open inside its `${`. */
  const templates: number[] = []
  const keep = (count: number) => {
    out += text.slice(at, at + count)
    at += count
  }
  const blankTo = (end: number) => {
    out += text.slice(at, end).replace(/[^\n]/g, ' ')
    at = end
  }
  const templateText = () => {
    const end = templateTextEnd(text, at)
    blankTo(end)
    if (text[end] === '`') {
      keep(1)
      templates.pop()
    } else keep(2)
  }
  while (at < text.length) {
    const char = text.charAt(at)
    const depth = templates.at(-1)
    if (text.startsWith('//', at)) blankTo(endOr(text, text.indexOf('\n', at)))
    else if (text.startsWith('/*', at)) blankTo(endOr(text, text.indexOf('*/', at + 2), 2))
    else if (char === "'" || char === '"') {
      const end = quotedEnd(text, at + 1, char)
      keep(1)
      blankTo(end)
      keep(1)
    } else if (char === '`') {
      keep(1)
      templates.push(0)
      templateText()
    } else if (char === '/' && !out.endsWith('<') && beforeRegExp.test(out.slice(-40))) {
      keep(1)
      blankTo(regExpEnd(text, at))
      keep(1)
    } else if (char === '}' && depth === 0) {
      keep(1)
      templateText()
    } else {
      if (depth !== undefined && char === '{') templates[templates.length - 1] = depth + 1
      if (depth !== undefined && char === '}') templates[templates.length - 1] = depth - 1
      keep(1)
    }
  }
  return out
}

function endOr(text: string, found: number, extra = 0): number {
  return found === -1 ? text.length : found + extra
}

function quotedEnd(text: string, from: number, quote: string): number {
  let at = from
  while (at < text.length && text[at] !== quote && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1
  return Math.min(at, text.length)
}

/** The index of the closing backtick or of the next `${`. */
function templateTextEnd(text: string, from: number): number {
  let at = from
  while (at < text.length && text[at] !== '`' && !text.startsWith('${', at)) at += text[at] === '\\' ? 2 : 1
  return Math.min(at, text.length)
}

function regExpEnd(text: string, from: number): number {
  let inClass = false
  let at = from
  while (at < text.length && text[at] !== '\n' && (inClass || text[at] !== '/')) {
    if (text[at] === '\\') at++
    else if (text[at] === '[') inClass = true
    else if (text[at] === ']') inClass = false
    at++
  }
  return Math.min(at, text.length)
}
