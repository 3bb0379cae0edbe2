/** A page for operators that is made at most every 250 ms, and shared by all who ask meanwhile. Knows no HTTP. */

export interface Page {
  readonly status: number
  readonly contentType: string
  /** One buffer for all who are sent it. */
  readonly body: Buffer
}

/** A page in use by somebody who must say when he has done with it. */
export interface LentPage {
  readonly page: Page
  giveBack(): void
}

const FRESH_MS = 250
/** So many pages of a kind are in memory at most: those who take theirs slowly hold old ones. Beyond it, all get the newest there is. */
const MAX_HELD = 4

interface Made {
  readonly at: number
  readonly page: Promise<Page>
  users: number
}

export class SharedPage {
  readonly #make: () => Promise<Page>
  readonly #now: () => number
  /** The newest last. */
  #made: Made[] = []

  /**
   * @param make must not reject
   * @param now milliseconds
   */
  constructor(make: () => Promise<Page>, now: () => number) {
    this.#make = make
    this.#now = now
  }

  async lend(): Promise<LentPage> {
    const made = this.#newest()
    made.users += 1
    const page = await made.page
    return {
      page,
      giveBack: () => {
        made.users -= 1
      },
    }
  }

  #newest(): Made {
    const now = this.#now()
    const newest = this.#made.at(-1)
    this.#made = this.#made.filter((each) => each.users > 0 || each === newest)
    if (newest !== undefined && (now - newest.at < FRESH_MS || this.#made.length >= MAX_HELD)) return newest
    const made = { at: now, page: this.#make(), users: 0 }
    // Nobody has the one before any more, or he is counted.
    this.#made = [...this.#made.filter((each) => each.users > 0), made]
    return made
  }
}
