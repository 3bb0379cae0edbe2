/**
 * `node --import tsx test/simulation/simulate-user.ts [--seeds 300] [--from 1]`: what `simulate` finds in a user's project with `commit.exactlyOnce`: nothing. Exit
 * code 1 with the first schedule in which an invoice is missing, double or out of order, or has a key that is not its own.
 */
import { parseArgs } from 'node:util'
import { SimulationFailure, simulate } from '../../framework/testing/index.ts'
import { exactlyOnce, records, requireInvoicedOnce, routes } from './user/invoices.ts'
import { keyedRecords, keyedRoutes, requireKeyedOnce } from './user/keyed-invoices.ts'

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '300' }, from: { type: 'string', default: '1' } },
})
const [from, count] = [Number(values.from), Number(values.seeds)]
const seeds = Array.from({ length: count }, (_, index) => from + index)
try {
  await simulate({ config: exactlyOnce, routes, records, check: requireInvoicedOnce, seeds })
  await simulate({
    config: exactlyOnce,
    routes: keyedRoutes,
    records: keyedRecords,
    check: requireKeyedOnce,
    seeds: seeds.slice(0, Math.ceil(count / 3)),
  })
} catch (thrown) {
  if (!(thrown instanceof SimulationFailure)) throw thrown
  console.error(`seed ${thrown.seed}: ${thrown.message}`)
  process.exit(1)
}
console.log(`${count} schedules of a user's project with exactlyOnce from seed ${from} hold`)
