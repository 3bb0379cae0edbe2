/** Listens to SIGINT, SIGTERM and SIGHUP (the terminal was closed): the first asks to stop, the second does not wait. */

export interface StopSignals {
  /** Settles with the first signal. */
  readonly first: Promise<NodeJS.Signals>
  /** Called with the second one. Before it is set, a second signal ends the process at once. */
  onSecond: (signal: NodeJS.Signals) => void
  /** As if the signal had come: for a key. */
  raise(signal: NodeJS.Signals): void
  close(): void
}

const exitCodes: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }
const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Of whoever listens now. */
let stopUnlessStopping: (() => void) | undefined

/** As the first signal would, but never as the second one: for an output that nobody reads any more. @returns false when nobody listens */
export function askToStop(): boolean {
  stopUnlessStopping?.()
  return stopUnlessStopping !== undefined
}

export function listenToStopSignals(): StopSignals {
  let report: (signal: NodeJS.Signals) => void = () => {}
  const first = new Promise<NodeJS.Signals>((resolve) => {
    report = resolve
  })
  let count = 0
  const listener = (signal: NodeJS.Signals) => {
    count++
    if (count === 1) report(signal)
    else {
      signals.onSecond(signal)
      process.exit(exitCodes[signal] ?? 1)
    }
  }
  const signals: StopSignals = {
    first,
    onSecond: () => {},
    raise: (signal) => listener(signal),
    close() {
      stopUnlessStopping = undefined
      for (const signal of stopSignals) process.off(signal, listener)
    },
  }
  for (const signal of stopSignals) process.on(signal, listener)
  stopUnlessStopping = () => {
    if (count === 0) listener('SIGTERM')
  }
  return signals
}
