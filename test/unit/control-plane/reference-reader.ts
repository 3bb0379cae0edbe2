/** Reads commit metadata by the text of format 1 alone, slowly and with bigints, to show that the text is enough. Not a test itself. */

/** Completed offsets, one by one. Throws when the text is not valid. */
export function readByTheBook(position: number, text: string): number[] {
  if (!text.startsWith('P1')) throw new Error('prefix')
  let bits = ''
  for (const unit of text.slice(2)) {
    const code = unit.charCodeAt(0)
    bits += (code < 0xac00 ? code - 0x3400 : code - 0xac00 + 0x7000).toString(2).padStart(15, '0')
  }
  const bytes: number[] = []
  for (let at = 0; at + 8 <= bits.length; at += 8) bytes.push(Number.parseInt(bits.slice(at, at + 8), 2))
  let at = 9
  const varint = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!
      value += (byte % 128) * 2 ** shift
      if (byte < 128) return value
    }
  }
  const span = varint()
  const length = varint()
  const payload = bytes.slice(at, at + length)
  const positionBytes = Array.from({ length: 8 }, (_, index) =>
    Number((BigInt(position) >> BigInt(56 - 8 * index)) & 255n),
  )
  const checked = [...positionBytes, ...bytes.slice(8, at + length)]
  const check = [crc(0xedb88320, checked), crc(0x82f63b78, checked)].map((value) => value.toString(16).padStart(8, '0'))
  if (bytes.slice(0, 8).map(hex).join('') !== check.join('')) throw new Error('check')
  const runs = readRuns(bytes[8]!, payload, span)
  const completed: number[] = []
  let offset = position
  for (const [index, run] of runs.entries()) {
    for (const end = offset + run; offset < end; offset++) if (index % 2 === 1) completed.push(offset)
  }
  return completed
}

function readRuns(codec: number, payload: number[], span: number): number[] {
  const runs: number[] = []
  if (codec === 1) {
    for (let at = 0; at < payload.length; at++) {
      let value = 0
      let scale = 1
      for (; payload[at]! >= 128; at++, scale *= 128) value += (payload[at]! - 128) * scale
      runs.push(value + payload[at]! * scale)
    }
  } else if (codec === 2) {
    const bits = Array.from({ length: span }, (_, index) => (payload[Math.floor(index / 8)]! >> (index % 8)) & 1)
    for (let start = 0; start < span; ) {
      let end = start
      while (end < span && bits[end] === bits[start]) end++
      runs.push(end - start)
      start = end
    }
  } else {
    const read = bitReader(payload)
    for (let total = 0; total < span; total += runs.at(-1)!) {
      const s = runs.length % 2
      const [a, b, d] = [1, 2, 3].map((back) => Math.min(runs[runs.length - back] ?? 0, 32))
      const K = 0x9e3779b1n
      const hash = ((((BigInt(d!) + 1n) * K + BigInt(b!)) * K + BigInt(a!)) * K + BigInt(s)) * K
      const c = codec === 3 ? s * 288 : Number((hash % 2n ** 32n) >> 17n)
      let w = 0
      while (w < 30 && read(c + w) === 1) w++
      let n = 1
      for (let left = w; left > 0; left--) n = n * 2 + read(c + 32 + 8 * w + (n >= 8 ? 0 : n))
      runs.push(n)
    }
  }
  return runs
}

function bitReader(payload: number[]): (context: number) => number {
  const zeros = new Map<number, number>()
  const ones = new Map<number, number>()
  const stream = payload.map((byte) => byte.toString(2).padStart(8, '0')).join('')
  let next = 31
  let value = BigInt(`0b${stream.padEnd(31, '0').slice(0, 31)}`)
  let low = 0n
  let high = 2n ** 31n - 1n
  return (context) => {
    let z = zeros.get(context) ?? 0
    let o = ones.get(context) ?? 0
    const split = low + ((high - low) * BigInt(2 * o + 1)) / BigInt(2 * (z + o) + 2)
    const bit = value <= split ? 1 : 0
    if (bit === 1) high = split
    else low = split + 1n
    if (bit === 1) o += 1
    else z += 1
    if (z + o === 1023) [z, o] = [Math.floor(z / 2), Math.floor(o / 2)]
    zeros.set(context, z)
    ones.set(context, o)
    while (low >> 23n === high >> 23n) {
      low = (low * 256n) % 2n ** 31n
      high = (high * 256n + 255n) % 2n ** 31n
      value = (value * 256n + BigInt(`0b${stream.slice(next, next + 8).padEnd(8, '0')}`)) % 2n ** 31n
      next += 8
    }
    return bit
  }
}

function crc(polynomial: number, bytes: number[]): number {
  let value = 0xffffffff
  for (const byte of bytes) {
    value ^= byte
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? polynomial : 0)
  }
  return ~value >>> 0
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}
