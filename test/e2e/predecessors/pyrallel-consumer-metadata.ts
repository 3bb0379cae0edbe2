/** What Pyrallel-Consumer has stored with a commit, read by nothing of ours. */

/** Offsets above the position that are done. None where there is no metadata. */
export function namedByPyrallelConsumer(metadata: string): readonly number[] {
  if (metadata === '') return []
  if (metadata.startsWith('R')) {
    return metadata
      .slice(1)
      .split(',')
      .flatMap((item) => {
        const [first = 0, last = first] = item.split('-').map(Number)
        return Array.from({ length: last - first + 1 }, (_, index) => first + index)
      })
  }
  const [base = '', digits = ''] = metadata.slice(1).split(':')
  return [...Buffer.from(digits, 'hex')].flatMap((byte, index) =>
    [0, 1, 2, 3, 4, 5, 6, 7].flatMap((bit) => ((byte >> bit) & 1 ? [Number(base) + index * 8 + bit] : [])),
  )
}
