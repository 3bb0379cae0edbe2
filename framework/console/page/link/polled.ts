/** An answer that is asked for again and again while its view is open and the page is seen. The last one stays while the next is on its way. */
import { signal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import { errorText, get, RequestError } from './requests.ts'
import { link } from './store.ts'

export interface Polled<Answer> {
  readonly answer: Answer | undefined
  readonly error: string | undefined
  /** The server says that there is no such thing. */
  readonly isMissing: boolean
  readonly again: () => void
}

/** `address` undefined: nothing is asked. `everyMs` undefined: asked once, and `again` when somebody wants it. */
export function usePolled<Answer>(address: string | undefined, everyMs: number | undefined): Polled<Answer> {
  const state = useMemo(() => signal<Omit<Polled<Answer>, 'again'>>(nothing), [address])
  const turn = useMemo(() => signal(0), [])
  const { value: count } = turn
  useEffect(() => {
    if (address === undefined) return
    const own = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = async () => {
      if (!document.hidden && link.peek().kind !== 'asked') state.value = await asked(address, own.signal, state.peek())
      if (!own.signal.aborted && everyMs !== undefined) timer = setTimeout(() => void ask(), everyMs)
    }
    void ask()
    return () => {
      own.abort()
      clearTimeout(timer)
    }
  }, [address, everyMs, count])
  return { ...state.value, again: () => turn.value++ }
}

const nothing = { answer: undefined, error: undefined, isMissing: false }

async function asked<Answer>(
  address: string,
  signal: AbortSignal,
  before: Omit<Polled<Answer>, 'again'>,
): Promise<Omit<Polled<Answer>, 'again'>> {
  try {
    return { answer: await get<Answer>(address, signal), error: undefined, isMissing: false }
  } catch (error) {
    if (signal.aborted) return before
    return { ...before, error: errorText(error), isMissing: error instanceof RequestError && error.status === 404 }
  }
}
