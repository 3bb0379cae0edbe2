/**
 * `node --import tsx test/simulation/simulate-exactly-once.ts [--seeds 2000] [--from 1]`: random schedules of an exactly-once group against model brokers. Exit code 1
 * with the first that fails.
 */
import { parseArgs } from 'node:util'
import { seen } from './exactly-once/model-broker.ts'
import { runExactlyOnce } from './exactly-once/run.ts'

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '2000' }, from: { type: 'string', default: '1' } },
})
const [from, count] = [Number(values.from), Number(values.seeds)]
const startedAt = performance.now()
const failure = runExactlyOnce(from, count)
if (failure !== undefined) {
  console.error(failure)
  process.exit(1)
}
const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
console.log(`${count} schedules of exactly-once groups from seed ${from} hold (${seconds} s)`)
console.table(seen)
