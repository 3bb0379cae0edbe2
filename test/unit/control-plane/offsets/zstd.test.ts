/** Zstandard frames: unfolded as they were, or refused. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import zlib from 'node:zlib'
import { unfoldZstandard } from '../../../../framework/control-plane/offsets/zstd.ts'
import { seeded } from '../windows.ts'
import { frames } from './zstd-frames.ts'
import { type ShapeName, shapes } from './zstd-shapes.ts'

const LIMIT = 256 * 1_024

/** Of Node's from 22.15 on. */
const compress =
  'zstdCompressSync' in zlib ? (zlib.zstdCompressSync as (bytes: Uint8Array, options?: object) => Buffer) : undefined

describe('a Zstandard frame', () => {
  for (const { shape, seed, length, frame } of frames) {
    it(`is unfolded to what was compressed: ${length} bytes of ${shape}`, () => {
      const unfolded = unfoldZstandard(Buffer.from(frame, 'base64'), LIMIT)
      assert.deepEqual(Buffer.from(unfolded ?? []), Buffer.from(shapes[shape](seeded(seed), length)))
    })
  }

  // On older ones, the frames above stand for it.
  if (compress !== undefined) {
    it('is unfolded to what was compressed, whatever that is and at every level', () => {
      const random = seeded(Number(process.env.PYRALLEL_FUZZ_SEED ?? 1))
      const names = Object.keys(shapes) as ShapeName[]
      for (let count = 0; count < 120; count++) {
        const shape = names[count % names.length]!
        const bytes = shapes[shape](random, Math.floor(random() ** 3 * 80_000))
        const params = {
          [Number(zlib.constants['ZSTD_c_compressionLevel' as never])]: 1 + (count % 19),
          [Number(zlib.constants['ZSTD_c_contentSizeFlag' as never])]: count % 2,
        }
        const frame: Buffer = compress(bytes, { params })
        assert.deepEqual(Buffer.from(unfoldZstandard(frame, LIMIT) ?? []), Buffer.from(bytes), `${shape} ${count}`)
      }
    })
  }

  it('is refused where it is cut, goes on, or is longer than it may be', () => {
    for (const { length, frame } of frames) {
      const bytes = Buffer.from(frame, 'base64')
      for (let end = 0; end < bytes.length; end += 1 + Math.floor(bytes.length / 200))
        assert.equal(unfoldZstandard(bytes.subarray(0, end), LIMIT), undefined)
      assert.equal(unfoldZstandard(Buffer.concat([bytes, Buffer.of(0)]), LIMIT), undefined)
      assert.equal(unfoldZstandard(bytes, length - 1), undefined)
      assert.equal(unfoldZstandard(bytes, length)?.length, length)
    }
  })

  it('is refused with a check sum, with a dictionary, and with a size that is another', () => {
    // Three bytes, uncompressed: what the other flags of the descriptor do.
    const frame = (descriptor: number, ...rest: number[]) => Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, descriptor, ...rest)
    const block = [0x19, 0, 0, 1, 2, 3]
    assert.deepEqual(unfoldZstandard(frame(0x20, 3, ...block), LIMIT), Uint8Array.of(1, 2, 3))
    assert.deepEqual(unfoldZstandard(frame(0x00, 0x58, ...block), LIMIT), Uint8Array.of(1, 2, 3))
    for (const other of [
      frame(0x24, 3, ...block, 1, 2, 3, 4),
      frame(0x21, 7, 3, ...block),
      frame(0x20, 4, ...block),
      frame(0x28, 3, ...block),
    ])
      assert.equal(unfoldZstandard(other, LIMIT), undefined)
  })

  it('is unfolded or refused when it is altered, and never longer than it may be', () => {
    const random = seeded(Number(process.env.PYRALLEL_FUZZ_SEED ?? 1))
    let refused = 0
    const times = Number(process.env.PYRALLEL_FUZZ_FRAMES ?? 3_000)
    for (let count = 0; count < times; count++) {
      const bytes = Buffer.from(frames[count % frames.length]!.frame, 'base64')
      for (let left = 1 + Math.floor(random() * 3); left > 0; left--)
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
      const unfolded = unfoldZstandard(bytes, 20_000)
      if (unfolded === undefined) refused += 1
      else assert.ok(unfolded.length <= 20_000)
    }
    assert.ok(refused > times / 4 && refused < times, `${refused} of ${times}`)
  })
})
