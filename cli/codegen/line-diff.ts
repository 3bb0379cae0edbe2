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

/** By the longest common subsequence; quadratic, which is cheap for files of a few hundred lines. */
function compare(before: readonly string[], after: readonly string[]): readonly Line[] {
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
