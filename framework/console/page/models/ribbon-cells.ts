/** The cells of a partition's ribbon as shapes: neighbours of one kind are one. What waits stands tall, what is over lies low. */

export interface CellRun {
  readonly kind: 'done' | 'above' | 'running' | 'waiting' | 'parked' | 'queued'
  readonly says: string
  readonly x: number
  readonly width: number
  /** Where it begins, from 0 at the upper edge to 1. */
  readonly top: number
}

const kinds: Readonly<Record<string, Pick<CellRun, 'kind' | 'says' | 'top'>>> = {
  d: { kind: 'done', says: 'done', top: 0.8 },
  g: { kind: 'above', says: 'done above a gap', top: 0.5 },
  r: { kind: 'running', says: 'running', top: 0 },
  x: { kind: 'waiting', says: 'waiting for a retry or a dead letter', top: 0 },
  p: { kind: 'parked', says: 'parked', top: 0 },
  w: { kind: 'queued', says: 'queued', top: 0.25 },
}

/** Letters that a later server may have are left blank. */
export function cellRuns(cells: string): readonly CellRun[] {
  const runs: CellRun[] = []
  for (const match of cells.matchAll(/(.)\1*/g)) {
    const kind = Object.hasOwn(kinds, match[0].charAt(0)) ? kinds[match[0].charAt(0)] : undefined
    if (kind !== undefined) runs.push({ ...kind, x: match.index, width: match[0].length })
  }
  return runs
}
