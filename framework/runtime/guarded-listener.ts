/** Keeps what a user's `onEvent` throws away from the books that it is told of: it is called in the middle of their turns. */
import { toError } from '../model/errors.ts'
import type { EventSink } from '../model/events.ts'
import type { Logger } from '../model/logger.ts'
import type { Clock } from '../time/clock.ts'
import { LogGate } from '../time/log-gate.ts'

/** A listener that throws at every record is told of so often. */
const INTERVAL_MS = 10_000

/** @param log must not throw either */
export function guardedListener(listener: EventSink | undefined, log: Logger, clock: Clock): EventSink | undefined {
  if (listener === undefined) return undefined
  const gate = new LogGate(clock, INTERVAL_MS)
  return (event) => {
    try {
      listener(event)
    } catch (thrown) {
      const suppressed = gate.pass(event.kind)
      if (suppressed !== undefined)
        log.error({ event: event.kind, err: toError(thrown), suppressed }, 'onEvent threw; the event counts as told')
    }
  }
}
