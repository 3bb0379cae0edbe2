/** Writes zstd-frames.ts with Node's own encoder: `node --import tsx test/unit/control-plane/offsets/write-zstd-frames.ts`, on Node 22.15 or later. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import zlib from 'node:zlib'
import { seeded } from '../windows.ts'
import { type ShapeName, shapes } from './zstd-shapes.ts'

const wanted: readonly (readonly [shape: ShapeName, length: number, level: number])[] = [
  ['bits, few of them set', 1_500, 3],
  ['bits, few of them set', 300, 19],
  ['bits, most of them set', 2_000, 3],
  ['small numbers of two bytes', 1_200, 3],
  ['small numbers of two bytes', 400, 19],
  ['small numbers of four bytes', 1_000, 3],
  ['a pattern that repeats', 5_000, 3],
  ['a pattern with faults', 4_000, 3],
  ['a pattern with faults', 12_000, 19],
  ['letters of a language', 700, 3],
  ['letters of a language', 1_800, 1],
  ['one byte', 140_000, 3],
  ['noise', 60, 3],
]

const compress = zlib['zstdCompressSync' as never] as (bytes: Uint8Array, options: object) => Buffer
const lines = wanted.map(([shape, length, level], seed) => {
  const params = { [Number(zlib.constants['ZSTD_c_compressionLevel' as never])]: level }
  const frame = compress(shapes[shape](seeded(seed), length), { params }).toString('base64')
  return `  { shape: '${shape}', seed: ${seed}, length: ${length}, frame: '${frame}' },\n`
})
const head = `/** Frames that Node's own encoder has made: write-zstd-frames.ts. */
import type { ShapeName } from './zstd-shapes.ts'

// biome-ignore format: one a line
export const frames: readonly { readonly shape: ShapeName; readonly seed: number; readonly length: number; readonly frame: string }[] = [
`
writeFileSync(fileURLToPath(new URL('./zstd-frames.ts', import.meta.url)), `${head}${lines.join('')}]\n`)
