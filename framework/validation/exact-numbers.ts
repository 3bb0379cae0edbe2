/** Finds numbers of a JSON text that JavaScript would read as others. Pure. */

/** Every whole number of fewer digits is one of JavaScript's, too. */
const LONG = /\d{16}/
/** What else may be too large for any number of JavaScript. */
const LARGE = /[eE]\+?0*(?:[3-9]\d\d|\d{4})/
const QUOTE = 0x22
const BACKSLASH = 0x5c
const MINUS = 0x2d
const [ZERO, NINE] = [0x30, 0x39]

/**
 * @param json a text that is known to be JSON
 * @returns where the first number stands that is whole, without an exponent, and beyond 2^53, or too large for a number at all; `undefined` where there is
 * none. Fractions are rounded, as everywhere: 0.1 is none of binary's. With an exponent, a number is written as one that may be rounded.
 */
export function inexactNumberAt(json: string): number | undefined {
  // Nearly every text ends here: a search costs a fraction of what parsing does.
  if (!LONG.test(json) && !LARGE.test(json)) return undefined
  const number = /-?\d+(\.\d+)?([eE][+-]?\d+)?/y
  for (let at = 0; at < json.length; ) {
    const code = json.charCodeAt(at)
    if (code === QUOTE) {
      at = endOfText(json, at + 1)
    } else if (code === MINUS || (code >= ZERO && code <= NINE)) {
      number.lastIndex = at
      const [token = '', fraction, exponent] = number.exec(json) ?? []
      if (!isExact(Number(token), fraction, exponent)) return at
      at += Math.max(1, token.length)
    } else {
      at += 1
    }
  }
  return undefined
}

function isExact(value: number, fraction: string | undefined, exponent: string | undefined): boolean {
  const isWhole = exponent === undefined && (fraction === undefined || /^\.0+$/.test(fraction))
  return isWhole ? Number.isSafeInteger(value) : Number.isFinite(value)
}

/** Behind the quote that ends it. */
function endOfText(json: string, from: number): number {
  for (let at = json.indexOf('"', from); at >= 0; at = json.indexOf('"', at + 1)) {
    let before = at
    while (json.charCodeAt(before - 1) === BACKSLASH) before -= 1
    if ((at - before) % 2 === 0) return at + 1
  }
  return json.length
}
