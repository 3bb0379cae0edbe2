/**
 * Reads a regular expression as far as its structure matters to how it is matched: what stands behind what, and what repeats. What one character
 * may be is asked of the engine itself, so no table of classes is kept. Runs no pattern on a text.
 */

/** What a pattern's characters are tried with: ASCII, what stands in the pattern, and a few from elsewhere. */
const SAMPLES = [
  ...Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)),
  'é',
  'ß',
  'Ж',
  '中',
  '\u2028',
  '😀',
]

export type PatternNode =
  /** One character of a class. */
  | { readonly kind: 'character'; readonly source: string }
  | { readonly kind: 'sequence'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly options: readonly PatternNode[] }
  | { readonly kind: 'repeat'; readonly part: PatternNode; readonly least: number; readonly most: number }
  /** A look around: matched by itself, and takes no character. */
  | { readonly kind: 'look'; readonly part: PatternNode }
  | { readonly kind: 'start' | 'end' }
  /** What a group has matched, once more: nothing is known of it here. */
  | { readonly kind: 'reference' }
  | { readonly kind: 'nothing' }

/** @param pattern one that compiles with the flag `u` */
export function readPattern(pattern: string): PatternNode {
  return new PatternReader(pattern).choice()
}

/** The samples that a character of the pattern may be. */
export function samplesOf(source: string, pattern: string): ReadonlySet<string> {
  const one = new RegExp(`^(?:${source})$`, 'u')
  return new Set([...SAMPLES, ...pattern].filter((sample) => one.test(sample)))
}

class PatternReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  choice(): PatternNode {
    const options = [this.#sequence()]
    while (this.#take('|')) options.push(this.#sequence())
    return options.length === 1 ? (options[0] as PatternNode) : { kind: 'choice', options }
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = []
    while (this.#at < this.#text.length && !'|)'.includes(this.#text[this.#at] ?? '')) parts.push(this.#repeated())
    return { kind: 'sequence', parts }
  }

  #repeated(): PatternNode {
    const part = this.#atom()
    const found = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/.exec(this.#text.slice(this.#at))
    if (found === null) return part
    this.#at += found[0].length
    const [, sign, from, comma, to] = found
    if (sign !== undefined)
      return { kind: 'repeat', part, least: sign === '+' ? 1 : 0, most: sign === '?' ? 1 : Infinity }
    const least = Number(from)
    return { kind: 'repeat', part, least, most: comma === '' ? least : to === '' ? Infinity : Number(to) }
  }

  #atom(): PatternNode {
    if (this.#take('^')) return { kind: 'start' }
    if (this.#take('\\b') || this.#take('\\B')) return { kind: 'nothing' }
    if (this.#take('$')) return { kind: 'end' }
    if (this.#take('(')) return this.#group()
    const rest = this.#text.slice(this.#at)
    const reference = /^\\(?:[1-9]\d*|k<[^>]*>)/.exec(rest)
    if (reference !== null) {
      this.#at += reference[0].length
      return { kind: 'reference' }
    }
    const source =
      (/^\[(?:\\.|[^\]\\])*\]|^\\(?:[pP]\{[^}]*\}|u\{[^}]*\}|u[\da-fA-F]{4}|x[\da-fA-F]{2}|c.|.)|^./su.exec(rest) ?? [
        '',
      ])[0]
    this.#at += source.length
    return { kind: 'character', source }
  }

  #group(): PatternNode {
    const look = /^\?<?[=!]/.exec(this.#text.slice(this.#at))
    const prefix = look ?? /^\?(?::|<[^>]*>)/.exec(this.#text.slice(this.#at))
    this.#at += prefix?.[0].length ?? 0
    const part = this.choice()
    this.#take(')')
    return look === null ? part : { kind: 'look', part }
  }

  #take(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false
    this.#at += text.length
    return true
  }
}
