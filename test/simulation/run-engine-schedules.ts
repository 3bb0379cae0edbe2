/** Plays schedules by seed with the async engine; the first that fails is told with its seed. */
import type { ExecutionEngine } from '../../framework/execution-plane/execution-engine.ts'
import { asyncHost } from './engine-hosts.ts'
import { playWithEngines } from './engine-play.ts'
import { type Schedule, scheduleOf } from './schedule.ts'
import { playThreads, threadScheduleOf } from './thread-play.ts'

const PATIENCE = 50

export async function playAsync(
  schedule: Schedule,
  wrap?: (engine: ExecutionEngine) => ExecutionEngine,
): Promise<void> {
  const { concurrency, batch } = schedule.setup
  const isKept = isOfExactlyOnce(schedule)
  const hosts = await Promise.all([0, 1].map(() => asyncHost(concurrency, batch !== undefined, isKept, wrap)))
  await playWithEngines(schedule, { hosts, patience: PATIENCE, hasThreads: false, isKept })
  // Not after a failure: an engine that has lost an answer waits for it. It has neither threads nor timers of the machine.
  for (const { engine } of hosts) await engine.close(0)
}

/** A third of the schedules: their handlers' outputs are kept. */
export function isOfExactlyOnce({ setup }: Schedule): boolean {
  return setup.seed % 3 === 0
}

/** @throws Error with the seed, to play it again, and what went wrong as its cause */
export function playAll(from: number, count: number, play: (schedule: Schedule) => Promise<void>): Promise<void> {
  return playSeeds(from, count, (seed) => play(scheduleOf(seed)))
}

/** @throws as `playAll` */
export function playAllThreads(from: number, count: number): Promise<void> {
  return playSeeds(from, count, async (seed) => playThreads(threadScheduleOf(seed)))
}

async function playSeeds(from: number, count: number, play: (seed: number) => Promise<void>): Promise<void> {
  for (let seed = from; seed < from + count; seed += 1) {
    try {
      await play(seed)
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
  }
}
