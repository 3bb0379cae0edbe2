/** The last hour as curves, a point every ten seconds. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { HistoryAnswer } from '../protocol.ts'
import { Chart } from './chart.tsx'
import { errorText, get, path } from './link/requests.ts'
import { link } from './link/store.ts'
import { type Curve, type SeriesText, seriesTexts, withPoints } from './models/history.ts'
import { Empty, useCopyable } from './parts.tsx'

const everyMs = 10_000
type Curves = Readonly<Partial<Record<SeriesText['of'], Curve>>>

export function History() {
  const curves = useSignal<Curves | undefined>(undefined)
  const error = useSignal<string | undefined>(undefined)
  /** The moment that the pointer is at, in all charts. */
  const pointed = useSignal<number | undefined>(undefined)
  useCopyable('the history', () => curves.peek())
  useEffect(() => {
    const own = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = async () => {
      try {
        if (!document.hidden && link.peek().kind !== 'asked') {
          curves.value = await asked(curves.peek() ?? {}, own.signal)
          error.value = undefined
        }
      } catch (thrown) {
        if (!own.signal.aborted) error.value = errorText(thrown)
      }
      if (!own.signal.aborted) timer = setTimeout(() => void ask(), everyMs)
    }
    void ask()
    return () => {
      own.abort()
      clearTimeout(timer)
    }
  }, [])
  const isEmpty = curves.value !== undefined && (curves.value.done?.length ?? 0) < 2
  return (
    <section>
      <h2>
        The last hour <span class="dim">a point every ten seconds, of this process</span>
      </h2>
      {error.value !== undefined && <p class="problem">{error.value}</p>}
      {isEmpty ? (
        <Empty title="There is no history yet">
          The process keeps a point every ten seconds from its start on: the first curves are here in a moment.
        </Empty>
      ) : (
        <ul class="charts">
          {seriesTexts.map((series) => (
            <Chart key={series.of} series={series} curve={curves.value?.[series.of] ?? []} pointed={pointed} />
          ))}
        </ul>
      )}
    </section>
  )
}

async function asked(known: Curves, signal: AbortSignal): Promise<Curves> {
  const entries = await Promise.all(
    seriesTexts.map(async ({ of, unit }) => {
      const before = known[of] ?? []
      const search = new URLSearchParams({ of, since: String(before.at(-1)?.[0] ?? 0) })
      return [of, withPoints(before, await get<HistoryAnswer>(`${path('history')}?${search}`, signal), unit)] as const
    }),
  )
  return Object.fromEntries(entries)
}
