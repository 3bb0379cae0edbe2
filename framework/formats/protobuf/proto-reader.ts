/** Goes through the tokens of a `.proto` file: what comes next, and what must come. Knows no statement. */
import { cutText, harmless } from '../../model/plain-text.ts'
import { type ProtoToken, protoTokens } from './proto-tokens.ts'

const END: ProtoToken = { kind: 'end', text: '', line: 1, above: '', behind: '' }
const MOST_SHOWN = 60

export class ProtoReader {
  readonly #tokens: readonly ProtoToken[]
  #at = 0

  /** @throws Error with the line, as do all below */
  constructor(source: string) {
    this.#tokens = protoTokens(source)
  }

  get isAtEnd(): boolean {
    return this.next.kind === 'end'
  }

  get next(): ProtoToken {
    return this.#tokens[this.#at] ?? END
  }

  /** The one before. */
  get last(): ProtoToken {
    return this.#tokens[this.#at - 1] ?? END
  }

  /** Whether the token after the next one is that sign. */
  isFollowedBy(sign: string): boolean {
    const token = this.#tokens[this.#at + 1]
    return token?.kind === 'sign' && token.text === sign
  }

  take(): ProtoToken {
    const token = this.next
    if (token.kind === 'end') throw this.fault('the text ends in the middle of something')
    this.#at += 1
    return token
  }

  /** Takes it, if it comes next. */
  takes(text: string): boolean {
    const { kind, text: there } = this.next
    if (there !== text || (kind !== 'sign' && kind !== 'name')) return false
    this.#at += 1
    return true
  }

  must(text: string): void {
    if (!this.takes(text)) throw this.fault(`${this.#shown} stands where ${JSON.stringify(text)} is wanted`)
  }

  name(what: string): string {
    if (this.next.kind !== 'name') throw this.fault(`${this.#shown} stands where ${what} is wanted`)
    return this.take().text
  }

  /** With dots in it, and maybe in front. */
  dottedName(what: string): string {
    let name = this.takes('.') ? '.' : ''
    name += this.name(what)
    while (this.takes('.')) name += `.${this.name(what)}`
    return name
  }

  /** Texts that stand behind each other are one. One character for each byte. */
  bytes(what: string): string {
    if (this.next.kind !== 'text') throw this.fault(`${this.#shown} stands where ${what} is wanted`)
    let text = ''
    while (this.next.kind === 'text') text += this.take().text
    return text
  }

  text(what: string): string {
    return Buffer.from(this.bytes(what), 'latin1').toString('utf8')
  }

  /** Within the bounds, which belong to them. */
  whole(what: string, min: number, max: number): number {
    const isNegative = this.takes('-')
    const { kind, text } = this.next
    const value = kind === 'number' ? wholeOf(text) : undefined
    if (value === undefined) throw this.fault(`${this.#shown} stands where a ${what} is wanted`)
    const signed = isNegative ? -value : value
    if (signed < min || signed > max) throw this.fault(`${signed} is no ${what}`)
    this.take()
    return Number(signed)
  }

  /** Passes over what stands in brackets, all that are in it included. The opening one was taken. */
  skipBlock(): void {
    for (let depth = 1; depth > 0; ) {
      const { kind, text } = this.take()
      if (kind !== 'sign') continue
      if (text === '{' || text === '[') depth += 1
      if (text === '}' || text === ']') depth -= 1
    }
  }

  fault(why: string): Error {
    return new Error(`line ${this.next.line}: ${why}`)
  }

  get #shown(): string {
    const { kind, text } = this.next
    return kind === 'end' ? 'the end of the text' : JSON.stringify(harmless(cutText(text, MOST_SHOWN)))
  }
}

/** `undefined` where it is written as none. */
export function wholeOf(text: string): bigint | undefined {
  if (/^0[0-7]+$/.test(text)) return BigInt(`0o${text.slice(1)}`)
  return /^(?:0[xX][0-9a-fA-F]+|\d+)$/.test(text) && !/^0\d/.test(text) ? BigInt(text) : undefined
}
