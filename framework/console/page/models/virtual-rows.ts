/** Which of many rows of one height are in view. */

export interface RowRange {
  readonly from: number
  /** Above the last one. */
  readonly to: number
}

/**
 * Rows that are in view, and `spare` ones on both sides, so that the next one can be focused before it is scrolled to.
 * @param top where the first row begins, in pixels below the upper edge of the window; negative once it is scrolled away
 */
export function rowsInView(
  top: number,
  windowHeight: number,
  rowHeight: number,
  count: number,
  spare: number,
): RowRange {
  const first = Math.floor(-top / rowHeight)
  const last = Math.ceil((windowHeight - top) / rowHeight)
  const from = Math.min(Math.max(0, first - spare), count)
  return { from, to: Math.min(count, Math.max(from, last + spare)) }
}
