/** `npm run simulate -- --seeds N --from FIRST_SEED`: plays as many schedules as asked for. Exit code 1 and a report when one fails. */
import { parseArgs } from 'node:util'
import { seen } from './oracle.ts'
import { runSchedules } from './run-schedules.ts'

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '100000' }, from: { type: 'string', default: '1' } },
})
const [count, from] = [Number(values.seeds), Number(values.from)]
if (!Number.isInteger(count) || count < 1 || !Number.isInteger(from) || from < 0) {
  console.error(
    `--seeds ${values.seeds} --from ${values.from}: both must be whole numbers, --seeds at least 1. For example: npm run simulate -- --seeds 50000 --from 1`,
  )
  process.exit(2)
}
const startedAt = performance.now()
const failure = runSchedules(from, count, (played) => {
  if (played % 10_000 === 0) console.log(`${played} of ${count} schedules played`)
})
if (failure !== undefined) {
  console.error(failure)
  process.exit(1)
}
const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
console.log(`${count} schedules from seed ${from} hold (${seconds} s)`)
console.table(seen)
