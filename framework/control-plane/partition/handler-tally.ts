/** Whether a handler gets anything done at present: counted over all partitions that this process has of its topic. Decides nothing. */
export interface HandlerTally {
  /** Records that it has handled. Filtered ones say nothing. */
  successes: number
  /** Batches of several records that have failed as a whole since the last success. */
  wholeFailures: number
  /** What its attempts have taken that have ended, whatever came of them. Milliseconds. */
  busyMs: number
}

export function emptyTally(): HandlerTally {
  return { successes: 0, wholeFailures: 0, busyMs: 0 }
}
