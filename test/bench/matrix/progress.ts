/** Tells on stderr what has been measured, and how long the rest will take. */

export class Progress {
  #total: number
  readonly #write: (text: string) => void
  readonly #now: () => number
  #startedAt: number
  #done = 0

  constructor(total: number, write: (text: string) => void, now: () => number) {
    this.#total = total
    this.#write = write
    this.#now = now
    this.#startedAt = now()
  }

  /** The runs begin now: what came before says nothing about how long they will take. */
  begin(): void {
    this.#startedAt = this.#now()
  }

  /** A run is over. */
  step(workload: string, system: string, outcome: string): void {
    this.#done += 1
    const left = ((this.#now() - this.#startedAt) / this.#done) * (this.#total - this.#done)
    const count = `[${String(this.#done).padStart(String(this.#total).length)}/${this.#total}]`
    this.#write(`${count} ${workload.padEnd(12)} ${system.padEnd(13)} ${outcome}${remaining(left)}\n`)
  }

  /** So many runs will not be needed. */
  skip(runs: number): void {
    this.#total -= runs
  }

  note(text: string): void {
    this.#write(`${text}\n`)
  }
}

function remaining(ms: number): string {
  if (ms < 1_000) return ''
  return ms < 90_000 ? `  (about ${Math.round(ms / 1_000)} s left)` : `  (about ${Math.round(ms / 60_000)} min left)`
}
