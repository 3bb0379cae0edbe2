/**
 * Text that strangers may have written, where people read it: in log lines, on terminals, in what the command prints. One rule for all. Pure.
 *
 * Harmful are characters that are not seen and do something: controls (they move the cursor, change the terminal's title, begin a line that
 * nobody has logged), separators of lines, and marks that turn the direction of what follows, so that it reads as something else.
 */

const harmful = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu
/** Those that JSON lets stand. Inside of JSON text they can only be in its strings. */
const harmfulInJson = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** What of an error's message, and of its stack, goes into logs, dead letters and headers. Characters. */
export const MAX_MESSAGE = 2_048
export const MAX_STACK = 8_192
/** What of a key goes into log lines and traces. Bytes. */
export const MAX_KEY_BYTES = 256

/** One line, with a dot for each harmful character. */
export function harmless(text: string): string {
  return text.replaceAll(harmful, '·')
}

/** As `harmless`, with its own line breaks: what comes after one is indented, so that no line begins as one of ours. */
export function harmlessLines(text: string, indent: string): string {
  return text.split('\n').map(harmless).join(`\n${indent}`)
}

/** JSON text that means the same, with the escape of each harmful character. */
export function harmlessJson(json: string): string {
  return json.replaceAll(harmfulInJson, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** At most so many characters, the last of which says that there were more; none is cut in two. */
export function cutText(text: string, max: number): string {
  if (text.length <= max) return text
  const kept = text.slice(0, max - 1)
  return `${/[\ud800-\udbff]$/.test(kept) ? kept.slice(0, -1) : kept}…`
}

/**
 * A key in a line: its text, or base64 where it is none (no UTF-8, or with control characters), as one in a format of a registry is. By that base64 it is
 * looked for, too.
 * @param max of its bytes; what is longer ends in an ellipsis, and no character is cut in two
 */
export function keyLine(key: Buffer, max: number): string {
  const shown = key.subarray(0, max)
  const isCut = key.length > max
  const text = isCut ? shown.toString().replace(/\uFFFD$/, '') : shown.toString()
  return `${isPlain(text) ? text : shown.toString('base64')}${isCut ? '…' : ''}`
}

/** Whether it can be typed as it is shown. */
export function isPlainText(bytes: Buffer): boolean {
  return isPlain(bytes.toString())
}

/** @param decoded U+FFFD stands for what is no UTF-8. Who has written that very character gets no text, either. */
function isPlain(decoded: string): boolean {
  return !/[\p{Cc}\uFFFD]/u.test(decoded)
}
