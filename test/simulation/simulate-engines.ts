/**
 * `node --import tsx test/simulation/simulate-engines.ts [--seeds 1000] [--from 1]`: random schedules with the real async engine, and with the real queue of the
 * worker engine before threads that die. Exit code 1 with the first that fails.
 */
import { parseArgs } from 'node:util'
import { playAll, playAllThreads, playAsync } from './run-engine-schedules.ts'

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '1000' }, from: { type: 'string', default: '1' } },
})
try {
  await playAllThreads(Number(values.from), Number(values.seeds))
  await playAll(Number(values.from), Number(values.seeds), playAsync)
  console.log(
    `${values.seeds} schedules from seed ${values.from} hold with the async engine, and with threads that die`,
  )
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
