/** Listens to SIGINT and SIGTERM: the first asks to stop, the second does not wait. */

export interface StopSignals {
  /** Settles with the first signal. */
  readonly first: Promise<NodeJS.Signals>
  /** Called with the second one. Before it is set, a second signal ends the process at once. */
  onSecond: (signal: NodeJS.Signals) => void
  /** As if the signal had come: for a key. */
  raise(signal: NodeJS.Signals): void
  close(): void
}

const exitCodes: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 130, SIGTERM: 143 }

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
      process.off('SIGINT', listener)
      process.off('SIGTERM', listener)
    },
  }
  process.on('SIGINT', listener)
  process.on('SIGTERM', listener)
  return signals
}
