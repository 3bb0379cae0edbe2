/** Prints what one attempt costs beyond parsing its value: `node --import tsx test/bench/attempt.bench.ts`. Decides nothing. */

import { handler } from '../../framework/api/handler.ts'
import { AsyncEngine } from '../../framework/execution-plane/engines/async-engine.ts'
import type { Logger } from '../../framework/model/logger.ts'
import type { Epoch, WorkItem } from '../../framework/model/work.ts'
import { systemClock } from '../../framework/time/clock.ts'

const RECORDS = 10_000
const ROUNDS = 30
const CONCURRENCY = 100

const value = Buffer.from(
  JSON.stringify({
    id: 'o-1234567',
    customerId: 'c-998',
    total: 12.5,
    items: [1, 2, 3],
    note: 'a note to fill 100 bytes',
  }),
)
const items: readonly WorkItem[] = Array.from({ length: RECORDS }, (_, offset) => ({
  id: offset,
  handlerId: 'bench',
  epoch: 1 as Epoch,
  records: [
    { topic: 'bench', partition: 0, offset, key: Buffer.from(`c-${offset % 1_000}`), value, headers: [], timestamp: 0 },
  ],
  attempts: [1],
}))

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

async function noOp(): Promise<void> {}

async function parseAlone(): Promise<void> {
  for (const item of items) JSON.parse(item.records[0]!.value!.toString())
}

async function bareLoop(): Promise<void> {
  const call = noOp as (value: unknown) => Promise<void>
  for (const item of items) await call(JSON.parse(item.records[0]!.value!.toString()))
}

async function throughEngine(run: () => unknown): Promise<void> {
  const engine = new AsyncEngine({
    handlerId: 'bench',
    definition: handler<unknown>('bench', run),
    concurrency: CONCURRENCY,
    timeoutMs: 30_000,
    abandonAfterMs: 5_000,
    publish: async () => {},
    log: silent,
    clock: systemClock(),
  })
  let submitted = 0
  let completed = 0
  await new Promise<void>((resolve, reject) => {
    const submitNext = () => {
      const item = items[submitted++]
      if (item !== undefined) engine.submit(item)
    }
    const onCompletion = () => {
      if (++completed === RECORDS) resolve()
      else submitNext()
    }
    engine.start(onCompletion).then(() => {
      for (let slot = 0; slot < CONCURRENCY; slot++) submitNext()
    }, reject)
  })
  await engine.close(0)
}

async function nsPerRecord(run: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await run()
  return ((performance.now() - start) * 1e6) / RECORDS
}

const cases = [
  { name: 'JSON.parse alone', run: parseAlone },
  { name: 'await fn(JSON.parse(value)) in a loop', run: bareLoop },
  { name: 'AsyncEngine, no-op async handler', run: () => throughEngine(noOp) },
  { name: 'AsyncEngine, no-op synchronous handler', run: () => throughEngine(() => {}) },
]
// Short rounds in turn, and the best of each: what else the machine does only ever makes a round slower, and hits all cases.
const best = cases.map(() => Number.POSITIVE_INFINITY)
for (let round = 0; round < ROUNDS; round++) {
  for (const [index, { run }] of cases.entries()) best[index] = Math.min(best[index]!, await nsPerRecord(run))
}

console.log(`${RECORDS} records of ${value.length} bytes, concurrency ${CONCURRENCY}, best of ${ROUNDS} rounds`)
const [parse, bare] = [best[0]!, best[1]!]
for (const [index, { name }] of cases.entries()) {
  const ns = best[index]!
  const beyond = `${(ns - parse).toFixed(0).padStart(5)} beyond JSON.parse`
  console.log(
    `${name.padEnd(40)} ${ns.toFixed(0).padStart(6)} ns/record, ${beyond}, ${(ns / bare).toFixed(2)} x the loop`,
  )
}
