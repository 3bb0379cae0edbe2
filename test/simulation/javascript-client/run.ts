/** Plays schedules of the JavaScript client's state machines by seed, and tells of the first failing one: its seed, and the shortest schedule that still fails. */
import { shortened } from '../schedule.ts'
import { playFetch } from './fetch-play.ts'
import { fetchScheduleOf } from './fetch-schedule.ts'
import { playGroup } from './group-play.ts'
import { groupScheduleOf } from './group-schedule.ts'

interface Plain {
  readonly setup: { readonly seed: number }
  readonly steps: readonly { readonly kind: string; readonly a: number; readonly b: number }[]
}

type Play<Of> = (schedule: Of) => Promise<void> | void

/** Undefined when all of them hold; else a report. */
export function runGroupSchedules(from: number, count: number): Promise<string | undefined> {
  return runAll(from, count, groupScheduleOf, playGroup)
}

/** As `runGroupSchedules`, of the fetch plan. */
export function runFetchSchedules(from: number, count: number): Promise<string | undefined> {
  return runAll(from, count, fetchScheduleOf, playFetch)
}

async function runAll<Of extends Plain>(
  from: number,
  count: number,
  scheduleOf: (seed: number) => Of,
  play: Play<Of>,
): Promise<string | undefined> {
  for (let seed = from; seed < from + count; seed += 1) {
    const schedule = scheduleOf(seed)
    const failure = await failureOf(schedule, play)
    if (failure !== undefined) return report(schedule, failure, play)
  }
  return undefined
}

async function failureOf<Of>(schedule: Of, play: Play<Of>): Promise<Error | undefined> {
  try {
    await play(schedule)
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** So that shortening does not wander to another failure. */
function kindOf(failure: Error): string {
  return `${failure.name} ${failure.message.split(':')[0]}`
}

async function report<Of extends Plain>(schedule: Of, failure: Error, play: Play<Of>): Promise<string> {
  const kind = kindOf(failure)
  const shortening = shortened(schedule)
  let next = shortening.next()
  while (next.done !== true) {
    const other = await failureOf(next.value, play)
    next = shortening.next(other !== undefined && kindOf(other) === kind)
  }
  const shortest = next.value
  const shown = (await failureOf(shortest, play)) ?? failure
  return [
    `seed ${schedule.setup.seed}: ${failure.message}`,
    `the shortest schedule that still fails (${shortest.steps.length} of ${schedule.steps.length} steps):`,
    `setup ${JSON.stringify(schedule.setup)}`,
    ...shortest.steps.map(({ kind: step, a, b }) => `  ${step} ${a.toFixed(3)} ${b.toFixed(3)}`),
    shown.stack ?? shown.message,
  ].join('\n')
}
