/** Whether who asks has the token. Compares digests in constant time, and looks at no more than 20 wrong ones a minute from one address. */
import { createHash, timingSafeEqual } from 'node:crypto'

export type TokenVerdict = 'right' | 'none' | 'wrong' | 'too-many'

const MAX_WRONG = 20
const WINDOW_MS = 60_000
/** Addresses that are counted apart; what comes from any other counts as one. */
const MAX_ADDRESSES = 1_000
const OTHERS = ''

interface Wrong {
  readonly since: number
  count: number
}

export class TokenCheck {
  readonly #digest: Buffer
  readonly #now: () => number
  /** By address, the one that began first in front. */
  readonly #wrong = new Map<string, Wrong>()

  /** @param now milliseconds */
  constructor(token: string, now: () => number) {
    this.#digest = digestOf(token)
    this.#now = now
  }

  /**
   * @param authorization the header, as it came
   * @param from the address of the socket. Never a header: who guesses could write another one each time
   */
  check(authorization: string | undefined, from: string): TokenVerdict {
    if (authorization === undefined) return 'none'
    this.#forget()
    const key = this.#wrong.has(from) || this.#wrong.size < MAX_ADDRESSES ? from : OTHERS
    const wrong = this.#wrong.get(key)
    // Not compared at all: an answer to the twenty-first guess would be one more.
    if (wrong !== undefined && wrong.count >= MAX_WRONG) return 'too-many'
    const token = /^bearer +(\S+) *$/i.exec(authorization)?.[1]
    if (token !== undefined && timingSafeEqual(digestOf(token), this.#digest)) return 'right'
    if (wrong === undefined) this.#wrong.set(key, { since: this.#now(), count: 1 })
    else wrong.count += 1
    return 'wrong'
  }

  #forget(): void {
    const before = this.#now() - WINDOW_MS
    for (const [key, { since }] of this.#wrong) {
      if (since > before) return
      this.#wrong.delete(key)
    }
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
