// Keeps a core busy: that is what threads are for. Files that begin with `_` are no handlers.
import { createHash } from 'node:crypto'

const ROUNDS = 200

export interface Scored {
  readonly words: number
  /** 0 to 1, the same for the same text. */
  readonly score: number
}

export function scoreOf(text: string): Scored {
  let digest = createHash('sha256').update(text).digest()
  for (let round = 1; round < ROUNDS; round++) digest = createHash('sha256').update(digest).digest()
  return { words: text.split(/\s+/).filter((word) => word !== '').length, score: digest.readUInt32BE() / 2 ** 32 }
}
