/** Text of records as it may be shown: what a reader would not see, or what would turn the text around, becomes an escape that looks like one. */

export interface TextPart {
  readonly text: string
  /** It stands for characters that are not shown as they are. */
  readonly isEscape: boolean
}

/**
 * Control characters but for line feeds and tabs, marks that turn the direction of writing, invisible ones, and halves of surrogate pairs. U+FFFD is
 * what a decoder puts where the bytes are no UTF-8.
 */
const hidden =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffd]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

export function visibleText(text: string): readonly TextPart[] {
  const parts: TextPart[] = []
  let from = 0
  for (const match of text.matchAll(hidden)) {
    if (match.index > from) parts.push({ text: text.slice(from, match.index), isEscape: false })
    const last = parts.at(-1)
    const shown = escapeOf(match[0])
    if (last?.isEscape === true) parts[parts.length - 1] = { text: last.text + shown, isEscape: true }
    else parts.push({ text: shown, isEscape: true })
    from = match.index + match[0].length
  }
  if (from < text.length) parts.push({ text: text.slice(from), isEscape: false })
  return parts
}

function escapeOf(char: string): string {
  const code = char.charCodeAt(0)
  if (code === 0xfffd) return '\ufffd'
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}

/** JSON laid out, where the text is JSON and whole; else `undefined`. Text above `most` characters is left as it is. */
export function laidOut(text: string, most = 65_536): string | undefined {
  if (text.length > most || !/^\s*[[{]/.test(text)) return undefined
  try {
    const value: unknown = JSON.parse(text)
    // Numbers that JavaScript cannot hold would be shown as others than those that were sent.
    const again = JSON.stringify(value)
    return again === text.replace(outsideStrings, keepStrings) ? JSON.stringify(value, null, 2) : undefined
  } catch {
    return undefined
  }
}

const outsideStrings = /"(?:[^"\\]|\\.)*"|\s+/g
function keepStrings(found: string): string {
  return found.startsWith('"') ? found : ''
}
