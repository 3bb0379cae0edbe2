/** Numbers as people read them. Pure. */

/**
 * 1,000,000 for a million. `toLocaleString` does the same, and loads tables of the world's languages at its first call: some 10 ms at each start.
 * @param value up to 1e21, above which its text has an exponent
 */
export function groupedDigits(value: number): string {
  return String(value).replace(/^-?\d+/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, ','))
}
