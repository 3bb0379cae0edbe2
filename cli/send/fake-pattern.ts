/** Makes texts that match a regular expression: enough of its language for the patterns that people write into schemas. Pure. */

/** Repetitions of `*`, `+` and `{n,}` beyond their least. */
const MORE = 4

/**
 * A text that most likely matches; whoever needs to be sure checks it. Look-arounds and back references are passed over.
 * @param random from 0 up to, not including, 1
 */
export function fakePattern(pattern: string, random: () => number): string {
  return new Sampler(pattern, random).alternatives()
}

class Sampler {
  readonly #pattern: string
  readonly #random: () => number
  #at = 0

  constructor(pattern: string, random: () => number) {
    this.#pattern = pattern
    this.#random = random
  }

  /** `a|b|c`, up to the closing parenthesis or the end. */
  alternatives(): string {
    const texts = [this.#sequence()]
    while (this.#peek() === '|') {
      this.#at++
      texts.push(this.#sequence())
    }
    return texts[this.#below(texts.length)] ?? ''
  }

  #sequence(): string {
    let text = ''
    while (this.#at < this.#pattern.length && this.#peek() !== '|' && this.#peek() !== ')') text += this.#repeated()
    return text
  }

  /** One atom, as often as its quantifier says; each time made anew. */
  #repeated(): string {
    const start = this.#at
    const first = this.#atom()
    const { least, most } = this.#quantifier()
    const end = this.#at
    const times = least + this.#below(most - least + 1)
    if (times === 0) return ''
    let text = first
    for (let count = 1; count < times; count++) {
      this.#at = start
      text += this.#atom()
    }
    this.#at = end
    return text
  }

  #atom(): string {
    const sign = this.#pattern[this.#at++] ?? ''
    switch (sign) {
      case '^':
      case '$':
        return ''
      case '.':
        return this.#one(letters)
      case '\\':
        return this.#escaped(this.#pattern[this.#at++] ?? '')
      case '[':
        return this.#one(this.#characterClass())
      case '(':
        return this.#group()
      default:
        return sign
    }
  }

  #group(): string {
    const lookAround = /^\?<?[=!]/.test(this.#pattern.slice(this.#at, this.#at + 3))
    const prefix = /^\?(?::|<?[=!]|<\w+>)/.exec(this.#pattern.slice(this.#at))
    this.#at += prefix?.[0].length ?? 0
    const text = this.alternatives()
    this.#at++
    return lookAround ? '' : text
  }

  #escaped(sign: string): string {
    const known = classes[sign]
    if (known !== undefined) return this.#one(known)
    if (sign === 'b' || sign === 'B') return ''
    return sign
  }

  /** Inside of `[...]`: all that it allows, of what can be printed. */
  #characterClass(): string {
    const isNegated = this.#peek() === '^'
    if (isNegated) this.#at++
    let allowed = ''
    while (this.#at < this.#pattern.length && this.#peek() !== ']') {
      const sign = this.#pattern[this.#at++] ?? ''
      if (sign === '\\') {
        const escaped = this.#pattern[this.#at++] ?? ''
        allowed += classes[escaped] ?? escaped
      } else if (this.#peek() === '-' && this.#pattern[this.#at + 1] !== ']') {
        const last = this.#pattern[this.#at + 1] ?? sign
        this.#at += 2
        allowed += range(sign, last)
      } else allowed += sign
    }
    this.#at++
    return isNegated ? [...printable].filter((each) => !allowed.includes(each)).join('') : allowed
  }

  #quantifier(): { readonly least: number; readonly most: number } {
    const [text, sign, from, comma, to] = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/.exec(this.#pattern.slice(this.#at)) ?? []
    if (text === undefined) return { least: 1, most: 1 }
    this.#at += text.length
    if (sign === '?') return { least: 0, most: 1 }
    if (sign !== undefined) return { least: sign === '+' ? 1 : 0, most: (sign === '+' ? 1 : 0) + MORE }
    const least = Number(from)
    if (comma !== ',') return { least, most: least }
    return { least, most: to === '' ? least + MORE : Number(to) }
  }

  #peek(): string | undefined {
    return this.#pattern[this.#at]
  }

  #one(characters: string): string {
    return characters[this.#below(characters.length)] ?? ''
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }
}

function range(first: string, last: string): string {
  let text = ''
  for (let code = first.charCodeAt(0); code <= last.charCodeAt(0); code++) text += String.fromCharCode(code)
  return text
}

const letters = range('a', 'z')
const digits = range('0', '9')
const printable = range(' ', '~')
const word = `${letters}${range('A', 'Z')}${digits}_`
const classes: Readonly<Record<string, string>> = {
  d: digits,
  D: letters,
  w: word,
  W: '-.!/',
  s: ' ',
  S: word,
  n: '\n',
  t: '\t',
}
