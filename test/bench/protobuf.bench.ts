/**
 * Prints what values of 200 bytes in Protobuf cost beside @bufbuild/protobuf alone, in turns: `node --max-semi-space-size=64 --import tsx test/bench/protobuf.bench.ts`.
 * Decides nothing. The young generation must hold what a turn makes, see `avro.bench.ts`.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { messageOf, readProtoSchema } from '../../framework/formats/protobuf/proto-schema.ts'
import { loadProtobuf } from '../../framework/formats/protobuf/protobuf-library.ts'
import { ProtobufCodec } from '../../framework/formats/protobuf-codec.ts'

const VALUES = 2_000
const ROUNDS = 60
const WARM_UP = 15

const text = `syntax = "proto3"; package shop; import "google/protobuf/timestamp.proto";
  message Order {
    string id = 1; string customer_id = 2; int64 sequence = 3; google.protobuf.Timestamp placed_at = 4; State state = 5;
    double total = 6; bool is_gift = 7; optional string note = 8; repeated Item items = 9;
  }
  message Item { string sku = 1; int32 count = 2; double price = 3; }
  enum State { NEW = 0; PAID = 1; SENT = 2; }`

const orders = Array.from({ length: VALUES }, (_, index) => ({
  id: `o-${1_000_000 + index}-0f8e1a7c`,
  customerId: `c-${10_000 + (index % 977)}`,
  sequence: 9_000_000_000n + BigInt(index),
  placedAt: { seconds: 1_796_000_000n + BigInt(index), nanos: 0 },
  state: index % 3,
  total: index / 7,
  isGift: index % 2 === 0,
  ...(index % 2 === 0 ? {} : { note: 'leave it with the neighbours, please' }),
  items: Array.from({ length: 5 }, (_, item) => ({ sku: `sku-${1_000 + item}-a`, count: item, price: item * 1.25 })),
}))

await loadProtobuf()
const message = messageOf(readProtoSchema(text, []))
const codec = new ProtobufCodec({ text })
const read = codec.readerOf({ format: 'protobuf', text, references: [] })
const messages = orders.map((order) => create(message, order as never))
const encoded = orders.map((order) => codec.encode(order))
const framed = encoded.map((bytes) => Buffer.concat([Buffer.of(0, 0, 0, 0, 7, 0), bytes]))
// What is compared must be the same bytes.
for (const [index, bytes] of encoded.entries()) {
  if (!bytes.equals(toBinary(message, messages[index] as never))) throw new Error('the library writes other bytes')
}

let sink: unknown
const systems = {
  'reading, ours': () => framed.map((bytes) => read(bytes, 5)),
  'reading, the library': () => encoded.map((bytes) => fromBinary(message, bytes)),
  'writing, ours': () => orders.map((order) => codec.encode(order)),
  'writing, the library': () => messages.map((each) => toBinary(message, each)),
  'writing, the library, with create': () => orders.map((each) => toBinary(message, create(message, each as never))),
}

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
for (const name of times.keys()) console.log(`${name.padEnd(34)} ${median(name).toFixed(0).padStart(6)} ns a value`)
for (const what of ['reading', 'writing']) {
  console.log(`${what}: ${(median(`${what}, ours`) / median(`${what}, the library`)).toFixed(2)} times the library`)
}
