/** Work for benchmarks that keeps a core busy and touches nothing else: so many rounds of a hash that a compiler cannot leave out. */

/** @returns something that depends on every round */
export function burn(rounds: number): number {
  let state = 0x9e3779b9 ^ rounds
  for (let round = 0; round < rounds; round++) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d)
    state = Math.imul(state ^ (state >>> 12), 0x297a2d39)
    state ^= state >>> 15
  }
  return state >>> 0
}

/** Rounds that take about so long on one core of this machine, as it is now. */
export function roundsFor(ms: number): number {
  let rounds = 1_000
  let best = 0
  // At least one measurement, also where the machine lets others run all that time.
  for (const until = performance.now() + 200; best === 0 || performance.now() < until; ) {
    const start = performance.now()
    burn(rounds)
    const took = performance.now() - start
    if (took < 1) rounds *= 2
    else best = Math.max(best, rounds / took)
  }
  return Math.max(1, Math.round(best * ms))
}
