/**
 * Keeps one stream open, and says how it stands. What is lost is asked for again, ever later. Read by `fetch`, because an EventSource sends no headers.
 */
import type { AboutAnswer } from '../../protocol.ts'
import { backOffMs } from '../models/back-off.ts'
import { EventStreamParser, type StreamEvent } from '../models/event-stream.ts'
import type { TabWant } from '../models/tab-wants.ts'
import { errorText, getAbout, path, RequestError, send } from './requests.ts'
import type { LinkState } from './store.ts'

/** Nothing for so long, though a delta comes with every change and metrics every other second: the line is dead. */
const silenceMs = 10_000

export interface StreamListener {
  readonly wants: () => TabWant
  readonly onAbout: (about: AboutAnswer) => void
  readonly onEvent: (event: StreamEvent) => void
  readonly onState: (state: LinkState) => void
  /** The process knows the filters of records no more that it was asked for. */
  readonly onForgotten: () => void
}

/** What a stream is asked for. */
export type StreamWants = () => { readonly partitions: readonly string[]; readonly live: readonly string[] }

export class StreamReader {
  readonly #listener: Omit<StreamListener, 'wants'>
  readonly #wants: StreamWants
  #running: AbortController | undefined
  #retry: ReturnType<typeof setTimeout> | undefined
  #tries = 0
  #isLive = false

  constructor(wants: StreamWants, listener: Omit<StreamListener, 'wants'>) {
    this.#wants = wants
    this.#listener = listener
  }

  /** Begins, or begins anew. */
  start(): void {
    this.stop()
    void this.#run()
  }

  stop(): void {
    clearTimeout(this.#retry)
    this.#running?.abort()
    this.#running = undefined
  }

  async #run(): Promise<void> {
    const own = new AbortController()
    this.#running = own
    const wants = this.#wants()
    if (!this.#isLive) this.#listener.onState({ kind: 'connecting' })
    try {
      this.#listener.onAbout(await getAbout(own.signal))
      await this.#read(own, wants)
      if (this.#running === own) this.#again('The stream has ended.')
    } catch (error) {
      if (this.#running !== own) return
      if (error instanceof RequestError && error.status === 400 && wants.live.length > 0) {
        this.#listener.onForgotten()
        this.start()
      } else if (error instanceof RequestError && [401, 403].includes(error.status)) {
        this.#isLive = false
        this.#listener.onState({ kind: 'asked', why: errorText(error) })
      } else this.#again(errorText(error), error instanceof RequestError && error.code === 'too-many-streams')
    } finally {
      own.abort()
    }
  }

  async #read(own: AbortController, { partitions, live }: ReturnType<StreamWants>): Promise<void> {
    const search = new URLSearchParams({
      ...(partitions.length === 0 ? {} : { partitions: partitions.join() }),
      ...(live.length === 0 ? {} : { live: live.join() }),
    }).toString()
    const response = await send(`${path('stream')}${search === '' ? '' : '?'}${search}`, { signal: own.signal })
    const parser = new EventStreamParser()
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    while (reader !== undefined) {
      const silence = setTimeout(() => own.abort(new TypeError('silence')), silenceMs)
      const { done, value } = await reader.read().finally(() => clearTimeout(silence))
      if (done || this.#running !== own) return
      for (const event of parser.add(value)) this.#take(event)
    }
  }

  #take(event: StreamEvent): void {
    this.#listener.onEvent(event)
    if (!this.#isLive) this.#listener.onState({ kind: 'live' })
    this.#isLive = true
    this.#tries = 0
  }

  #again(why: string, isFull = false): void {
    this.#tries++
    this.#isLive = false
    const ms = backOffMs(this.#tries, Math.random())
    this.#listener.onState({ kind: isFull ? 'full' : 'lost', tries: this.#tries, againAt: Date.now() + ms, why })
    this.#retry = setTimeout(() => this.start(), ms)
  }
}
