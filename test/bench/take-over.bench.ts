/**
 * Prints what it costs to read full metadata of the consumers whose groups can be taken over, and to be assigned 1,000 partitions of them:
 * `node --import tsx test/bench/take-over.bench.ts`. What is compressed is left out before Node 22.15, which cannot write it.
 */
import zlib from 'node:zlib'
import { decodePredecessor } from '../../framework/control-plane/offsets/predecessor-metadata.ts'
import type { Predecessor } from '../../framework/model/settings.ts'
import { Driver, TOPIC } from '../unit/control-plane/builders.ts'
import { seeded } from '../unit/control-plane/windows.ts'

/** What both write at most: the broker's default limit. */
const MOST = 4_096
const POSITION = 1_000
const LOG_END = 10_000_000
const PARTITIONS = 1_000
const ROUNDS = 200

interface Full {
  readonly what: string
  readonly from: Predecessor
  readonly text: string
}

/** The first offset is incomplete and the last completed, as they all are. */
function bits(offsets: number, share: number): Buffer {
  const random = seeded(1)
  const bytes = Buffer.alloc(Math.ceil(offsets / 8))
  for (let at = 1; at < offsets; at++)
    if (random() < share || at === offsets - 1) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (1 << (at & 7))
  return bytes
}

/** Of a bitset, its length in bits and a zero byte more. */
function bitSet(first: string, width: 2 | 4, offsets: number, share: number): Buffer {
  const head = Buffer.alloc(width)
  head.writeUIntBE(offsets, 0, width)
  return Buffer.concat([Buffer.from(first), head, bits(offsets, share), Buffer.alloc(1)])
}

function runs(first: string, width: 2 | 4, count: number): Buffer {
  const random = seeded(2)
  const bytes = Buffer.alloc(width * count)
  for (let at = 0; at < count; at++) bytes.writeUIntBE(1 + Math.floor(random() * 9), at * width, width)
  return Buffer.concat([Buffer.from(first), bytes])
}

/** The largest that fits. */
function fitting(most: number, step: number, make: (size: number) => string): string {
  let found = make(step)
  for (let size = step; size <= most; size += step) {
    const text = make(size)
    if (text.length > MOST) return found
    found = text
  }
  return found
}

const compress = (zlib as { zstdCompressSync?: (bytes: Uint8Array) => Buffer }).zstdCompressSync
function compressed(first: string, plain: Buffer): string {
  return Buffer.concat([Buffer.from(first), compress?.(plain.subarray(1)) ?? Buffer.alloc(0)]).toString('base64')
}

const pc = 'parallel-consumer'
const full: readonly Full[] = [
  { what: 'bits', from: pc, text: fitting(30_000, 8, (size) => bitSet('o', 4, size, 0.5).toString('base64')) },
  { what: 'runs of 2 bytes', from: pc, text: fitting(2_000, 2, (size) => runs('n', 2, size).toString('base64')) },
  ...(compress === undefined
    ? []
    : ([
        {
          what: 'bits, compressed',
          from: pc,
          text: fitting(400_000, 4_000, (size) => compressed('s', bitSet('o', 4, size, 0.02))),
        },
        {
          what: 'runs of 4 bytes, compressed',
          from: pc,
          text: fitting(20_000, 200, (size) => compressed('p', runs('e', 4, size))),
        },
      ] as const)),
  {
    what: 'bits in hexadecimal',
    from: 'pyrallel-consumer',
    text: fitting(30_000, 8, (size) => `B${POSITION}:${bits(size, 0.5).toString('hex')}`),
  },
  {
    what: 'a list',
    from: 'pyrallel-consumer',
    text: fitting(2_000, 1, (size) => `R${Array.from({ length: size }, (_, at) => POSITION + 1 + 2 * at).join()}`),
  },
]

function millisecondsOf(run: () => void): number {
  const start = performance.now()
  run()
  return performance.now() - start
}

const rows = full.map(({ what, from, text }) => {
  const told = { position: POSITION, text, logEnd: LOG_END, maxRanges: 10_000 }
  const decoded = decodePredecessor(from, told)
  if (decoded?.kind !== 'completed') throw new Error(`${what}: ${JSON.stringify(decoded)}`)
  const times = Array.from({ length: ROUNDS }, () => millisecondsOf(() => decodePredecessor(from, told)))
  const cold = times[0] ?? 0
  const driver = new Driver({ takeOver: from })
  const assigned = millisecondsOf(() => {
    for (let partition = 0; partition < PARTITIONS; partition++)
      driver.manager.onAssigned([{ topic: TOPIC, partition, position: POSITION, metadata: text, logEnd: LOG_END }])
  })
  const taken = driver.eventsOf('partition.assigned').filter(({ takenOverFrom }) => takenOverFrom === from).length
  if (taken !== PARTITIONS) throw new Error(`${what}: ${taken} partitions were taken over`)
  return {
    written: `${from}: ${what}`,
    characters: text.length,
    ranges: [...decoded.ranges].length,
    'read, first time, ms': Number(cold.toFixed(2)),
    'read, median, ms': Number((times.sort((a, b) => a - b)[ROUNDS / 2] ?? 0).toFixed(3)),
    '1,000 partitions, ms': Math.round(assigned),
  }
})
console.table(rows)
if (compress === undefined) console.log('Left out: what is compressed. Node writes it from version 22.15 on.')
