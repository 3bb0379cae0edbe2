/**
 * Listens to SIGINT, SIGTERM and SIGHUP (the terminal was closed): the first asks to stop, the second does not wait.
 *
 * One request may come as two signals: `timeout 60 node server.mjs` signals the process and then its group; npm hands on what the terminal has sent
 * to both already; systemd may send SIGHUP beside SIGTERM. So what comes within half a second of the first one is no second request.
 */

export interface StopSignals {
  /** Settles with the first signal. */
  readonly first: Promise<NodeJS.Signals>
  /** Called with the second one. Before it is set, a second signal ends the process at once. */
  onSecond: (signal: NodeJS.Signals) => void
  /** As if the signal had come: for a key. A key is never pressed for somebody else, so each press counts. */
  raise(signal: NodeJS.Signals): void
  close(): void
}

interface StopSignalsParts {
  /** In milliseconds. */
  readonly now: () => number
  readonly exit: (code: number) => void
}

const exitCodes: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }
const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const SAME_REQUEST_MS = 500

/** Of whoever listens now. */
let stopUnlessStopping: (() => void) | undefined

/** As the first signal would, but never as the second one: for an output that nobody reads any more. @returns false when nobody listens */
export function askToStop(): boolean {
  stopUnlessStopping?.()
  return stopUnlessStopping !== undefined
}

/**
 * For the time in which code is still imported: nothing has begun, so a signal ends the process as a stop in order does, with 0. Without it, the
 * kernel would drop the signal of a container's first process, and end any other one with the signal's own code. Whoever listens takes over.
 */
export function endOnStopSignals(): void {
  for (const signal of stopSignals) process.on(signal, endInOrder)
}

function endInOrder(): void {
  process.exit(0)
}

export function listenToStopSignals(parts: Partial<StopSignalsParts> = {}): StopSignals {
  const { now = () => performance.now(), exit = (code) => process.exit(code) } = parts
  let report: (signal: NodeJS.Signals) => void = () => {}
  const first = new Promise<NodeJS.Signals>((resolve) => {
    report = resolve
  })
  let askedAt: number | undefined
  const request = (signal: NodeJS.Signals) => {
    if (askedAt === undefined) {
      askedAt = now()
      report(signal)
      return
    }
    signals.onSecond(signal)
    exit(exitCodes[signal] ?? 1)
  }
  const listener = (signal: NodeJS.Signals) => {
    if (askedAt === undefined || now() - askedAt > SAME_REQUEST_MS) request(signal)
  }
  const signals: StopSignals = {
    first,
    onSecond: () => {},
    raise: request,
    close() {
      stopUnlessStopping = undefined
      for (const signal of stopSignals) process.off(signal, listener)
    },
  }
  for (const signal of stopSignals) process.on(signal, listener).off(signal, endInOrder)
  stopUnlessStopping = () => {
    if (askedAt === undefined) request('SIGTERM')
  }
  return signals
}
