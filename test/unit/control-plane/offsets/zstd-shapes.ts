/** Bytes as offset maps and others have them, from a seed. Not a test itself. */

export type ShapeName = keyof typeof shapes

function bytes(length: number, at: (index: number, before: Uint8Array) => number): Uint8Array {
  const made = new Uint8Array(length)
  for (let index = 0; index < length; index++) made[index] = at(index, made)
  return made
}

export const shapes = {
  'bits, few of them set': (random: () => number, length: number) => bits(random, length, 0.1),
  'bits, most of them set': (random: () => number, length: number) => bits(random, length, 0.95),
  'small numbers of two bytes': (random: () => number, length: number) =>
    bytes(length, (index) => (index % 2 === 0 ? 0 : 1 + random() ** 2 * 9)),
  'small numbers of four bytes': (random: () => number, length: number) =>
    bytes(length, (index) => (index % 4 === 3 ? 1 + random() * 40 : 0)),
  'a pattern that repeats': (_random: () => number, length: number) => bytes(length, (index) => (index * 7) % 31),
  'a pattern with faults': (random: () => number, length: number) =>
    bytes(length, (index, before) => (index < 50 || random() < 0.02 ? random() * 256 : (before[index - 50] ?? 0))),
  'letters of a language': (random: () => number, length: number) => bytes(length, () => 97 + random() ** 3 * 26),
  'one byte': (_random: () => number, length: number) => bytes(length, () => 170),
  noise: (random: () => number, length: number) => bytes(length, () => random() * 256),
} as const

function bits(random: () => number, length: number, share: number): Uint8Array {
  return bytes(length, () => {
    let byte = 0
    for (let bit = 0; bit < 8; bit++) byte = byte * 2 + (random() < share ? 1 : 0)
    return byte
  })
}
