/**
 * What a record costs on 1,000 partitions with 10^6 keys, beside one partition with 10 keys, in turns: `node --import tsx test/bench/many-partitions.bench.ts [turns]`.
 * On the in-memory cluster, whose records are as many for both: to collect garbage among a million costs each of them more than among a few.
 */
import { bundlePeers } from './matrix/bundle-peers.ts'
import { measurePoint } from './matrix/scaling-curves.ts'
import { spreadOf } from './matrix/statistics.ts'

const RECORDS = 1_000_000
const ROUNDS = 3

const turns = Number(process.argv[2] ?? '6')
if (!Number.isInteger(turns) || turns < 1 || turns > 50) throw new Error('The turns must be 1 to 50.')

const loads = [
  { name: '1 partition, 10 keys', partitions: 1, keys: 10 },
  { name: '1,000 partitions, 10^6 keys', partitions: 1_000, keys: 1_000_000 },
] as const

const peers = await bundlePeers()
try {
  const figures = new Map<string, number[]>(loads.map(({ name }) => [name, []]))
  for (let turn = 0; turn < turns; turn += 1) {
    for (const { name, partitions, keys } of turn % 2 === 0 ? loads : loads.toReversed()) {
      const load = { partitions, keys, records: RECORDS, rounds: ROUNDS, concurrency: 100, inFlight: 1 }
      const { usPerRecord } = await measurePoint(peers.command('curve'), load)
      figures.get(name)?.push(...usPerRecord)
    }
    console.error(`turn ${turn + 1} of ${turns}`)
  }
  const medians = loads.map(({ name }) => {
    const spread = spreadOf(figures.get(name) ?? [])
    if (spread === undefined) throw new Error(`There are no figures of ${name}.`)
    const { median, min, max } = spread
    console.log(`${name.padEnd(28)} ${median.toFixed(2)} us a record (${min.toFixed(2)} to ${max.toFixed(2)})`)
    return median
  })
  const [one = Number.NaN, many = Number.NaN] = medians
  console.log(`ratio ${(many / one).toFixed(2)}`)
} finally {
  peers.remove()
}
