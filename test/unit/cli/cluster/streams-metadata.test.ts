/** What Kafka Streams has stored, and arbitrary texts, of which hardly one is taken for somebody's. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { storedWith } from '../../../../cli/cluster/stored-with-position.ts'
import { readStreamsMetadata } from '../../../../cli/cluster/streams-metadata.ts'

const time = 1_732_752_000_000

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(value))
  return bytes
}

/** As its classes put it together. */
function streamsText(
  version: number,
  partitionTime: number,
  processors: Readonly<Record<string, number>> = {},
): string {
  const entries = Object.entries(processors)
  const kept = entries.flatMap(([name, at]) => [int32(Buffer.byteLength(name)), Buffer.from(name), int64(at)])
  const map = entries.length === 0 ? [] : [int32(entries.length), ...kept]
  return Buffer.concat([Buffer.from([version]), int64(partitionTime), ...map]).toString('base64')
}

describe('the metadata of Kafka Streams', () => {
  it('is read in both versions, with a time that is not known, and with those of processors', () => {
    assert.deepEqual(readStreamsMetadata(streamsText(1, time)), { partitionTime: time, processors: [] })
    assert.deepEqual(readStreamsMetadata(streamsText(2, -1)), { partitionTime: null, processors: [] })
    // Written by hand, from the bytes: 02, then 00 00 01 93 71 c3 66 38.
    assert.deepEqual(readStreamsMetadata('AgAAAZNxw2Y4'), { partitionTime: 0x019371c36638, processors: [] })
    const processors = { 'KSTREAM-AGGREGATE-0000000003': time + 1, 'größte-😀': -1 }
    assert.deepEqual(readStreamsMetadata(streamsText(2, time, processors)), {
      partitionTime: time,
      processors: Object.entries(processors).map(([name, at]) => ({ name, time: at })),
    })
  })

  it('is not read where anything is wrong with it', () => {
    const right = streamsText(2, time, { a: 1, b: 2 })
    for (let length = 0; length < right.length; length++) {
      const cut = readStreamsMetadata(right.slice(0, length))
      // Without its map it is a text of its own.
      assert.equal(cut === undefined, length !== 12, `the first ${length} characters`)
    }
    for (const wrong of [
      streamsText(3, time),
      streamsText(2, -2),
      streamsText(2, 9e15),
      streamsText(1, time, { a: 1 }),
    ])
      assert.equal(readStreamsMetadata(wrong), undefined, wrong)
    assert.equal(readStreamsMetadata(`${right}\u0000`), undefined)
    const endless = Buffer.concat([Buffer.from([2]), int64(time), int32(2 ** 31 - 1), int32(2 ** 31 - 1)])
    assert.equal(readStreamsMetadata(endless.toString('base64')), undefined)
  })
})

describe('a million arbitrary texts', () => {
  const count = 1_000_000
  const alphabets = {
    'of printable characters': String.fromCharCode(...Array.from({ length: 95 }, (_, index) => 32 + index)),
    'of Base64': 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
    'of digits and words': '0123456789,-:abcdefRBOln',
  }

  it('are no metadata of a consumer for sure, but for a few, and name nothing beyond the log', () => {
    const next = seeded(20_261_129)
    // Texts are cut out of longer ones, as to put each together would take most of the time.
    const names = Object.entries(alphabets).map(([name, alphabet]) => {
      const characters = Array.from({ length: 1 << 18 }, () => alphabet[next() % alphabet.length])
      return [name, characters.join('')] as const
    })
    const sure = new Map(names.map(([name]) => [name, 0]))
    for (let n = 0; n < count; n++) {
      const [name, characters] = names[n % names.length] ?? ['', '']
      const from = next() % (characters.length - 40)
      const text = characters.slice(from, from + 1 + (next() % 40))
      const { writtenBy, mayBeOf, decoded } = storedWith({ ...log, position: 1_000, metadata: text })
      if (decoded.kind === 'completed') assert.ok((decoded.ranges.at(-1)?.end ?? 0) <= log.logEnd, text)
      if (writtenBy !== null && mayBeOf === undefined) sure.set(name, (sure.get(name) ?? 0) + 1)
    }
    for (const [name, found] of sure) assert.ok(found < count / 50_000, `${found} of those ${name}`)
  })
})

const log = { topic: 'orders', partition: 0, logStart: 0, logEnd: 5_000 }

/** Marsaglia's xorshift. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}
