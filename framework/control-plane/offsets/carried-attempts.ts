/** Writes how often incomplete records were tried as bytes of commit metadata, and reads them back. Checks form only; knows nothing of retries. */
import { MAX_SPAN, pushVarint, readVarint } from './run-codecs.ts'

/** A record that is not done, and how many of its attempts have ended. */
export interface CarriedAttempts {
  readonly offset: number
  /** 1 to 1,000. */
  readonly tried: number
}

/** Records that one text tells of: the lowest offsets. Their number takes two bytes at most, each of them two or more. */
export const MAX_CARRIED = 256

/** The most that one record can have: the limit of `retry.attempts`. */
export const MAX_TRIED = 1_000

/**
 * The number of pairs, then for each: its offset less the one before it, less 1 (of the first: less the position), and its attempts. All are varints.
 * @param carried ascending by offset, all at or above `position`
 * @param budget bytes that they may take; what does not fit is left out, the highest offsets first
 * @returns nothing when not one fits
 */
export function attemptsAsBytes(
  position: number,
  carried: readonly CarriedAttempts[],
  budget: number,
): readonly number[] {
  const pairs: number[] = []
  let [count, length, next] = [0, 0, position]
  for (const { offset, tried } of carried) {
    if (count === MAX_CARRIED || offset - position > MAX_SPAN) break
    pushVarint(pairs, offset - next)
    pushVarint(pairs, Math.min(tried, MAX_TRIED))
    if (pairs.length + 2 > budget) break
    count += 1
    length = pairs.length
    next = offset + 1
  }
  if (count === 0) return []
  const bytes: number[] = []
  pushVarint(bytes, count)
  return [...bytes, ...pairs.slice(0, length)]
}

/** Never throws. Undefined when the bytes from `at` on cannot be pairs of this position. `next` is the byte behind them. */
export function readAttempts(
  bytes: Uint8Array,
  at: number,
  position: number,
): { readonly carried: readonly CarriedAttempts[]; readonly next: number } | undefined {
  const count = readVarint(bytes, at)
  if (count === undefined || count.value === 0 || count.value > MAX_CARRIED) return undefined
  const carried: CarriedAttempts[] = []
  let [lowest, byte] = [position, count.next]
  for (let left = count.value; left > 0; left -= 1) {
    const gap = readVarint(bytes, byte)
    const tried = gap === undefined ? undefined : readVarint(bytes, gap.next)
    if (gap === undefined || tried === undefined || tried.value === 0 || tried.value > MAX_TRIED) return undefined
    const offset = lowest + gap.value
    if (offset - position > MAX_SPAN || !Number.isSafeInteger(offset)) return undefined
    carried.push({ offset, tried: tried.value })
    lowest = offset + 1
    byte = tried.next
  }
  return { carried, next: byte }
}
