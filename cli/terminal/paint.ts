/** Colours text, or leaves it as it is. Decides nothing about when: that is for whoever makes it. */
import { styleText } from 'node:util'

export type Style = Parameters<typeof styleText>[0]
export type Paint = (style: Style, text: string) => string

export function painter(hasColor: boolean): Paint {
  // `validateStream: false`: hasColor has decided already, for the stream that is meant.
  return hasColor ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text
}
