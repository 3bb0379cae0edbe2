/**
 * Shows what it costs any program in Node to have much in flight: `node --import tsx test/bench/in-flight.bench.ts`. A pool without Kafka, order or books, whose items hold so
 * many bytes of objects while they are in flight, read when they end. The young generation's survivors are copied, and what has left the processor's caches is fetched
 * again: the rise from 10 to 10,000 in flight is to be compared with that of the curve in `npm run bench`.
 */
const ITEMS = 200_000
const ROUNDS = 5
/** An item lets the event loop go on after so many. */
const ITEMS_OF_TURN = 100

/** 80 bytes in V8: three words of header, seven fields. */
class Held {
  readonly a: number
  readonly b: number
  readonly c: number
  readonly d: number
  readonly e: number
  readonly f: number
  readonly next: Held | undefined

  constructor(value: number, next: Held | undefined) {
    this.a = this.b = this.c = this.d = this.e = this.f = value
    this.next = next
  }
}
const HELD_BYTES = 80

function hold(value: number, objects: number): Held | undefined {
  let held: Held | undefined
  for (let i = 0; i < objects; i += 1) held = new Held(value, held)
  return held
}

function read(first: Held | undefined): number {
  let sum = 0
  for (let held = first; held !== undefined; held = held.next) sum += held.c
  return sum
}

const values = Array.from({ length: ITEMS }, (_, i) => Buffer.from(`{"i":${i}}`))

/** @returns microseconds an item */
async function round(inFlight: number, objects: number): Promise<number> {
  const ends: (() => void)[] = []
  let oldest = 0
  let ended = 0
  const endOldest = () => {
    ends[oldest]?.()
    oldest += 1
  }
  // Each that begins ends the one that began so many before it.
  const untilEnd = () =>
    new Promise<void>((resolve) => {
      ends.push(resolve)
      if (ends.length - oldest >= inFlight) endOldest()
    })
  const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))
  let sum = 0
  const from = performance.now()
  for (const [index, bytes] of values.entries()) {
    const { i } = JSON.parse(bytes.toString()) as { readonly i: number }
    const held = hold(i, objects)
    void untilEnd().then(() => {
      ended += 1
      sum += read(held)
    })
    if (index % ITEMS_OF_TURN === 0) await nextTurn()
  }
  while (oldest < ends.length) endOldest()
  await nextTurn()
  const us = ((performance.now() - from) * 1_000) / ITEMS
  const expected = ((ITEMS * (ITEMS - 1)) / 2) * objects
  if (ended !== ITEMS || sum !== expected) throw new Error(`${ended} of ${ITEMS} have ended, with the sum ${sum}`)
  return us
}

const flights = [10, 100, 1_000, 10_000]
console.log(
  `us an item, median of ${ROUNDS} rounds      ${flights.map((each) => each.toLocaleString('en').padStart(8)).join('')} in flight`,
)
for (const objects of [0, 15, 30, 45]) {
  const cells: string[] = []
  for (const inFlight of flights) {
    const us: number[] = []
    for (let each = 0; each <= ROUNDS; each += 1) us.push(await round(inFlight, objects))
    // The first is for the compiler.
    const sorted = us.slice(1).sort((a, b) => a - b)
    cells.push((sorted[ROUNDS >> 1] ?? Number.NaN).toFixed(2).padStart(8))
  }
  console.log(`${`${(objects * HELD_BYTES).toLocaleString('en')} bytes held by each`.padEnd(37)}${cells.join('')}`)
}
