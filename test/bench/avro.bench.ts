/**
 * Prints what values of 200 bytes in Avro cost beside avsc alone, in turns: `node --max-semi-space-size=64 --import tsx test/bench/avro.bench.ts`. Decides
 * nothing. The young generation must hold what a turn makes: with 16 MiB, as Node has it, collections fall into the turns of one of them, which takes twice as long then.
 * avsc stands there twice: as it comes, which rounds what is above 2^53, and with a long type of bigint, whose values are those of our own.
 */
import avsc from 'avsc'
import type { PulledSchema } from '../../framework/api/format.ts'
import { AvroCodec } from '../../framework/formats/avro-codec.ts'

const VALUES = 2_000
const ROUNDS = 60
const WARM_UP = 15

const text = JSON.stringify({
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'customerId', type: 'string' },
    { name: 'sequence', type: 'long' },
    { name: 'placedAt', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'state', type: { type: 'enum', name: 'State', symbols: ['NEW', 'PAID', 'SENT'] } },
    { name: 'total', type: 'double' },
    { name: 'isGift', type: 'boolean' },
    { name: 'note', type: ['null', 'string'], default: null },
    {
      name: 'items',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'Item',
          fields: [
            { name: 'sku', type: 'string' },
            { name: 'count', type: 'int' },
            { name: 'price', type: 'double' },
          ],
        },
      },
    },
  ],
})

const orders = Array.from({ length: VALUES }, (_, index) => ({
  id: `o-${1_000_000 + index}-0f8e1a7c`,
  customerId: `c-${10_000 + (index % 977)}`,
  sequence: 9_000_000_000n + BigInt(index),
  placedAt: 1_796_000_000_000 + index,
  state: ['NEW', 'PAID', 'SENT'][index % 3],
  total: index / 7,
  isGift: index % 2 === 0,
  note: index % 2 === 0 ? null : 'leave it with the neighbours, please',
  items: Array.from({ length: 6 }, (_, item) => ({ sku: `sku-${1_000 + item}-a`, count: item, price: item * 1.25 })),
}))

const exactLong = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(value)
    return bytes
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
})

const schema = JSON.parse(text) as avsc.Schema
const plain = avsc.Type.forSchema(schema)
const exact = avsc.Type.forSchema(schema, { registry: { long: exactLong } })
const codec = new AvroCodec({ text } satisfies Pick<PulledSchema<unknown>, 'text'>)
const read = codec.readerOf({ format: 'avro', text, references: [] })

const encoded = orders.map((order) => codec.encode(order))
const rounded = orders.map(({ sequence, ...order }) => ({ ...order, sequence: Number(sequence) }))
// What is compared must be the same bytes.
for (const [index, bytes] of encoded.entries()) {
  if (!plain.toBuffer(rounded[index]).equals(bytes)) throw new Error('avsc writes other bytes')
}

let sink: unknown
const systems = {
  'reading, ours': () => encoded.map((bytes) => read(bytes, 0)),
  'reading, avsc': () => encoded.map((bytes) => plain.fromBuffer(bytes)),
  'reading, avsc with bigint': () => encoded.map((bytes) => exact.fromBuffer(bytes)),
  'writing, ours': () => orders.map((order) => codec.encode(order)),
  'writing, avsc': () => rounded.map((order) => plain.toBuffer(order)),
  'writing, avsc with bigint': () => orders.map((order) => exact.toBuffer(order)),
  'reading, JSON.parse': () => json.map((each) => JSON.parse(each.toString())),
}
const json = rounded.map((order) => Buffer.from(JSON.stringify(order)))

const times = new Map<string, number[]>(Object.keys(systems).map((name) => [name, []]))
for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
  for (const [name, run] of Object.entries(systems)) {
    const from = process.hrtime.bigint()
    sink = run()
    if (round >= WARM_UP) times.get(name)?.push(Number(process.hrtime.bigint() - from) / VALUES)
  }
}
if (sink === undefined) throw new Error('nothing was done')

const median = (name: string): number => [...(times.get(name) ?? [])].sort((a, b) => a - b)[ROUNDS / 2] ?? Number.NaN
const bytes = encoded.reduce((sum, each) => sum + each.length, 0) / VALUES
console.log(`${VALUES} values of ${Math.round(bytes)} bytes, ${ROUNDS} rounds in turns, Node ${process.versions.node}`)
for (const name of times.keys()) console.log(`${name.padEnd(28)} ${median(name).toFixed(0).padStart(6)} ns a value`)
for (const what of ['reading', 'writing']) {
  for (const peer of ['avsc', 'avsc with bigint']) {
    const ratio = median(`${what}, ours`) / median(`${what}, ${peer}`)
    console.log(`${what}: ${ratio.toFixed(2)} times ${peer}`)
  }
}
