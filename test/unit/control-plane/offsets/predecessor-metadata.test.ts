/** Commit metadata of Confluent Parallel Consumer and of Pyrallel-Consumer: what is read of it, and what is not believed. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodePredecessor, type ToldBy } from '../../../../framework/control-plane/offsets/predecessor-metadata.ts'
import type { Predecessor } from '../../../../framework/model/settings.ts'
import { seeded } from '../windows.ts'

const LOG_END = 2 ** 40

function decode(from: Predecessor, position: number, text: string, over: Partial<ToldBy> = {}) {
  const decoded = decodePredecessor(from, { position, text, logEnd: LOG_END, maxRanges: 10_000, ...over })
  if (decoded?.kind !== 'completed') return decoded
  return { ...decoded, ranges: [...decoded.ranges].map(({ start, end }) => [start, end]) }
}

/** Completed ranges of a text that is believed. */
function completed(from: Predecessor, position: number, text: string): readonly (readonly number[])[] {
  const decoded = decode(from, position, text)
  assert.equal(decoded?.kind, 'completed', `${text}: ${JSON.stringify(decoded)}`)
  return decoded?.kind === 'completed' ? decoded.ranges : []
}

function why(from: Predecessor, position: number, text: string, over?: Partial<ToldBy>): string {
  const decoded = decode(from, position, text, over)
  assert.equal(decoded?.kind, 'rejected', `${text}: ${JSON.stringify(decoded)}`)
  return decoded?.kind === 'rejected' ? decoded.why : ''
}

/** As that tool writes it, which is told by one character. */
function parallelConsumer(magic: string, ...bytes: readonly number[]): string {
  return Buffer.from([magic.charCodeAt(0), ...bytes]).toString('base64')
}

const alternating = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => [from + 2 * index, from + 2 * index + 1])

describe("Confluent Parallel Consumer's metadata", () => {
  // Made by its own classes, the compressed ones with the library that it uses.
  for (const [encoding, text] of [
    ['bits', 'bAAGNgA='],
    ['bits of a long window', 'bwAAAAY2AA=='],
    ['runs', 'bgABAAIAAQAC'],
    ['long runs', 'ZQAAAAEAAAACAAAAAQAAAAI='],
    ['bits, compressed', 'YSi1L/0AWCEAAAAGNgA='],
    ['bits of a long window, compressed', 'cyi1L/0AWDEAAAAAAAY2AA=='],
    ['runs, compressed', 'Sii1L/0AWEEAAAABAAIAAQAC'],
    ['long runs, compressed', 'cCi1L/0AWIEAAAAAAAEAAAACAAAAAQAAAAI='],
  ] as const) {
    it(`is read in each of its encodings: ${encoding}`, () => {
      assert.deepEqual(completed('parallel-consumer', 100, text), [
        [101, 103],
        [104, 106],
      ])
    })
  }

  for (const [what, position, text, ranges] of [
    ['one stuck record below 49,995', 5, 'ZQAAAAEAAMNL', [[6, 50_001]]],
    ['five above one, as bits', 100, 'bAAGPgA=', [[101, 106]]],
    ['five above one, as runs', 100, 'bgABAAU=', [[101, 106]]],
    ['the longest run of 16 bits', 100, 'bgABf/8=', [[101, 32_868]]],
    [
      'gaps in 150',
      0,
      'bgABACcAAwA4AAEAMg==',
      [
        [1, 40],
        [43, 99],
        [100, 150],
      ],
    ],
    [
      'gaps in 150, as bits',
      0,
      'bACW/v/////4////////9///////PwA=',
      [
        [1, 40],
        [43, 99],
        [100, 150],
      ],
    ],
    ['every second of 4,000, compressed', 0, 'Sii1L/0AWE0AABAAAQEAO1/vsA==', alternating(1, 2_000)],
  ] as const) {
    it(`tells the completed offsets above the position: ${what}`, () => {
      assert.deepEqual(completed('parallel-consumer', position, text), ranges)
    })
  }

  it('tells nothing where nothing is done above the position', () => {
    for (const text of [
      'bgAA',
      'bAAAAA==',
      'bwAAAAAA',
      'ZQAAAAA=',
      parallelConsumer('l', 0, 1, 0, 0),
      parallelConsumer('n', 0, 1),
    ])
      assert.deepEqual(decode('parallel-consumer', 100, text), { kind: 'none' }, text)
  })

  it('is not believed without its last character, with one more, or with what a client leaves behind it', () => {
    for (const text of ['bAAGNgA=', 'bgABAAIAAQAC', 'ZQAAAAEAAMNL', 'Sii1L/0AWEEAAAABAAIAAQAC', 'bAAGPgA=']) {
      for (const other of [
        text.slice(0, -1),
        `${text}=`,
        `${text}\0`,
        `${text} `,
        `${text}A`,
        `${text}AAAA`,
        text.replace('=', ''),
      ])
        if (other !== text) why('parallel-consumer', 100, other)
    }
  })

  it('is not believed where the position itself would be done: it was written for another', () => {
    for (const text of [
      parallelConsumer('l', 0, 6, 0x37, 0),
      parallelConsumer('n', 0, 0, 0, 5),
      parallelConsumer('o', 0, 0, 0, 1, 1, 0),
    ])
      assert.match(why('parallel-consumer', 100, text), /written for another position/)
  })

  it('is not believed where it goes beyond the end of the log, or that end is not known', () => {
    assert.deepEqual(decode('parallel-consumer', 100, 'bAAGNgA=', { logEnd: 106 })?.kind, 'completed')
    assert.match(
      why('parallel-consumer', 100, 'bAAGNgA=', { logEnd: 105 }),
      /offsets up to 105, beyond the end of the log, 105/,
    )
    assert.match(why('parallel-consumer', 100, 'bAAGNgA=', { logEnd: undefined }), /the end of its log is not known/)
  })

  it('is not believed with content that the tool does not write', () => {
    const impossible = {
      'no payload': parallelConsumer('l'),
      'half a count': parallelConsumer('o', 0, 0, 1),
      'a negative count': parallelConsumer('l', 0xff, 0xff, 0x36, 0),
      'without the byte at its end': parallelConsumer('l', 0, 6, 0x36),
      'with another byte there': parallelConsumer('l', 0, 6, 0x36, 1),
      'too many bits': parallelConsumer('l', 0, 6, 0x36, 0, 0),
      'too few bits': parallelConsumer('l', 0, 60, 0x36, 0),
      'bits beyond its count': parallelConsumer('l', 0, 6, 0x76, 0),
      'an incomplete offset at its end': parallelConsumer('l', 0, 6, 0x16, 0),
      'half a run': parallelConsumer('n', 0, 1, 0),
      'an empty run': parallelConsumer('n', 0, 1, 0, 0, 0, 1, 0, 1),
      'an incomplete run at its end': parallelConsumer('n', 0, 1, 0, 1, 0, 1),
      'a negative run': parallelConsumer('n', 0, 1, 0xff, 0xff),
      'a frame that is cut': parallelConsumer('J', 0x28, 0xb5, 0x2f, 0xfd, 0, 0x58),
      'no frame': parallelConsumer('a', 0, 6, 0x36, 0),
    }
    for (const [what, text] of Object.entries(impossible)) assert.ok(why('parallel-consumer', 100, text), what)
    assert.match(why('parallel-consumer', 100, 'A'.repeat(4_100).replace(/^A/, 'b')), /longer than any/)
  })

  it('is told apart from what others write', () => {
    for (const text of ['AgAAAYvPqM4A', 'R101', 'B100:36', 'O', 'TAAA', '7gAA', '{}', ' ', '\0', '\u{1F600}'])
      assert.equal(decode('parallel-consumer', 100, text), undefined, JSON.stringify(text))
  })
})

describe("Pyrallel-Consumer's metadata", () => {
  for (const [position, text, ranges] of [
    [100, 'R101', [[101, 102]]],
    [
      100,
      'B100:36',
      [
        [101, 103],
        [104, 106],
      ],
    ],
    [
      100,
      'R101-102,104-105',
      [
        [101, 103],
        [104, 106],
      ],
    ],
    [100, 'R101-1100', [[101, 1_101]]],
    [100, `B100:${'aa'.repeat(25)}`, alternating(101, 100)],
    [
      0,
      'R5,10',
      [
        [5, 6],
        [10, 11],
      ],
    ],
    [2 ** 39, `R${2 ** 39 + 7}`, [[2 ** 39 + 7, 2 ** 39 + 8]]],
  ] as const) {
    it(`tells the completed offsets above the position: ${text.slice(0, 20)}`, () => {
      assert.deepEqual(completed('pyrallel-consumer', position, text), ranges)
    })
  }

  it('tells nothing where nothing is done above the position', () => {
    assert.deepEqual(decode('pyrallel-consumer', 100, 'R'), { kind: 'none' })
  })

  it('is dropped, and says why, where it had no room', () => {
    assert.match(why('pyrallel-consumer', 100, 'O'), /Pyrallel-Consumer \(Python\), but it had no room/)
  })

  it('is not believed where the position itself is done, or lies above: it was written for another', () => {
    for (const text of ['R100', 'R99', 'R1-3,5', 'R99-101', 'B100:37'])
      assert.match(why('pyrallel-consumer', 100, text), /written for another position/, text)
    assert.match(why('pyrallel-consumer', 100, 'B1:16'), /written for position 1$/)
    assert.match(why('pyrallel-consumer', 100, 'B0100:16'), /written for position 0100$/)
  })

  it('is not believed where it goes beyond the end of the log', () => {
    assert.match(why('pyrallel-consumer', 100, 'R101-200', { logEnd: 200 }), /beyond the end of the log, 200/)
    assert.match(why('pyrallel-consumer', 100, 'R101-9007199254740993'), /cut or altered|beyond/)
    assert.match(why('pyrallel-consumer', 100, 'R99999999999999999999'), /cut or altered/)
  })

  it('is not believed with content that the tool does not write', () => {
    for (const text of [
      ...[
        'R101,',
        'R,101',
        'R101,,103',
        'R101-',
        'R-101',
        'R101-101',
        'R103-101',
        'R103,101',
        'R101,101',
        'R0101',
        'R101-0105',
      ],
      ...[
        'R101 ',
        'R101\0',
        'B100:',
        'B100:3',
        'B100:3600',
        'B100:3G',
        'B100:3E',
        'B:36',
        'B100:36\0',
        'OO',
        'O\0',
        'R1.5',
        'R1e3',
      ],
    ])
      assert.ok(why('pyrallel-consumer', 100, text), text)
  })

  it('is told apart from what others write', () => {
    for (const text of ['AgAAAYvPqM4A', 'bAAGNgA=', '{}', ' ', 'r101', ''])
      assert.equal(decode('pyrallel-consumer', 100, text), undefined, JSON.stringify(text))
  })
})

describe('how much of a text is built', () => {
  it('is no more than the ranges that are allowed, and what is built is true', () => {
    for (const [from, text] of [
      ['parallel-consumer', 'Sii1L/0AWE0AABAAAQEAO1/vsA=='],
      ['pyrallel-consumer', `B0:${'aa'.repeat(500)}`],
      ['pyrallel-consumer', `R${alternating(1, 100).map(([start]) => start)}`],
    ] as const) {
      const expected = { kind: 'completed', ranges: alternating(1, 10), cutAt: 20 }
      assert.deepEqual(decode(from, 0, text, { maxRanges: 10 }), expected)
    }
  })
})

/** PYRALLEL_FUZZ_TEXTS=1000000 for many more. */
const texts = Number(process.env.PYRALLEL_FUZZ_TEXTS ?? 6_000)

describe('mutated texts', () => {
  const seeds = [
    ...[
      'bAAGNgA=',
      'bwAAAAY2AA==',
      'bgABAAIAAQAC',
      'ZQAAAAEAAAACAAAAAQAAAAI=',
      'YSi1L/0AWCEAAAAGNgA=',
      'cyi1L/0AWDEAAAAAAAY2AA==',
    ],
    ...[
      'Sii1L/0AWEEAAAABAAIAAQAC',
      'cCi1L/0AWIEAAAAAAAEAAAACAAAAAQAAAAI=',
      'Sii1L/0AWE0AABAAAQEAO1/vsA==',
      'bACW/v/////4////////9///////PwA=',
    ],
    ...['R101', 'R101-102,104-105', 'R101-1100', 'B100:36', `B100:${'aa'.repeat(25)}`, 'R'],
  ]
  const random = seeded(Number(process.env.PYRALLEL_FUZZ_SEED ?? 1))
  const below = (limit: number) => Math.floor(random() * limit)
  const alphabets = [
    'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
    '0123456789abcdef-,:',
    '\0 =\uffff\ud800',
  ] as const

  function mutate(text: string): string {
    const at = below(text.length + 1)
    const alphabet = alphabets[below(alphabets.length)]!
    const other = alphabet[below(alphabet.length)]!
    const what = below(6)
    if (what === 0) return text.slice(0, at)
    if (what === 1) return text.slice(0, at) + other + text.slice(at)
    if (what === 2) return text.slice(0, at) + text.slice(at + 1 + below(3))
    if (what === 3) return text + text.slice(at)
    // One byte altered, and base64 still: it comes as far as the content.
    const bytes = Buffer.from(text, 'base64')
    const place = 1 + below(Math.max(1, bytes.length - 1))
    if (what === 4 && place < bytes.length) bytes[place] = below(256)
    return what === 4 ? bytes.toString('base64') : text.slice(0, at) + other + text.slice(at + 1)
  }

  it('never throw, and never name an offset that is not above the position and in the log', () => {
    const counts = { completed: 0, rejected: 0, none: 0, foreign: 0 }
    for (let count = 0; count < texts; count++) {
      let text = seeds[count % seeds.length]!
      for (let times = 1 + below(3); times > 0; times--) text = mutate(text)
      for (const from of ['parallel-consumer', 'pyrallel-consumer'] as const) {
        const decoded = decodePredecessor(from, { position: 100, text, logEnd: 40_000, maxRanges: 1_000 })
        counts[decoded?.kind ?? 'foreign'] += 1
        if (decoded?.kind === 'rejected') assert.ok(decoded.why.length < 200, 'a reason carries none of the text')
        if (decoded?.kind !== 'completed') continue
        let end = 100
        for (const range of decoded.ranges) {
          assert.ok(range.start > end && range.end > range.start && range.end <= 40_000, text)
          end = range.end
        }
        assert.ok(decoded.ranges.length <= 1_000)
      }
    }
    assert.ok(Math.min(...Object.values(counts)) > texts / 100, JSON.stringify(counts))
  })
})
