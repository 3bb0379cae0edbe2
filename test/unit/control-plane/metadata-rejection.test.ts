/** Commit metadata that is cut, padded, altered, foreign, forged or random: never believed, never fatal. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeCompleted, encodeCompleted } from '../../../framework/control-plane/offsets/metadata-encoder.ts'
import { checkOf, textFromBytes } from '../../../framework/control-plane/offsets/metadata-text.ts'
import { MAX_RUNS, MAX_SPAN, pushVarint } from '../../../framework/control-plane/offsets/run-codecs.ts'
import { sampleTexts } from './metadata-samples.ts'
import { rangesOfRuns, seeded } from './windows.ts'

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

  const texts = sampleTexts(rangesOfRuns)

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

describe('how much of a text is built', () => {
  /** Every second offset of two million is completed: 141 characters. */
  const million = Array.from({ length: 1_000_000 }, (_, index) => ({ start: 2 * index + 1, end: 2 * index + 2 }))
  const { text } = encodeCompleted(0, million, 4_095)

  it('is no more than the ranges that are allowed, in every encoding, and what is built is true', () => {
    const texts = [
      text,
      forgedPayload(1, 300, new Array(300).fill(1)),
      forgedPayload(2, 300 * 8, new Array(300).fill(0b10101010)),
    ]
    for (const each of texts) {
      const decoded = decodeCompleted(0, each, 10)
      assert.deepEqual(decoded, { kind: 'completed', ranges: million.slice(0, 10), cutAt: 20 })
    }
  })

  it('is all of it where there are as many ranges as allowed', () => {
    const fifty = encodeCompleted(0, million.slice(0, 50), 4_095).text
    assert.deepEqual(decodeCompleted(0, fifty, 50), { kind: 'completed', ranges: million.slice(0, 50) })
  })
})

describe('attempts with a right check that cannot be', () => {
  const body = (codec: number, span: number, payload: readonly number[], attempts: readonly number[]) => {
    const content = [codec]
    pushVarint(content, span)
    pushVarint(content, payload.length)
    return forged(0, [...content, ...payload, ...attempts])
  }
  const many = (count: number) => [...varint(count), ...Array.from({ length: 2 * count }, () => 1)]
  const varint = (value: number) => {
    const bytes: number[] = []
    pushVarint(bytes, value)
    return bytes
  }

  it('are not believed, nor is what is told with them', () => {
    const texts = {
      'of no record': body(17, 2, [1, 1], [0]),
      'of fewer records than said': body(17, 2, [1, 1], [2, 0, 1]),
      'of more records than said': body(17, 2, [1, 1], [1, 0, 1, 0, 1]),
      'of a record that was not tried': body(17, 2, [1, 1], [1, 0, 0]),
      'of a record that was tried more often than is allowed': body(17, 2, [1, 1], [1, 0, ...varint(1_001)]),
      'of more records than are written': body(17, 2, [1, 1], many(257)),
      'beyond what a text can reach': body(17, 2, [1, 1], [2, ...varint(MAX_SPAN), 1, 0, 1]),
      'with no completed offset and a payload': body(16, 0, [1], [1, 0, 1]),
      'with no completed offset and a span': body(16, 2, [], [1, 0, 1]),
      'with an encoding and no span': body(17, 0, [], [1, 0, 1]),
      'with an encoding that does not exist': body(21, 2, [1, 1], [1, 0, 1]),
      'none, and nothing completed': body(0, 0, [], []),
      'none, and an encoding that asks for them': body(17, 2, [1, 1], []),
    }
    for (const [name, text] of Object.entries(texts)) assert.equal(decodeCompleted(0, text).kind, 'rejected', name)
  })

  it('are one step from others that are believed', () => {
    const ranges = [{ start: 1, end: 2 }]
    const one = [{ offset: 0, tried: 1_000 }]
    const text = body(17, 2, [1, 1], [1, 0, ...varint(1_000)])
    assert.deepEqual(decodeCompleted(0, text), { kind: 'completed', ranges, attempts: one })
    assert.deepEqual(decodeCompleted(0, body(16, 0, [], [1, 0, ...varint(1_000)])), {
      ...{ kind: 'completed', ranges: [], attempts: one },
    })
    const most = decodeCompleted(0, body(17, 2, [1, 1], many(256)))
    assert.equal(most.kind === 'completed' && most.attempts?.length, 256)
  })
})

describe('a million random texts', () => {
  const random = seeded(Number(process.env.PYRALLEL_FUZZ_SEED ?? 1))
  const below = (limit: number) => Math.floor(random() * limit)
  const valid = sampleTexts(rangesOfRuns)

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
      content.push(1 + below(4) + 16 * below(2))
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
      return { position: one.position, text: text === one.text || text === two.text ? `${text}\0` : text }
    },
  ]

  it('never throw and never claim an offset', () => {
    for (let count = 0; count < 1_000_000; count++) {
      const { position, text } = makers[count % makers.length]!()
      if (decodeCompleted(position, text).kind !== 'rejected') assert.fail(`${position} ${JSON.stringify(text)}`)
    }
  })
})
