/** Writes completed offsets as the consumers do whose groups can be taken over, in their simplest forms. Shares no code with what reads them. */
import type { Predecessor } from '../../framework/model/settings.ts'

interface Range {
  readonly start: number
  readonly end: number
}

/** @param completed ascending, disjoint, none touching, all above the position */
export function writtenBy(predecessor: Predecessor, position: number, completed: readonly Range[]): string {
  return predecessor === 'parallel-consumer' ? runsOf(position, completed) : listOf(completed)
}

/** `n`, then runs of two bytes: incomplete, completed, ... */
function runsOf(position: number, completed: readonly Range[]): string {
  const bytes = ['n'.charCodeAt(0)]
  let at = position
  for (const { start, end } of completed) {
    for (const run of [start - at, end - start]) bytes.push(run >> 8, run & 255)
    at = end
  }
  return Buffer.from(bytes).toString('base64')
}

function listOf(completed: readonly Range[]): string {
  return `R${completed.map(({ start, end }) => (end === start + 1 ? start : `${start}-${end - 1}`)).join(',')}`
}
