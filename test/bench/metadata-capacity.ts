/** Prints how many offsets fit into the commit metadata, and what writing and reading cost: `node --import tsx test/bench/metadata-capacity.ts`. */
import { decodeCompleted, encodeCompleted } from '../../framework/control-plane/offsets/metadata-encoder.ts'
import { seeded, shapes, windowOf } from '../unit/control-plane/windows.ts'

/** Three quarters of Kafka's default limit, and all of it less the character that the client loses. */
const LENGTHS = [3_072, 4_095]
/** Confluent's Parallel Consumer, random pattern: 2,302 bytes of bitset in base64. */
const TO_BEAT = 18_400
const MOST = 1_000_000
const POSITION = 1_000_000_000
const WINDOWS = [20, 100, 1_000, 10_000, 100_000]

/** The longest window that is kept whole. Windows of one seed begin alike, so longer ones need more room. */
function capacity(shape: string, maxLength: number): number {
  let [fits, tooLong] = [1, MOST + 1]
  while (tooLong - fits > 1) {
    const length = Math.floor((fits + tooLong) / 2)
    if (encodeCompleted(POSITION, windowFor(shape, length), maxLength).truncated) tooLong = length
    else fits = length
  }
  return fits
}

function windowFor(shape: string, length: number) {
  return windowOf(POSITION, length, shapes[shape]!(seeded(1)))
}

function microseconds(run: () => void, rounds: number): string {
  for (let round = 0; round < rounds; round++) run()
  const start = performance.now()
  for (let round = 0; round < rounds; round++) run()
  return (((performance.now() - start) / rounds) * 1_000).toFixed(1)
}

console.log(`Offsets that fit (to beat: ${TO_BEAT.toLocaleString('en')} of a random pattern in 3,072 characters)`)
console.table(
  Object.keys(shapes).map((shape) => {
    const fits = LENGTHS.map((length) => {
      const offsets = capacity(shape, length)
      return [`${length} characters`, offsets === MOST ? `${MOST.toLocaleString('en')} and more` : offsets]
    })
    return { pattern: shape, ...Object.fromEntries(fits) }
  }),
)

console.log('Microseconds for a window, at most 4,095 characters: write / read')
console.table(
  Object.keys(shapes).map((shape) => {
    const costs = WINDOWS.map((length) => {
      const ranges = windowFor(shape, length)
      const { text } = encodeCompleted(POSITION, ranges, 4_095)
      const rounds = Math.max(10, Math.min(5_000, Math.ceil(1_000_000 / length)))
      const write = microseconds(() => encodeCompleted(POSITION, ranges, 4_095), rounds)
      const read = microseconds(() => decodeCompleted(POSITION, text), rounds)
      return [`${length.toLocaleString('en')} offsets`, `${write} / ${read}`]
    })
    return { pattern: shape, ...Object.fromEntries(costs) }
  }),
)
