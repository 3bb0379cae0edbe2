/** The offsets of a partition on canvas: as a line in a list, and large, with a pointer and a keyboard over it. */
import type { Ref } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { RunRow } from '../protocol-records.ts'
import { now } from './link/store.ts'
import { digits } from './models/numbers.ts'
import {
  runAt,
  runAtPixel,
  runLooks,
  runShapes,
  runText,
  type Stretch,
  states,
  within,
  zoomed,
} from './models/ribbon.ts'
import { theme } from './theme.ts'

/** A line in a list. */
export function SmallRibbon({ runs, label }: { readonly runs: readonly RunRow[]; readonly label: string }) {
  const whole = { from: runs[0]?.[1] ?? 0, to: runs.at(-1)?.[2] ?? 0 }
  const canvas = useDrawing((brush) => draw(brush, runs, whole, [], undefined))
  return <canvas class="cells" ref={canvas} role="img" aria-label={label} />
}

interface LargeProps {
  readonly runs: readonly RunRow[]
  readonly whole: Stretch
  /** What is seen of it. */
  readonly seen: Stretch
  readonly onSeen: (seen: Stretch) => void
  /** The offset that is looked at. */
  readonly at: number | undefined
  readonly onAt: (offset: number | undefined) => void
  readonly onOpen: (offset: number) => void
  /** Offsets that are marked by a line: the position, where what is committed ends. */
  readonly marks: readonly number[]
}

/** To be looked at closely: arrows go from run to run, `+` and `-` zoom, a drag moves what is seen. */
export function LargeRibbon({ runs, whole, seen, onSeen, at, onAt, onOpen, marks }: LargeProps) {
  const index = at === undefined ? -1 : runAt(runs, at)
  const run = runs[index]
  const canvas = useDrawing((brush) => draw(brush, runs, seen, marks, run))
  const drag = useRef<{ readonly x: number; readonly seen: Stretch; isMoved: boolean } | undefined>(undefined)
  const placeOf = (event: MouseEvent) => {
    const { left, width } = (event.currentTarget as HTMLElement).getBoundingClientRect()
    return { x: event.clientX - left, width }
  }
  const offsetAt = ({ x, width }: ReturnType<typeof placeOf>) =>
    seen.from + Math.floor((x / Math.max(1, width)) * (seen.to - seen.from))
  const look = (event: MouseEvent) => {
    const place = placeOf(event)
    const found = runs[runAtPixel(runs, seen, place.width, place.x)]
    onAt(found === undefined ? undefined : Math.min(found[2] - 1, Math.max(found[1], offsetAt(place))))
  }
  const onPointerMove = (event: PointerEvent) => {
    const held = drag.current
    if (held === undefined) return look(event)
    const { x, width } = placeOf(event)
    if (Math.abs(x - held.x) > 3) held.isMoved = true
    const moved = Math.round(((held.x - x) / Math.max(1, width)) * (held.seen.to - held.seen.from))
    if (held.isMoved) onSeen(within({ from: held.seen.from + moved, to: held.seen.to + moved }, whole))
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const handled = keyAction(event.key, runs, index)
    if (handled === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    event.stopPropagation()
    if (handled === 'open') {
      if (at !== undefined) onOpen(at)
    } else if (handled.zoom !== undefined) {
      onSeen(handled.zoom === 0 ? whole : zoomed(seen, whole, handled.zoom, at ?? (seen.from + seen.to) / 2))
    } else if (handled.run !== undefined) {
      const [, from, to] = handled.run
      onAt(from)
      if (from < seen.from || from >= seen.to) {
        const length = seen.to - seen.from
        const middle = Math.round((from + Math.min(to, from + length)) / 2)
        onSeen(within({ from: middle - (length >> 1), to: middle - (length >> 1) + length }, whole))
      }
    }
  }
  return (
    <div
      class="ribbon"
      role="slider"
      tabIndex={0}
      data-row=""
      aria-label="Offsets"
      aria-valuemin={whole.from}
      aria-valuemax={whole.to}
      aria-valuenow={at ?? whole.from}
      aria-valuetext={run === undefined ? 'nothing is looked at' : runText(run, now.peek())}
      onPointerDown={(event) => {
        if (event.button !== 0) return
        drag.current = { x: placeOf(event).x, seen, isMoved: false }
        event.currentTarget.setPointerCapture(event.pointerId)
      }}
      onPointerMove={onPointerMove}
      onPointerUp={(event) => {
        const wasMoved = drag.current?.isMoved === true
        drag.current = undefined
        if (!wasMoved) look(event)
      }}
      onPointerCancel={() => {
        drag.current = undefined
      }}
      onDblClick={(event) => onSeen(zoomed(seen, whole, 0.25, offsetAt(placeOf(event))))}
      onKeyDown={onKeyDown}
    >
      <canvas ref={canvas} />
      <span class="ends num dim" aria-hidden="true">
        <span>{digits(seen.from)}</span>
        <span>{digits(seen.to)}</span>
      </span>
    </div>
  )
}

type KeyResult = 'open' | { readonly run?: RunRow | undefined; readonly zoom?: number }

function keyAction(key: string, runs: readonly RunRow[], index: number): KeyResult | undefined {
  switch (key) {
    case 'ArrowLeft':
      return { run: runs[index < 0 ? runs.length - 1 : Math.max(0, index - 1)] }
    case 'ArrowRight':
      return { run: runs[index < 0 ? 0 : Math.min(runs.length - 1, index + 1)] }
    case 'Home':
      return { run: runs[0] }
    case 'End':
      return { run: runs.at(-1) }
    case '+':
    case '=':
      return { zoom: 0.5 }
    case '-':
      return { zoom: 2 }
    case '0':
      return { zoom: 0 }
    case 'Enter':
      return 'open'
    default:
      return undefined
  }
}

interface Brush {
  readonly to: CanvasRenderingContext2D
  readonly width: number
  readonly height: number
  /** As the style sheet has it, of dark or light. */
  readonly colorOf: (name: string) => string
}

/** Draws anew with each render, and when its size or the colours change. */
function useDrawing(paint: (brush: Brush) => void): Ref<HTMLCanvasElement> {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [size, setSize] = useState(0)
  const colours = theme.value
  useEffect(() => {
    const of = canvas.current
    if (of === null) return
    const observer = new ResizeObserver(() => setSize(of.clientWidth))
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const again = () => setSize((before) => before + 0.001)
    observer.observe(of)
    dark.addEventListener('change', again)
    return () => {
      observer.disconnect()
      dark.removeEventListener('change', again)
    }
  }, [])
  useLayoutEffect(() => {
    const of = canvas.current
    const to = of?.getContext('2d')
    if (of === null || to === null || to === undefined || size === 0) return
    const { clientWidth: width, clientHeight: height } = of
    const ratio = devicePixelRatio
    if (of.width !== Math.round(width * ratio) || of.height !== Math.round(height * ratio)) {
      of.width = Math.round(width * ratio)
      of.height = Math.round(height * ratio)
    }
    to.setTransform(ratio, 0, 0, ratio, 0, 0)
    to.clearRect(0, 0, width, height)
    paint({ to, width, height, colorOf: colorsOf(colours) })
  })
  return canvas
}

function draw(
  brush: Brush,
  runs: readonly RunRow[],
  seen: Stretch,
  marks: readonly number[],
  chosen: RunRow | undefined,
): void {
  const { to, width, height, colorOf } = brush
  const scale = width / Math.max(1, seen.to - seen.from)
  for (const { state, x, width: wide } of runShapes(runs, seen, width)) {
    const { top, isStriped } = runLooks[state]
    // A hair of room between neighbours, where there is enough of it.
    const shown = wide > 4 ? wide - 0.5 : wide
    to.fillStyle = colorOf(state)
    to.globalAlpha = isStriped ? 0.45 : 1
    to.fillRect(x, top * height, shown, height - top * height)
    to.globalAlpha = 1
    if (isStriped) stripes(to, x, top * height, shown, height)
  }
  to.fillStyle = colorOf('mark')
  for (const mark of marks) {
    const x = Math.round((mark - seen.from) * scale)
    if (x >= 0 && x <= width) to.fillRect(Math.min(x, width - 1), 0, 1, height)
  }
  if (chosen === undefined) return
  const left = Math.max(0, (chosen[1] - seen.from) * scale)
  const right = Math.min(width, (chosen[2] - seen.from) * scale)
  to.strokeStyle = colorOf('mark')
  to.lineWidth = 2
  if (right >= 0 && left <= width) to.strokeRect(left + 1, 1, Math.max(2, right - left - 2), height - 2)
}

function stripes(to: CanvasRenderingContext2D, x: number, y: number, width: number, bottom: number): void {
  if (width < 3) {
    to.fillRect(x, y, width, bottom - y)
    return
  }
  to.save()
  to.beginPath()
  to.rect(x, y, width, bottom - y)
  to.clip()
  to.beginPath()
  const tall = bottom - y
  for (let at = x - tall; at < x + width; at += 5) {
    to.moveTo(at, bottom)
    to.lineTo(at + tall, y)
  }
  to.strokeStyle = to.fillStyle
  to.lineWidth = 2
  to.stroke()
  to.restore()
}

/** What each state is called, with its colour and pattern as on the canvas; how many offsets are in each, and what the lines mark, where that is shown. */
export function RunLegend({ counts }: { readonly counts?: ReadonlyMap<string, number> }) {
  return (
    <ul class={`legend ${counts === undefined ? '' : 'counted'}`} aria-label="What the ribbon shows">
      {states.map((state) => (
        <li key={state}>
          <i class={`swatch of-${state} ${runLooks[state].isStriped ? 'striped' : ''}`} />
          {runLooks[state].says}
          {counts !== undefined && <b class="num"> {digits(counts.get(state) ?? 0)}</b>}
        </li>
      ))}
      {counts !== undefined && (
        <li>
          <i class="swatch mark" />
          committed, position, log end
        </li>
      )}
    </ul>
  )
}

let known: { readonly of: string; readonly colors: Map<string, string> } | undefined

/** Canvas knows no `light-dark()`: the style sheet says what it comes to. */
function colorsOf(colours: string): (name: string) => string {
  const of = `${colours} ${matchMedia('(prefers-color-scheme: dark)').matches}`
  if (known?.of !== of) known = { of, colors: new Map() }
  const { colors } = known
  return (name) => {
    const before = colors.get(name)
    if (before !== undefined) return before
    const probe = document.createElement('i')
    probe.className = `of-${name} offscreen`
    document.body.append(probe)
    const { color } = getComputedStyle(probe)
    probe.remove()
    colors.set(name, color)
    return color
  }
}
