/** Shows how one text differs from another, line by line. Pure. */

const CONTEXT = 2

type Line = readonly [mark: ' ' | '-' | '+', text: string]

/** Lines that are only in `before` begin with `-`, those only in `after` with `+`; `…` stands for equal lines that are left out. */
export function lineDiff(before: string, after: string): string {
  const lines = compare(before.split('\n'), after.split('\n'))
  const near = lines.map((_, index) =>
    lines.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(([mark]) => mark !== ' '),
  )
  const shown: string[] = []
  for (const [index, [mark, text]] of lines.entries()) {
    if (near[index]) shown.push(`${mark} ${text}`.trimEnd())
    else if (shown.at(-1) !== '…') shown.push('…')
  }
  return shown.join('\n')
}

/** What both texts begin and end with is equal; only what is between needs to be compared. */
function compare(before: readonly string[], after: readonly string[]): readonly Line[] {
  const shorter = Math.min(before.length, after.length)
  let start = 0
  while (start < shorter && before[start] === after[start]) start++
  let end = 0
  while (end < shorter - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++
  return [
    ...before.slice(0, start).map((line): Line => [' ', line]),
    ...compareMiddle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...before.slice(before.length - end).map((line): Line => [' ', line]),
  ]
}

/** Above this, a table of all pairs would take more memory than a diff is worth. */
const MAX_PAIRS = 4_000_000

function compareMiddle(before: readonly string[], after: readonly string[]): readonly Line[] {
  if (before.length * after.length <= MAX_PAIRS) return commonLines(before, after)
  // The halves are compared for themselves: some lines count as changed that a whole comparison would find equal.
  const [left, right] = [Math.ceil(before.length / 2), Math.ceil(after.length / 2)]
  return [...compare(before.slice(0, left), after.slice(0, right)), ...compare(before.slice(left), after.slice(right))]
}

/** By the longest common subsequence. */
function commonLines(before: readonly string[], after: readonly string[]): readonly Line[] {
  const width = after.length + 1
  const common = new Uint32Array((before.length + 1) * width)
  const at = (row: number, column: number) => common[row * width + column] ?? 0
  for (let row = before.length - 1; row >= 0; row--) {
    for (let column = after.length - 1; column >= 0; column--) {
      common[row * width + column] =
        before[row] === after[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1))
    }
  }
  const lines: Line[] = []
  let row = 0
  let column = 0
  while (row < before.length || column < after.length) {
    const old = before[row]
    const made = after[column]
    if (old !== undefined && old === made) {
      lines.push([' ', old])
      row++
      column++
    } else if (old !== undefined && (made === undefined || at(row + 1, column) >= at(row, column + 1))) {
      lines.push(['-', old])
      row++
    } else if (made !== undefined) {
      lines.push(['+', made])
      column++
    }
  }
  return lines
}
