/** Reproducible randomness: the same seed gives the same numbers. Not for secrets. */

/**
 * Mulberry32, a 32-bit generator with a period of 2^32 (Tommy Ettinger, public domain).
 * @param seed an integer; only its lowest 32 bits count
 * @returns a function that gives 0 up to, not including, 1
 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
