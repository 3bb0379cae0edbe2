/** Many rows of one height, of which only those in view are drawn. The page scrolls, not the list. */
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { type RowRange, rowsInView } from './models/virtual-rows.ts'

interface VirtualProps {
  readonly count: number
  /** In pixels. */
  readonly rowHeight: number
  readonly label: string
  readonly row: (index: number) => ComponentChildren
  readonly onRange?: (range: RowRange) => void
}

const spare = 6

export function VirtualRows({ count, rowHeight, label, row, onRange }: VirtualProps) {
  const list = useRef<HTMLUListElement>(null)
  const [range, setRange] = useState<RowRange>({ from: 0, to: 0 })
  useEffect(() => {
    const look = () => {
      const top = list.current?.getBoundingClientRect().top ?? 0
      const next = rowsInView(top, innerHeight, rowHeight, count, spare)
      setRange((before) => (before.from === next.from && before.to === next.to ? before : next))
    }
    look()
    addEventListener('scroll', look, { passive: true })
    addEventListener('resize', look)
    return () => {
      removeEventListener('scroll', look)
      removeEventListener('resize', look)
    }
  }, [count, rowHeight])
  useEffect(() => onRange?.(range), [range])
  const { from, to } = range
  return (
    <ul class="virtual" ref={list} aria-label={label} style={{ height: `${count * rowHeight}px` }}>
      {Array.from({ length: Math.min(to, count) - Math.min(from, count) }, (_, index) => from + index).map((index) => (
        <li
          key={index}
          data-row=""
          tabIndex={0}
          aria-setsize={count}
          aria-posinset={index + 1}
          style={{ top: `${index * rowHeight}px`, height: `${rowHeight}px` }}
        >
          {row(index)}
        </li>
      ))}
    </ul>
  )
}
