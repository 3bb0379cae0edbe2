/**
 * `node --import tsx test/simulation/simulate-javascript-client.ts [--seeds 10000] [--from 1]`: random schedules of the JavaScript client's membership and
 * assignments, and of its fetch plan, against model brokers. Exit code 1 with the first that fails.
 */
import { parseArgs } from 'node:util'
import { fetchSeen } from './javascript-client/fetch-oracle.ts'
import { groupSeen } from './javascript-client/group-oracle.ts'
import { runFetchSchedules, runGroupSchedules } from './javascript-client/run.ts'

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '10000' }, from: { type: 'string', default: '1' } },
})
const [from, count] = [Number(values.from), Number(values.seeds)]
const startedAt = performance.now()
const failure = (await runGroupSchedules(from, count)) ?? (await runFetchSchedules(from, count))
if (failure !== undefined) {
  console.error(failure)
  process.exit(1)
}
const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
console.log(`${count} schedules of each from seed ${from} hold (${seconds} s)`)
console.table({ ...groupSeen, ...fetchSeen })
