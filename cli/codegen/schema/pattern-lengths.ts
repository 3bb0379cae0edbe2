/** Whether a pattern can match anything, and how long and of which characters the texts are that it matches. Says only what is certain. Pure. */
import { type PatternNode, readPattern } from './pattern-syntax.ts'

export interface PatternReach {
  /** False where something must stand before its `^` or behind its `$`: `/^a$/`, with the slashes. */
  readonly canMatch: boolean
  /** Characters of a text that it matches. */
  readonly least: number
  /** Infinity where text may stand around what it matches, too. */
  readonly most: number
  /** False: no text that it matches has this character. */
  mayHave(character: string): boolean
}

/** @param pattern one that compiles with the flag `u` */
export function reachOf(pattern: string): PatternReach {
  const tree = readPattern(pattern)
  const isWhole = isAnchored(tree, 'start') && isAnchored(tree, 'end')
  const { least, most } = lengthOf(tree)
  return {
    canMatch: canMatch(tree, 0, 0),
    least,
    most: isWhole ? most : Number.POSITIVE_INFINITY,
    mayHave: (character) => !isWhole || mayHave(tree, character),
  }
}

interface Length {
  readonly least: number
  readonly most: number
}

function lengthOf(node: PatternNode): Length {
  switch (node.kind) {
    case 'character':
      return { least: 1, most: 1 }
    case 'sequence':
      return sum(node.parts.map(lengthOf))
    case 'choice': {
      const options = node.options.map(lengthOf)
      return {
        least: Math.min(...options.map(({ least }) => least)),
        most: Math.max(...options.map(({ most }) => most)),
      }
    }
    case 'repeat': {
      const { least, most } = lengthOf(node.part)
      // Infinity times zero is no number.
      return { least: least * node.least, most: most === 0 ? 0 : most * node.most }
    }
    case 'reference':
      return { least: 0, most: Number.POSITIVE_INFINITY }
    default:
      return { least: 0, most: 0 }
  }
}

function sum(lengths: readonly Length[]): Length {
  return lengths.reduce((all, each) => ({ least: all.least + each.least, most: all.most + each.most }), {
    least: 0,
    most: 0,
  })
}

/** @param before characters that must stand in front of it; `after`: behind it */
function canMatch(node: PatternNode, before: number, after: number): boolean {
  switch (node.kind) {
    case 'start':
      return before === 0
    case 'end':
      return after === 0
    case 'character':
      return node.source !== '[]'
    case 'repeat':
      return node.least === 0 || canMatch(node.part, before, after)
    case 'choice':
      return node.options.some((option) => canMatch(option, before, after))
    case 'sequence': {
      const lengths = node.parts.map(lengthOf)
      return node.parts.every((part, index) =>
        canMatch(part, before + sum(lengths.slice(0, index)).least, after + sum(lengths.slice(index + 1)).least),
      )
    }
    default:
      return true
  }
}

/** Whether all that it matches begins at the text's start, or ends at its end. */
function isAnchored(node: PatternNode, side: 'start' | 'end'): boolean {
  if (node.kind === side) return true
  if (node.kind === 'choice') return node.options.every((option) => isAnchored(option, side))
  if (node.kind !== 'sequence') return false
  const outermost = side === 'start' ? node.parts[0] : node.parts.at(-1)
  return outermost !== undefined && isAnchored(outermost, side)
}

function mayHave(node: PatternNode, character: string): boolean {
  switch (node.kind) {
    case 'character':
      return new RegExp(`^(?:${node.source})$`, 'u').test(character)
    case 'sequence':
      return node.parts.some((part) => mayHave(part, character))
    case 'choice':
      return node.options.some((option) => mayHave(option, character))
    case 'repeat':
      return mayHave(node.part, character)
    default:
      return false
  }
}
