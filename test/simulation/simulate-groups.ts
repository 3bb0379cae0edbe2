/** Plays whole runtimes in a group that starts from `latest`, seed by seed. Exit code 1 and the seed when one fails. */
import { parseArgs } from 'node:util'
import { toError } from '../../framework/model/errors.ts'
import { discovery, GroupOfRuntimes, growth } from './group-of-runtimes.ts'

const STEPS = 250

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '50' }, from: { type: 'string', default: '1' } },
})
const [count, from] = [Number(values.seeds), Number(values.from)]
for (let seed = from; seed < from + count; seed += 1) {
  const group = new GroupOfRuntimes(seed, seed % 2 === 0 ? discovery : growth, 'latest')
  try {
    await group.play(STEPS)
    await group.finish()
  } catch (thrown) {
    console.error(`seed ${seed}: ${toError(thrown).message}`)
    process.exit(1)
  }
}
console.log(`${count} groups from seed ${from} hold`)
