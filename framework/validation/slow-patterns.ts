/** Tells of patterns that take long: nothing else runs in the process, or in the thread, meanwhile. */
import type { Logger } from '../model/logger.ts'
import type { Clock } from '../time/clock.ts'
import { LogGate } from '../time/log-gate.ts'
import type { PatternRules } from './guarded-patterns.ts'

/** A warning for each pattern at most so often. */
const INTERVAL_MS = 10_000

export type RulesOf = (topic: string) => PatternRules

/** @param facts who checks: stands in each warning */
export function slowPatterns(log: Logger, clock: Clock, facts: object = {}): RulesOf {
  const gate = new LogGate(clock, INTERVAL_MS)
  return (topic) => ({
    now: () => clock.now(),
    onSlow: ({ path, tookMs }) => {
      const suppressed = gate.pass(topic, path)
      if (suppressed === undefined) return
      log.warn(
        { ...facts, topic, path, tookMs, suppressed },
        'the pattern of a schema took long on a value, and nothing else ran meanwhile',
      )
    },
  })
}

/** For whoever has nobody to tell. */
export const untold: RulesOf = () => ({ now: () => 0, onSlow: () => {} })
