/** How many records of one partition are in memory, and at which step. Synchronous. */
export class PartitionLoad {
  #records = 0
  #bytes = 0
  #inFlight = 0
  #deadLetters = 0
  #retriesWaiting = 0
  #delayed = 0
  #parked = 0

  /** Incomplete records in memory. */
  get records(): number {
    return this.#records
  }

  /** Their bytes, as the limits count them. */
  get bytes(): number {
    return this.#bytes
  }

  /** Records that an engine is at work on. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Records whose dead letter is not acknowledged yet. */
  get deadLetters(): number {
    return this.#deadLetters
  }

  /** Records that wait for their next attempt. */
  get retriesWaiting(): number {
    return this.#retriesWaiting
  }

  /** Records that wait for their time. */
  get delayed(): number {
    return this.#delayed
  }

  /** Records that are out of attempts, until somebody or a limit decides. */
  get parked(): number {
    return this.#parked
  }

  /** Records that could start as far as nothing but order holds them back. */
  get queued(): number {
    const idle = this.#retriesWaiting + this.#delayed + this.#parked + this.#deadLetters
    return this.#records - this.#inFlight - idle
  }

  /** Records that an engine is at work on, or whose dead letter is not acknowledged yet. */
  get unsettled(): number {
    return this.#inFlight + this.#deadLetters
  }

  received(bytes: number): void {
    this.#records += 1
    this.#bytes += bytes
  }

  completed(bytes: number): void {
    this.#records -= 1
    this.#bytes -= bytes
  }

  started(): void {
    this.#inFlight += 1
  }

  /** Whatever came of them. */
  ended(records: number): void {
    this.#inFlight -= records
  }

  retryBegan(): void {
    this.#retriesWaiting += 1
  }

  retryEnded(): void {
    this.#retriesWaiting -= 1
  }

  delayBegan(): void {
    this.#delayed += 1
  }

  delayEnded(): void {
    this.#delayed -= 1
  }

  parkBegan(): void {
    this.#parked += 1
  }

  parkEnded(): void {
    this.#parked -= 1
  }

  deadLetterBegan(): void {
    this.#deadLetters += 1
  }

  deadLetterEnded(): void {
    this.#deadLetters -= 1
  }
}
