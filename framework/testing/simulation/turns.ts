/** Turns of the event loop that somebody has asked for: time may go on once there are none. Knows whoever asks while it is taken over. */
import { promisify } from 'node:util'

/** A loop that asks for a turn in each turn would keep time from going on for ever. */
const MOST_TURNS = 1_000

export interface TurnFunctions {
  readonly setImmediate: unknown
  readonly clearImmediate: unknown
}

export class Turns {
  readonly #set: typeof setImmediate
  readonly #clear: typeof clearImmediate
  readonly #asked = new Set<unknown>()

  /** With the machine's own functions. */
  constructor(set: typeof setImmediate, clear: typeof clearImmediate) {
    this.#set = set
    this.#clear = clear
  }

  /** To be put in the places of those. */
  get functions(): TurnFunctions {
    const set = (run: (...args: unknown[]) => void, ...args: unknown[]): NodeJS.Immediate => {
      const handle = this.#set(() => {
        this.#asked.delete(handle)
        run(...args)
      })
      this.#asked.add(handle)
      return handle
    }
    const clear = (handle: NodeJS.Immediate | undefined): void => {
      this.#asked.delete(handle)
      this.#clear(handle)
    }
    return { setImmediate: Object.assign(set, { [promisify.custom]: this.sleep }), clearImmediate: clear }
  }

  /** As `setImmediate` of `node:timers/promises`. */
  readonly sleep = <T>(value?: T): Promise<T | undefined> =>
    new Promise((resolve) => {
      const handle = this.#set(() => {
        this.#asked.delete(handle)
        resolve(value)
      })
      this.#asked.add(handle)
    })

  /** Settles when everything has happened that can happen without time going on. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < MOST_TURNS; turn += 1) {
      await new Promise<void>((resolve) => this.#set(resolve))
      if (this.#asked.size === 0) return
    }
  }
}
