/** The commit metadata: what is written is read back, whatever does not fit is a true prefix, and nothing else is ever believed. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decodeCompleted, encodeCompleted } from '../../../framework/control-plane/metadata-encoder.ts'
import { checkOf, textFromBytes } from '../../../framework/control-plane/metadata-text.ts'
import type { OffsetRange } from '../../../framework/control-plane/offset-tracker.ts'
import { MAX_RUNS, MAX_SPAN, pushVarint } from '../../../framework/control-plane/run-codecs.ts'
import { readByTheBook } from './reference-reader.ts'
import { below, rangesOfRuns, seeded, shapes, windowOf } from './windows.ts'

const LIMIT = 4095

function decoded(position: number, text: string): readonly OffsetRange[] {
  const metadata = decodeCompleted(position, text)
  if (metadata.kind === 'rejected') assert.fail(metadata.why)
  return metadata.kind === 'none' ? [] : metadata.ranges
}

function encoded(position: number, ranges: readonly OffsetRange[]): string {
  const { text, truncated } = encodeCompleted(position, ranges, LIMIT)
  assert.equal(truncated, false)
  return text
}

function codecOf(text: string): number {
  const value = (index: number) => {
    const unit = text.charCodeAt(index)
    return unit < 0xac00 ? unit - 0x3400 : unit - 0xac00 + 0x7000
  }
  // Byte 8 is bits 64 to 71; units of 15 bits begin at character 2.
  return (((value(6) << 15) | value(7)) >>> 18) & 0xff
}

/** A text with a right check over any content. */
function forged(position: number, content: readonly number[]): string {
  const body = Uint8Array.from([...new Array(8).fill(0), ...content])
  const [crc32, crc32c] = checkOf(position, body.subarray(8))
  new DataView(body.buffer).setUint32(0, crc32)
  new DataView(body.buffer).setUint32(4, crc32c)
  return `P1${textFromBytes(body)}`
}

function forgedPayload(codec: number, span: number, payload: readonly number[]): string {
  const content = [codec]
  pushVarint(content, span)
  pushVarint(content, payload.length)
  return forged(0, [...content, ...payload])
}

/** One of each codec, with its run lengths made by a formula. */
const samples = [
  { codec: 1, position: 100, runs: [1, 2, 1, 2] },
  { codec: 1, position: 5, runs: [1, 49_995] },
  {
    codec: 2,
    position: 2 ** 40,
    runs: Array.from({ length: 120 }, (_, i) => 1 + Math.clz32(Math.imul(i + 1, 0x9e3779b1))),
  },
  { codec: 3, position: 0, runs: Array.from({ length: 180 }, (_, i) => (i % 2 === 0 ? 1 : 1 + ((i * i * 11) % 61))) },
  { codec: 4, position: 77, runs: Array.from({ length: 900 }, (_, i) => [1, 2, 1, 3, 2, 1][i % 6]!) },
] as const

describe('a window that fits', () => {
  it('needs no text when nothing is completed above the position', () => {
    assert.deepEqual(encodeCompleted(42, [], LIMIT), { text: '', coveredTo: 42, truncated: false })
    assert.deepEqual(decodeCompleted(42, ''), { kind: 'none' })
  })

  it('comes back exactly, in every shape and length', () => {
    for (const [name, shape] of Object.entries(shapes)) {
      for (const length of [1, 2, 3, 15, 16, 100, 1_000, 32_767, 32_768, 60_000]) {
        for (const position of [0, 1, 4_294_967_295, 9_000_000_000_000_000]) {
          const ranges = windowOf(position, length, shape(seeded(length)))
          const { text, coveredTo, truncated } = encodeCompleted(position, ranges, LIMIT)
          assert.ok(text.length <= LIMIT)
          assert.deepEqual({ coveredTo, truncated }, { coveredTo: ranges.at(-1)?.end ?? position, truncated: false })
          assert.deepEqual(decoded(position, text), ranges, `${name}, ${length}`)
        }
      }
    }
  })

  it('holds 65,536 offsets of every pattern that has one', () => {
    for (const [name, shape] of Object.entries(shapes)) {
      if (name === 'random, half') continue
      const ranges = windowOf(7, 65_536, shape(seeded(1)))
      assert.deepEqual(decoded(7, encoded(7, ranges)), ranges, name)
    }
  })

  it('comes back whatever the runs are', () => {
    const run = fc.oneof(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 2 ** 24 }),
    )
    const pairs = fc.array(fc.tuple(run, run), { minLength: 1, maxLength: 120 })
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 52 }), pairs, (position, runs) => {
        const ranges = rangesOfRuns(position, runs.flat())
        const { text, coveredTo, truncated } = encodeCompleted(position, ranges, LIMIT)
        assert.deepEqual(decoded(position, text), below(coveredTo, ranges))
        assert.equal(truncated, coveredTo < ranges.at(-1)!.end)
      }),
      { seed: 1, numRuns: 2_000 },
    )
  })

  it('merges ranges that touch', () => {
    const text = encoded(3, [
      { start: 5, end: 6 },
      { start: 6, end: 9 },
      { start: 9, end: 10 },
    ])
    assert.deepEqual(decoded(3, text), [{ start: 5, end: 10 }])
  })

  it('is refused when it is not sorted, is empty somewhere, or is not above the position: such a text could lie', () => {
    const wrong: readonly (readonly (readonly [number, number])[])[] = [
      [[10, 12]],
      [[9, 12]],
      [[12, 12]],
      [[13, 12]],
      [
        [11, 14],
        [13, 15],
      ],
      [
        [14, 15],
        [11, 12],
      ],
      [[11.5, 13]],
      [[11, Number.NaN]],
      [[11, 2 ** 53]],
    ]
    for (const pairs of wrong) {
      const ranges = pairs.map(([start, end]) => ({ start, end }))
      assert.throws(() => encodeCompleted(10, ranges, LIMIT), { code: 'PYR_BUG' }, JSON.stringify(pairs))
    }
  })
})

describe('a window that does not fit', () => {
  it('keeps a true prefix, ends it with a completed offset, and says where', () => {
    for (const [name, shape] of Object.entries(shapes)) {
      for (const maxLength of [9, 12, 20, 50, 300, 1_000]) {
        const ranges = windowOf(500, 30_000, shape(seeded(maxLength)))
        const { text, coveredTo, truncated } = encodeCompleted(500, ranges, maxLength)
        assert.ok(text.length <= maxLength, name)
        assert.equal(truncated, coveredTo < ranges.at(-1)!.end)
        assert.deepEqual(decoded(500, text), below(coveredTo, ranges), `${name}, ${maxLength}`)
        if (text !== '') assert.ok(ranges.some(({ start, end }) => start < coveredTo && coveredTo <= end))
      }
    }
  })

  it('uses the room: a random pattern of 100,000 offsets keeps more than 61,000 in 4,095 characters', () => {
    const { text, coveredTo, truncated } = encodeCompleted(
      0,
      windowOf(0, 100_000, shapes['random, half']!(seeded(3))),
      LIMIT,
    )
    assert.ok(truncated && coveredTo > 61_000, `${coveredTo}`)
    assert.ok(text.length <= LIMIT && text.length > LIMIT - 10)
  })

  it('is the empty text when not even the first completed offset fits', () => {
    for (const maxLength of [0, 1, 2, 5, 8]) {
      assert.deepEqual(encodeCompleted(5, [{ start: 6, end: 7 }], maxLength), {
        text: '',
        coveredTo: 5,
        truncated: true,
      })
    }
  })

  it('ends where the format does: after 2^31 - 1 offsets', () => {
    const far = { start: 2 ** 33, end: 2 ** 33 + 5 }
    const near = encodeCompleted(8, [{ start: 9, end: 11 }, far], LIMIT)
    assert.deepEqual([near.coveredTo, near.truncated], [11, true])
    assert.deepEqual(decoded(8, near.text), [{ start: 9, end: 11 }])
    const across = encodeCompleted(8, [{ start: 9, end: 2 ** 33 }, far], LIMIT)
    assert.deepEqual([across.coveredTo, across.truncated], [8 + MAX_SPAN, true])
    assert.deepEqual(decoded(8, across.text), [{ start: 9, end: 8 + MAX_SPAN }])
    const onlyFar = encodeCompleted(8, [far], LIMIT)
    assert.deepEqual(onlyFar, { text: '', coveredTo: 8, truncated: true })
  })

  it('ends after 2^20 gaps, which is what a reader unfolds at most', () => {
    const ranges = Array.from({ length: MAX_RUNS / 2 + 1 }, (_, index) => ({
      start: 2 * index + 1,
      end: 2 * index + 2,
    }))
    const { text, coveredTo, truncated } = encodeCompleted(0, ranges, LIMIT)
    assert.deepEqual([coveredTo, truncated], [MAX_RUNS, true])
    assert.equal(decoded(0, text).length, MAX_RUNS / 2)
  })

  it('never writes a text longer than 10,922 characters, which is what the oldest commit request can carry', () => {
    const { text } = encodeCompleted(0, windowOf(0, 300_000, shapes['random, half']!(seeded(4))), 1_000_000)
    assert.ok(text.length <= 10_922 && Buffer.byteLength(text) <= 32_767)
    assert.ok(decodeCompleted(0, text).kind === 'completed')
  })
})

describe('the format', () => {
  /** Never change these: commits that are already in a broker look like this. A new format gets a new prefix. */
  const golden = [
    'P1\u5978\u742a\u7093\ubad2\ub408\u4c10\u3604\u3502',
    'P1\u6278\u35f5\u97b3\u5fc1\u640e\u6618\u3a08\u35cb\u7701\u7400',
    'P1\ua051\u56a9\u3578\uac7d\u4c17\u7004\u70dc\u7c37\u5837\u986d\ub51b\uacde\u7c37\u5859\uaf17\ub836\u860d\u9d06\u981e\u556f\u7cb7\u5a19\u9c00',
    'P1\u69e6\ua165\ua06e\u4a79\uac1e\u3859\u4316\u7cf1\u3ae2\ub468\u34e0\u4207\u7450\uacb2\u9672\u6a2f\u87bc\u53a3\u5c59\u9187\u909f\u78b9\u53bf\u6664\u51cc\u517b\u4bc7\u8039\u5c2e\u86ed\ub278\u63a8\u7b5a\u85ac\ub3db\u7b4d\u8fb6\u78f8\u9a3b\u9191\u8bd9\ua189\ubb31\u9f4b\u8c00',
    'P1\u7311\u3c4e\u38fc\u87d6\u7c26\uac2c\u4574\ub7bb\u6830\u895c\u8080',
  ]

  it('is what it always was', () => {
    for (const [index, { codec, position, runs }] of samples.entries()) {
      const ranges = rangesOfRuns(position, runs)
      const text = golden[index]!
      assert.equal(encoded(position, ranges), text)
      assert.equal(codecOf(text), codec)
      assert.deepEqual(decoded(position, text), ranges)
    }
  })

  it('can be read by whoever has only its description', () => {
    for (const { position, runs } of samples) {
      const ranges = rangesOfRuns(position, runs)
      const offsets = ranges.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i))
      assert.deepEqual(readByTheBook(position, encoded(position, ranges)), offsets)
    }
    for (const shape of Object.values(shapes)) {
      const ranges = windowOf(321, 25_000, shape(seeded(9)))
      const offsets = ranges.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i))
      assert.deepEqual(readByTheBook(321, encoded(321, ranges)), offsets)
    }
  })

  it('uses 32,768 different characters that nothing on the way has a reason to touch', () => {
    const bits = Array.from({ length: 32_768 }, (_, value) => value.toString(2).padStart(15, '0')).join('')
    const text = textFromBytes(Uint8Array.from(bits.match(/.{8}/g)!, (byte) => Number.parseInt(byte, 2)))
    assert.equal(new Set(text).size, 32_768)
    assert.match(text, /^[\p{Lo}\p{Lm}\p{So}]+$/u)
    assert.equal(text.normalize('NFC'), text)
    assert.equal(text.normalize('NFKC'), text)
    assert.equal(text.trim(), text)
    assert.equal(Buffer.byteLength(text), 3 * 32_768)
    assert.equal(Buffer.from(text).toString(), text)
  })
})

describe('what is not believed', () => {
  /** As the tools themselves write them, and as a client that loses or adds a last character hands them over. */
  const confluent = [
    'bAAGNgA=',
    'bwAAAAY2AA==',
    'bgABAAIAAQAC',
    'ZQAAAAEAAAACAAAAAQAAAAI=',
    'YSi1L/0AWCEAAAAGNgA=',
    'cyi1L/0AWDEAAAAAAAY2AA==',
    'Sii1L/0AWEEAAAABAAIAAQAC',
    'cCi1L/0AWIEAAAAAAAEAAAACAAAAAQAAAAI=',
    'ZQAAAAEAAMNL',
    'bgAA',
    'bAAAAA==',
    'bwAAAAAA',
    'ZQAAAAA=',
    'bAAGPgA=',
    'bgABAAU=',
    'bgABf/8=',
    'bgABACcAAwA4AAEAMg==',
    'bACW/v/////4////////9///////PwA=',
    'Sii1L/0AWE0AABAAAQEAO1/vsA==',
    'bAAGNgA=\0',
    'bgA',
    'bAAGNgA',
    'TAAA',
    '7gAA',
  ]
  const python = [
    'R',
    'R101',
    'B100:36',
    'B1:17',
    'R1-3,5',
    'R101-1100',
    'B100:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    'R0,5,10',
    'O',
    'R101-102,104-105',
    'B100:02',
    'B0:2104',
    'R101-10',
    'R101-',
    'R101-105\0',
    'B100:',
  ]

  const texts = samples.map(({ position, runs }) => ({
    position,
    text: encoded(position, rangesOfRuns(position, runs)),
  }))

  function assertRejected(position: number, text: string): void {
    assert.equal(decodeCompleted(position, text).kind, 'rejected', JSON.stringify(text))
  }

  it('any cut: at the end, at the beginning, or of one character', () => {
    for (const { position, text } of texts) {
      for (let index = 0; index < text.length; index++) {
        if (index > 0) assertRejected(position, text.slice(0, index))
        if (index > 0) assertRejected(position, text.slice(index))
        assertRejected(position, text.slice(0, index) + text.slice(index + 1))
      }
    }
  })

  it('any padding, at either end or within', () => {
    for (const { position, text } of texts) {
      for (const pad of ['\0', ' ', '\n', '=', '\u3400', '\ubbff', '\ufeff', text[2]!, text]) {
        assertRejected(position, text + pad)
        assertRejected(position, pad + text)
        for (let index = 1; index < text.length; index++) {
          assertRejected(position, text.slice(0, index) + pad + text.slice(index))
        }
      }
    }
  })

  it('any two characters exchanged', () => {
    for (const { position, text } of texts) {
      for (let first = 0; first < text.length; first++) {
        for (let second = first + 1; second < text.length; second++) {
          if (text[first] === text[second]) continue
          const characters = [...text]
          characters[first] = text[second]!
          characters[second] = text[first]!
          assertRejected(position, characters.join(''))
        }
      }
    }
  })

  it('any one bit or character altered', () => {
    const random = seeded(5)
    for (const { position, text } of texts) {
      for (let index = 0; index < text.length; index++) {
        const unit = text.charCodeAt(index)
        const others = Array.from({ length: 60 }, () => Math.floor(random() * 0x10000))
        for (const other of [...Array.from({ length: 16 }, (_, bit) => unit ^ (1 << bit)), ...others]) {
          if (other !== unit)
            assertRejected(position, text.slice(0, index) + String.fromCharCode(other) + text.slice(index + 1))
        }
      }
    }
  })

  it('the metadata of another position', () => {
    for (const { position, text } of texts) {
      for (const other of [
        position + 1,
        position - 1,
        position + 2 ** 32,
        position + 256,
        0,
        1,
        2 ** 52,
        -1,
        Number.NaN,
      ]) {
        if (other !== position) assertRejected(other, text)
      }
    }
  })

  it('the metadata of other tools, which are named', () => {
    const others: readonly (readonly [why: RegExp, texts: readonly string[]])[] = [
      [/Confluent Parallel Consumer/, confluent],
      [/Pyrallel-Consumer \(Python\)/, python],
      [/Kafka Streams/, ['AQAAAYvPqM4A', 'AgAAAYvPqM4AAAAAAA==', 'AQAAAYvPqM4']],
      [/this version does not know/, ['P2\u5978\u742a', 'P0', 'P9 anything']],
      [
        /not in a format that Pyrallel knows/,
        [' ', '\0', 'P', 'p1', 'null', '{"offset":3}', 'committed by sarama', '\u5978', '\ud800', '1700000000000'],
      ],
    ]
    for (const [why, texts] of others) {
      for (const text of texts) {
        const metadata = decodeCompleted(100, text)
        assert.equal(metadata.kind, 'rejected', text)
        assert.match(metadata.kind === 'rejected' ? metadata.why : '', why, text)
      }
    }
  })

  it('content that cannot be, even with a right check', () => {
    const impossible = {
      nothing: forged(0, []),
      'codec only': forged(0, [1]),
      'a codec that does not exist': forgedPayload(5, 2, [1, 1]),
      'codec 0': forgedPayload(0, 2, [1, 1]),
      'runs shorter than the span': forgedPayload(1, 3, [1, 1]),
      'runs longer than the span': forgedPayload(1, 2, [1, 2]),
      'an empty run': forgedPayload(1, 2, [0, 2]),
      'an incomplete run at the end': forgedPayload(1, 3, [1, 1, 1]),
      'half a varint': forgedPayload(1, 2, [1, 0x81]),
      'a long form of a varint': forgedPayload(1, 2, [1, 0x81, 0]),
      'a varint beyond 31 bits': forgedPayload(1, MAX_SPAN, [1, 0xff, 0xff, 0xff, 0xff, 0x0f]),
      'no offset at all': forgedPayload(1, 0, []),
      'no offset in a bitset': forgedPayload(2, 0, []),
      'no offset in a model': forgedPayload(3, 0, []),
      'a bitset that claims the position': forgedPayload(2, 2, [0b11]),
      'a bitset that ends incomplete': forgedPayload(2, 3, [0b010]),
      'a bitset without its bits': forgedPayload(2, 9, [0b10]),
      'a bitset with too many': forgedPayload(2, 2, [0b10, 0]),
      'a bitset with bits beyond its span': forgedPayload(2, 2, [0b110]),
      'a length beyond the text': forged(0, [1, 2, 9, 1, 1]),
      'bytes beyond the length': forged(0, [1, 2, 2, 1, 1, 0]),
    }
    for (const [name, text] of Object.entries(impossible)) {
      assert.equal(decodeCompleted(0, text).kind, 'rejected', name)
    }
    assert.equal(decodeCompleted(0, forgedPayload(1, 2, [1, 1])).kind, 'completed', 'the forger forges well')
  })

  it('a few bytes that would unfold without bound', () => {
    // All ones or all zeros after the end: the model reads run after run from nothing.
    for (const codec of [3, 4]) {
      for (const payload of [[], [0], [255], [255, 255, 255, 255], new Array(500).fill(255)]) {
        const metadata = decodeCompleted(0, forgedPayload(codec, MAX_SPAN, payload))
        if (metadata.kind === 'completed') assert.ok(metadata.ranges.length <= MAX_RUNS / 2)
      }
    }
    const alternating = (bytes: number) => forgedPayload(2, bytes * 8, new Array(bytes).fill(0b10101010))
    assert.equal(decodeCompleted(0, alternating(20_000)).kind, 'completed')
    assert.equal(decodeCompleted(0, alternating(20_500)).kind, 'rejected', 'longer than any that is written')
  })
})

describe('a million random texts', () => {
  const random = seeded(Number(process.env.PYRALLEL_FUZZ_SEED ?? 1))
  const below = (limit: number) => Math.floor(random() * limit)
  const valid = samples.map(({ position, runs }) => ({
    position,
    text: encoded(position, rangesOfRuns(position, runs)),
  }))

  /** None of these is ours, or is ours unharmed: nothing may be claimed. */
  const makers: readonly (() => { readonly position: number; readonly text: string })[] = [
    function anyUnits() {
      const units = Array.from({ length: 1 + below(24) }, () => below(0x10000))
      return { position: below(1_000), text: String.fromCharCode(...units) }
    },
    function ascii() {
      const units = Array.from({ length: 1 + below(24) }, () => 32 + below(95))
      return { position: below(1_000), text: String.fromCharCode(...units) }
    },
    function ourAlphabet() {
      const bytes = Uint8Array.from({ length: 1 + below(40) }, () => below(256))
      return { position: below(1_000), text: `P1${textFromBytes(bytes)}` }
    },
    function validHeadWithoutCheck() {
      const payload = Array.from({ length: 1 + below(30) }, () => below(256))
      const content = Array.from({ length: 8 }, () => below(256))
      content.push(1 + below(4))
      pushVarint(content, 1 + below(300))
      pushVarint(content, payload.length)
      return { position: below(1_000), text: `P1${textFromBytes(Uint8Array.from([...content, ...payload]))}` }
    },
    function mutated() {
      const { position, text } = valid[below(valid.length)]!
      const at = below(text.length)
      const other = (text.charCodeAt(at) + 1 + below(0xffff)) % 0x10000
      return { position, text: text.slice(0, at) + String.fromCharCode(other) + text.slice(at + 1 + below(2)) }
    },
    function spliced() {
      const [one, two] = [valid[below(valid.length)]!, valid[below(valid.length)]!]
      const text = one.text.slice(0, 1 + below(one.text.length - 1)) + two.text.slice(1 + below(two.text.length - 1))
      return { position: one.position, text: text === one.text ? `${text}\0` : text }
    },
  ]

  it('never throw and never claim an offset', () => {
    for (let count = 0; count < 1_000_000; count++) {
      const { position, text } = makers[count % makers.length]!()
      if (decodeCompleted(position, text).kind !== 'rejected') assert.fail(`${position} ${JSON.stringify(text)}`)
    }
  })
})
