/** Bytes as people read those that are no text. */
import type { BytesView } from '../../protocol.ts'

/** Sixteen a line, in pairs of digits; `undefined` where not all of them are here. */
export function hexOf({ text, base64, isCut, isMasked }: BytesView): string | undefined {
  if (isCut || isMasked) return undefined
  const bytes =
    base64 === undefined
      ? new TextEncoder().encode(text)
      : Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  const pairs = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'))
  const lines = Array.from({ length: Math.ceil(pairs.length / 16) }, (_, line) =>
    pairs.slice(line * 16, line * 16 + 16),
  )
  return lines.map((line) => line.join(' ')).join('\n')
}
