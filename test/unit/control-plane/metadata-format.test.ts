/** The format of the commit metadata: fixed by examples, readable from its description, and safe to transport. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { textFromBytes } from '../../../framework/control-plane/offsets/metadata-text.ts'
import { decoded, encoded, samples } from './metadata-samples.ts'
import { readByTheBook } from './reference-reader.ts'
import { rangesOfRuns, seeded, shapes, windowOf } from './windows.ts'

function codecOf(text: string): number {
  const value = (index: number) => {
    const unit = text.charCodeAt(index)
    return unit < 0xac00 ? unit - 0x3400 : unit - 0xac00 + 0x7000
  }
  // Byte 8 is bits 64 to 71; units of 15 bits begin at character 2.
  return (((value(6) << 15) | value(7)) >>> 18) & 0xff
}

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
