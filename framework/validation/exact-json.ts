/** JSON whose whole numbers keep all their digits, which JSON.parse and JSON.stringify round or refuse. */

/** A text with the colon that makes it a name, or a number. Between them, JSON has nothing that looks like either. */
const tokens = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
const texts = /"((?:[^"\\]|\\.)*)"(\s*:)?/g

/**
 * Whole numbers that a `number` does not hold exactly become bigints.
 * @param text must be JSON
 * @throws RangeError for what is nested too deeply
 */
export function readExact(text: string): unknown {
  // Each text is marked as one, so that none of them can pass for a number.
  const told = text.replace(tokens, (token, string?: string, colon?: string) => {
    if (string !== undefined) return colon === undefined ? `"s${string.slice(1)}` : token
    return /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"n${token}"` : token
  })
  return JSON.parse(told, (_name, value: unknown) => {
    if (typeof value !== 'string') return value
    return value.startsWith('n') ? BigInt(value.slice(1)) : value.slice(1)
  })
}

/**
 * Bigints are written as whole numbers, bytes in base64, and numbers that JSON does not have as texts.
 * @param indent of a document for people; without, it is one line
 */
export function exactText(value: unknown, indent?: number): string {
  // Values are marked, names are not.
  return JSON.stringify(value, mark, indent).replace(texts, (token, text: string, colon?: string) => {
    if (colon !== undefined) return token
    return text.startsWith('n') ? text.slice(1) : `"${text.slice(1)}"`
  })
}

function mark(this: Readonly<Record<string, unknown>>, name: string, value: unknown): unknown {
  // A Buffer has become a list of numbers by now.
  const own = this[name]
  if (own instanceof Uint8Array) return `s${Buffer.from(own).toString('base64')}`
  switch (typeof value) {
    case 'bigint':
      return `n${value}`
    case 'string':
      return `s${value}`
    case 'number':
      return Number.isFinite(value) ? value : `s${value}`
    default:
      return value
  }
}
