/** What systems that run in turns have done, as rates and ratios: a piece is what lies between two marks. Pure. */
import { type Spread, spreadOf } from './statistics.ts'

/** Of one system, at the end of its turn. */
export interface Mark {
  readonly done: number
  /** In its own turns. */
  readonly activeMs: number
  /** Processor time of its whole process; `undefined` where it cannot be known. */
  readonly cpuMs: number | undefined
}

export interface TurnRates {
  readonly perSecond: number
  /** Processor time of a record. */
  readonly cpuUs: number | undefined
  /** Of each piece; `undefined` where nothing was done. */
  readonly pieces: readonly (number | undefined)[]
}

export type Comparison =
  | { readonly kind: 'ratio'; readonly ratio: number; readonly pieces: Spread }
  /** Who had nothing to do is not slow. */
  | { readonly kind: 'refused'; readonly why: string }

/** @param marks two at least, with a turn between them */
export function turnRates(marks: readonly Mark[]): TurnRates {
  const [first, last] = [marks[0], marks.at(-1)]
  if (first === undefined || last === undefined || first === last) throw new Error('Two marks make a piece.')
  const done = last.done - first.done
  const cpuMs = first.cpuMs === undefined || last.cpuMs === undefined ? undefined : last.cpuMs - first.cpuMs
  return {
    perSecond: (done / (last.activeMs - first.activeMs)) * 1_000,
    cpuUs: cpuMs === undefined || done === 0 ? undefined : (cpuMs / done) * 1_000,
    pieces: marks.slice(1).map((mark, index) => {
      const before = marks[index] ?? first
      return mark.done === before.done
        ? undefined
        : ((mark.done - before.done) / (mark.activeMs - before.activeMs)) * 1_000
    }),
  }
}

/** Both have as many pieces. */
export function compare(name: string, rates: TurnRates, baseName: string, base: TurnRates): Comparison {
  for (const [who, { pieces }] of [[baseName, base] as const, [name, rates] as const]) {
    const idle = pieces.flatMap((each, index) => (each === undefined ? [index + 1] : []))
    if (idle.length === 0) continue
    const which = `${idle.length === 1 ? 'piece' : 'pieces'} ${idle.join(', ')} of ${pieces.length}`
    return { kind: 'refused', why: `no ratio: ${who} has done nothing in ${which}` }
  }
  const ratios = rates.pieces.map((each, index) => (each ?? 0) / (base.pieces[index] ?? 1))
  const spread = spreadOf(ratios)
  if (spread === undefined) return { kind: 'refused', why: 'no ratio: nothing was measured' }
  return { kind: 'ratio', ratio: rates.perSecond / base.perSecond, pieces: spread }
}

/**
 * How many records a topic must get now, so that the fastest never comes to its end: what it does in so many turns is kept ahead of it.
 * @param mostDone of all systems, until now
 * @param mostInTurn that one of them has done in one turn
 */
export function missingRecords(
  filled: number,
  { mostDone, mostInTurn }: { readonly mostDone: number; readonly mostInTurn: number },
  turnsAhead: number,
): number {
  return Math.max(0, mostDone + turnsAhead * mostInTurn - filled)
}
