/** Lets few transactional calls run at once in this process: each holds one of libuv's four threads, on which records are fetched, too. */
const AT_ONCE = 2

export class TransactionTurns {
  #free = AT_ONCE
  readonly #waiting: (() => void)[] = []

  async take<T>(work: () => Promise<T>): Promise<T> {
    const giveBack = await this.begin()
    try {
      return await work()
    } finally {
      giveBack()
    }
  }

  /** Settles when a turn has come. @returns what ends it, to be called once */
  async begin(): Promise<() => void> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    return () => {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }
}

/** Of all connections: the threads are the process's. */
export const transactionTurns = new TransactionTurns()
