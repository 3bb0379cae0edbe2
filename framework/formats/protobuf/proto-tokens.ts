/** Cuts the text of a `.proto` file into its tokens, with the comments that belong to them. */
import { harmless } from '../../model/plain-text.ts'

export interface ProtoToken {
  readonly kind: 'name' | 'number' | 'text' | 'sign' | 'end'
  /** Of a text: without its quotes and escapes, one character for each byte of its UTF-8. */
  readonly text: string
  /** From 1 on. */
  readonly line: number
  /** What stands right above it. */
  readonly above: string
  /** What stands behind it in its line. */
  behind: string
}

/** @throws Error with the line */
export function protoTokens(source: string): readonly ProtoToken[] {
  const tokens: ProtoToken[] = []
  let line = 1
  let at = 0
  let above: Comment | undefined
  while (at < source.length) {
    form.lastIndex = at
    const groups = form.exec(source)?.groups
    const found = groups === undefined ? undefined : Object.entries(groups).find(([, text]) => text !== undefined)
    if (found === undefined) throw new Error(`line ${line}: ${shown(source.slice(at, at + 1))} stands where it cannot`)
    const [kind, text = ''] = found
    at += text.length
    const from = line
    line += text.split('\n').length - 1
    if (kind === 'space') continue
    if (kind === 'comment') {
      const said = uncommented(text)
      const previous = tokens.at(-1)
      if (previous?.line === from) previous.behind = joined(previous.behind, said)
      else if (above !== undefined && from <= above.line + 1) above = { said: joined(above.said, said), line }
      else above = { said, line }
      continue
    }
    const said = above !== undefined && from <= above.line + 1 ? above.said : ''
    above = undefined
    tokens.push({
      kind: kind as ProtoToken['kind'],
      text: kind === 'text' ? unquoted(text, from) : text,
      line: from,
      above: said,
      behind: '',
    })
  }
  tokens.push({ kind: 'end', text: '', line, above: '', behind: '' })
  return tokens
}

interface Comment {
  readonly said: string
  /** Where it ends. */
  readonly line: number
}

const form =
  /(?<space>[\s\uFEFF]+)|(?<comment>\/\/[^\n]*|\/\*[\s\S]*?\*\/)|(?<number>\.?\d(?:[eE][+-]?|[\w.])*)|(?<name>[A-Za-z_]\w*)|(?<text>"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*')|(?<sign>[;:,.=(){}[\]<>/+-])/y

function uncommented(text: string): string {
  const lines = text.startsWith('//')
    ? [text.replace(/^\/\/+/, '')]
    : text
        .slice(2, -2)
        .split('\n')
        .map((each, index) => (index === 0 ? each.replace(/^\*+/, '') : each.replace(/^\s*\*+(?!\/)/, '')))
  return lines
    .map((each) => each.trim())
    .join('\n')
    .trim()
}

function joined(before: string, next: string): string {
  return before === '' ? next : `${before}\n${next}`
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '?': '?',
}

function unquoted(text: string, line: number): string {
  const inner = text.slice(1, -1)
  return inner.replace(
    /\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))|[^\\]+/g,
    (all: string, octal?: string, hex?: string, short?: string, long?: string, plain?: string) => {
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 255)
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
      const point = Number.parseInt(short ?? long ?? '', 16)
      if (point <= 0x10_ff_ff) return bytesOf(String.fromCodePoint(point))
      if (plain === undefined && short === undefined && long === undefined) return bytesOf(all)
      const escaped = plain === undefined ? undefined : escapes[plain]
      if (escaped === undefined) throw new Error(`line ${line}: ${shown(all)} is no escape`)
      return escaped
    },
  )
}

function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

function shown(text: string): string {
  return JSON.stringify(harmless(text))
}
