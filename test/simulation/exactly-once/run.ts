/** Plays schedules of exactly-once groups by seed, and tells of the first failing one: its seed, and the shortest schedule that still fails. */
import { shortened } from '../schedule.ts'
import { play } from './play.ts'
import { describe, type Schedule, scheduleOf } from './schedule.ts'

/** Undefined when all of them hold; else a report. */
export function runExactlyOnce(from: number, count: number): string | undefined {
  for (let seed = from; seed < from + count; seed += 1) {
    const schedule = scheduleOf(seed)
    const failure = failureOf(schedule)
    if (failure !== undefined) return report(schedule, failure)
  }
  return undefined
}

function failureOf(schedule: Schedule): Error | undefined {
  try {
    play(schedule)
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** So that shortening does not wander to another failure. */
function kindOf({ name, message }: Error): string {
  return `${name} ${message.replace(/[0-9]+/g, '#')}`
}

function report(schedule: Schedule, failure: Error): string {
  const shortening = shortened(schedule)
  let next = shortening.next()
  while (next.done !== true) {
    const other = failureOf(next.value)
    next = shortening.next(other !== undefined && kindOf(other) === kindOf(failure))
  }
  const shortest = next.value
  const shown = failureOf(shortest) ?? failure
  return [
    `seed ${schedule.setup.seed}: ${failure.message}`,
    `the shortest schedule that still fails (${shortest.steps.length} of ${schedule.steps.length} steps):`,
    describe(shortest),
    shown.stack ?? shown.message,
  ].join('\n')
}
