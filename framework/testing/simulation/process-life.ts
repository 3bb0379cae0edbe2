/** How long a simulated process lives: what goes on in it asks. */

/** Whoever waits for a dead process waits for ever. One for each: what hangs on it is collected with it. */
export function forever(): Promise<never> {
  return new Promise(() => {})
}

export interface ProcessLife {
  readonly isDead: boolean
  /** Settles after a time of the simulation's choice. */
  travel(): Promise<void>
  note(text: string): void
}
