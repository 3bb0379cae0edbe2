/** What the page knows of the process: filled by the stream, read by the views. */
import { batch, computed, signal } from '@preact/signals'
import type { AboutAnswer, HandlerRow, SnapshotAnswer } from '../../protocol.ts'
import type { PartitionView } from '../../protocol-records.ts'
import { MAX_RIBBONS, type StreamFrames, type StreamNote } from '../../protocol-stream.ts'
import { handlerKey, type RateHistory, ribbonId, withRates } from '../models/known-rows.ts'
import { type LiveRecords, noRecords, withLive } from '../models/live-records.ts'

/** `asked`: for a token, which is missing or wrong. `full`: the server has as many streams as it wants. */
export type LinkState =
  | { readonly kind: 'connecting' | 'live' | 'hidden' }
  | { readonly kind: 'lost' | 'full'; readonly tries: number; readonly againAt: number; readonly why: string }
  | { readonly kind: 'asked'; readonly why: string }

export const link = signal<LinkState>({ kind: 'connecting' })
export const about = signal<AboutAnswer | undefined>(undefined)
export const snapshot = signal<SnapshotAnswer | undefined>(undefined)
export const handlers = signal<readonly HandlerRow[]>([])
export const notes = signal<readonly StreamNote[]>([])
/** Partitions whose offsets a view shows: the stream is asked for them, by `ribbonId`. */
export const watched = signal<readonly string[]>([])
/** What the stream has told of them last. */
export const ribbons = signal<ReadonlyMap<string, PartitionView>>(new Map())
/** The filter whose records a view shows: the stream is asked for it. `undefined`: none, or the process has forgotten it. */
export const liveFilter = signal<string | undefined>(undefined)
export const live = signal<LiveRecords>(noRecords)
/** A point a second, the last minute. */
export const rates = signal<RateHistory>({ at: 0, points: new Map() })

/** The clock of the process, as the verdict's times are by it. Moves twice a second. */
export const now = signal(Date.now())
let clockShift = 0

export const verdict = computed(() => snapshot.value?.verdict)

/** The keys of this topic are in a format of a registry: JSON for who types one. */
export function hasKeyFormat(topic: string): boolean {
  const groups = about.value?.groups ?? []
  return groups.some(({ handlers: own }) => own.some((each) => each.topic === topic && each.keyFormat !== undefined))
}

const mostNotes = 50

export function tick(): void {
  batch(() => {
    now.value = Date.now() + clockShift
    if (link.value.kind === 'live') rates.value = withRates(rates.value, handlers.value, now.value)
  })
}

/** Has the stream tell of these partitions and no others; as many as it takes. */
export function watch(ids: readonly string[]): void {
  const next = ids.slice(0, MAX_RIBBONS)
  if (next.join() === watched.peek().join()) return
  batch(() => {
    watched.value = next
    ribbons.value = new Map([...ribbons.peek()].filter(([id]) => next.includes(id)))
  })
}

/** Frames of another process must not mix with these. */
export function forget(): void {
  batch(() => {
    snapshot.value = undefined
    handlers.value = []
    ribbons.value = new Map()
    rates.value = { at: 0, points: new Map() }
    notes.value = []
    live.value = noRecords
  })
}

export function take<Name extends keyof StreamFrames>(name: Name, frame: StreamFrames[Name]): void {
  batch(() => takers[name](frame))
}

const takers: { readonly [Name in keyof StreamFrames]: (frame: StreamFrames[Name]) => void } = {
  snapshot: (frame) => {
    setClock(frame.metrics.takenAt)
    snapshot.value = { metrics: frame.metrics, verdict: frame.verdict }
    handlers.value = frame.handlers
    takeRibbons(frame.partitions)
  },
  delta: (frame) => {
    setClock(frame.at)
    const before = snapshot.value
    if (before !== undefined && (frame.metrics !== undefined || frame.verdict !== undefined)) {
      snapshot.value = { metrics: frame.metrics ?? before.metrics, verdict: frame.verdict ?? before.verdict }
    }
    if (frame.handlers !== undefined) takeHandlers(frame.handlers)
    if (frame.partitions !== undefined) takeRibbons(frame.partitions)
  },
  note: (note) => {
    notes.value = [note, ...notes.value].slice(0, mostNotes)
  },
  live: (frame) => {
    if (frame.filter === liveFilter.peek()) live.value = withLive(live.value, frame)
  },
}

function takeHandlers(rows: readonly HandlerRow[]): void {
  const changed = new Map(rows.map((row) => [handlerKey(row), row]))
  const kept = handlers.value.map((row) => changed.get(handlerKey(row)) ?? row)
  const known = new Set(kept.map(handlerKey))
  handlers.value = [...kept, ...rows.filter((row) => !known.has(handlerKey(row)))]
}

function takeRibbons(views: readonly PartitionView[]): void {
  const wanted = views.filter((view) => watched.peek().includes(ribbonId(view)))
  if (wanted.length === 0) return
  const next = new Map(ribbons.value)
  for (const view of wanted) next.set(ribbonId(view), view)
  ribbons.value = next
}

function setClock(at: number): void {
  clockShift = at - Date.now()
}
