/** Plays schedules by seed, and tells of the first failing one: its seed, and the shortest schedule that still fails the same way. */
import { play } from './play.ts'
import { describe, type Schedule, scheduleOf, shorten } from './schedule.ts'

/** At the end of so manieth schedule, what is said of the records is compared with the books: it takes longer than the schedule. */
const COMPARED_EVERY = 10

/** Undefined when all of them hold; else a report. */
export function runSchedules(from: number, count: number, onProgress?: (played: number) => void): string | undefined {
  for (let seed = from; seed < from + count; seed += 1) {
    const schedule = scheduleOf(seed)
    const failure = failureOf(schedule)
    if (failure !== undefined) return report(schedule, failure)
    onProgress?.(seed - from + 1)
  }
  return undefined
}

function failureOf(schedule: Schedule): Error | undefined {
  try {
    play(schedule, (game, step) => {
      if (schedule.setup.seed % COMPARED_EVERY === 0 && step === schedule.steps.length - 1) game.compareAnswers()
    })
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** What kind of failure: a violation's invariant or an error's first words, so that shortening does not wander to another one. */
function kindOf(failure: Error): string {
  return `${failure.name} ${failure.message.split(':')[0]}`
}

function report(schedule: Schedule, failure: Error): string {
  const kind = kindOf(failure)
  const shortest = shorten(schedule, (candidate) => {
    const other = failureOf(candidate)
    return other !== undefined && kindOf(other) === kind
  })
  const shown = failureOf(shortest) ?? failure
  return [
    `seed ${schedule.setup.seed}: ${failure.message}`,
    `the shortest schedule that still fails (${shortest.steps.length} of ${schedule.steps.length} steps):`,
    describe(shortest),
    shown.stack ?? shown.message,
    `play it again: npm run simulate -- --seeds 1 --from ${schedule.setup.seed}`,
  ].join('\n')
}
