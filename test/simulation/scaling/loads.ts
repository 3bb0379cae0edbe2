/** The loads that the rule of scaling out is tried with: for each second, how many records come, and of which keys. Not a test itself. */

export interface Load {
  readonly name: string
  readonly seconds: number
  /** Records in this second, on the average. */
  readonly rate: (second: number) => number
  /** @param random 0 up to, not including, 1 */
  readonly keyOf: (random: number) => number
  /** Records of this key cannot run for a while: the first of them fails, and waits for its retry. */
  readonly held?: { readonly key: number; readonly from: number; readonly to: number }
  /** Offsets that each record takes: 2 where a transaction's marker follows. */
  readonly stride: number
}

const KEYS = 20_000
const anyKey = (random: number) => Math.floor(random * KEYS)
const common = { seconds: 1_800, keyOf: anyKey, stride: 1 }

/** One process does 40 records a second, see `replay.ts`. */
export const loads: readonly Load[] = [
  { ...common, name: 'a burst', rate: (second) => (second >= 60 && second < 90 ? 400 : 10) },
  {
    ...common,
    name: 'one stuck key',
    seconds: 5_400,
    rate: () => 100,
    keyOf: (random) => (random < 0.01 ? 0 : 1 + anyKey(random)),
    held: { key: 0, from: 60, to: 5_400 },
  },
  { ...common, name: 'transactions', stride: 2, rate: (second) => (second < 900 ? 70 : 0) },
  { ...common, name: 'Zipf keys', keyOf: zipf(1_000, 1.1), rate: (second) => (second < 900 ? 36 : 0) },
  { ...common, name: 'a steady load that just keeps up', rate: () => 150 },
  { ...common, name: 'zero to one', rate: (second) => (second >= 300 && second < 900 ? 8 : 0) },
  { ...common, name: 'ramp down', rate: (second) => Math.max(0, 320 * (1 - second / 1_200)) },
]

/** The key by its rank, the first one the most frequent. */
function zipf(keys: number, exponent: number): (random: number) => number {
  const weights = Array.from({ length: keys }, (_, rank) => 1 / (rank + 1) ** exponent)
  const total = weights.reduce((sum, each) => sum + each, 0)
  let below = 0
  const bounds = weights.map((weight) => {
    below += weight / total
    return below
  })
  return (random) => {
    const rank = bounds.findIndex((bound) => random < bound)
    return rank < 0 ? keys - 1 : rank
  }
}
