/** How long to wait before the server is asked again. */

const first = 500
const most = 10_000

/** Milliseconds before try number `tries` (from 1), spread by `random` (0 to 1): seven tabs must not come back at the same moment. */
export function backOffMs(tries: number, random: number): number {
  const limit = Math.min(most, first * 2 ** (tries - 1))
  return Math.round(limit * (0.5 + random / 2))
}
