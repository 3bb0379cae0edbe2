/** Text of files that people have written with whatever editor they have. Pure. */

export type WrittenText =
  | { readonly kind: 'text'; readonly text: string }
  /** `fault` ends a sentence that begins with the name of the source, and has the next step behind it. */
  | { readonly kind: 'fault'; readonly fault: string }

const SAVE_AS = 'Save it as UTF-8 (in PowerShell: Out-File -Encoding utf8)'

/** UTF-8, without the byte order mark that some editors put before it. Read as UTF-8, UTF-16 would be something else without a word. */
export function writtenText(bytes: Buffer): WrittenText {
  if (isUtf16(bytes)) return { kind: 'fault', fault: `is UTF-16, not UTF-8. ${SAVE_AS}.` }
  try {
    // It drops the mark, and throws where `toString` would put another character in place of what was written.
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch {
    return { kind: 'fault', fault: `is not UTF-8. ${SAVE_AS}.` }
  }
}

export function withoutMark(text: string): string {
  return text.startsWith('\ufeff') ? text.slice(1) : text
}

/** As `echo`, an editor, or a secret that was made from a file puts behind a value. */
export function withoutLineEnd(text: string): string {
  return text.replace(/[\r\n]+$/, '')
}

const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu
const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** In quotes, with an escape for each character that nobody can see. */
export function quoted(text: string): string {
  const shown = text.replaceAll(unseen, (character) => {
    const code = character.codePointAt(0) ?? 0
    return (
      escapes[character] ?? (code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`)
    )
  })
  return `'${shown}'`
}

/** UTF-16 begins with its own mark, or, where what it says begins with ASCII, has a zero as one of its first two bytes. */
function isUtf16(bytes: Buffer): boolean {
  const [first, second] = bytes
  if (first === undefined || second === undefined) return false
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true
  return (first === 0) !== (second === 0)
}
