/** An output that can be held back while something else has the terminal, and loses nothing that anybody could still read. */
import type { Output } from './io.ts'

/** Texts that are kept while it is held; the oldest go first. */
const MOST_HELD = 2_000

export class HeldOutput implements Output {
  readonly #output: Output
  #held: string[] | undefined
  #dropped = 0

  constructor(output: Output) {
    this.#output = output
  }

  get isTTY(): boolean {
    return this.#output.isTTY === true
  }

  write(text: string): void {
    if (this.#held === undefined) {
      this.#output.write(text)
      return
    }
    this.#held.push(text)
    if (this.#held.length <= MOST_HELD) return
    this.#held.shift()
    this.#dropped++
  }

  hold(): void {
    this.#held ??= []
  }

  release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    if (this.#dropped > 0) this.#output.write(`  … ${this.#dropped} lines left out\n`)
    this.#dropped = 0
    if (held.length > 0) this.#output.write(held.join(''))
  }
}
