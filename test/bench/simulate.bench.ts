/**
 * Prints how long `simulate` takes for 1,000 schedules of a handler that awaits twice, three records in each: `node --import tsx test/bench/simulate.bench.ts`.
 * It passes, as its second call has a key: what is measured is the search that finds nothing, which is the longest.
 */
import { simulate } from '../../framework/testing/simulation/simulate.ts'
import { config, newBank, requireChargedOnce, routesOf, threeOrders } from '../unit/testing/simulated-bank.ts'

const SCHEDULES = 1_000
const ROUNDS = 3

const routes = routesOf(async ({ value }, bank) => {
  if (await bank.hasCharged(value.id)) return
  await bank.charge(value.id, value.id)
})

for (let round = 0; round < ROUNDS; round++) {
  const [start, used] = [performance.now(), process.cpuUsage()]
  const { schedules, attempts } = await simulate({
    config,
    routes,
    records: threeOrders,
    services: newBank,
    check: requireChargedOnce,
    seeds: SCHEDULES,
  })
  const { user, system } = process.cpuUsage(used)
  const [seconds, ofProcessor] = [performance.now() - start, (user + system) / 1_000].map((ms) =>
    (ms / 1_000).toFixed(1),
  )
  console.log(`${schedules} schedules, ${attempts} attempts: ${seconds} s, ${ofProcessor} s of a processor`)
}
