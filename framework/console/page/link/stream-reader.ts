/**
 * Keeps one stream open, and says how it stands. What is lost is asked for again, ever later. Read by `fetch`, because an EventSource sends no headers.
 */
import type { AboutAnswer } from '../../protocol.ts'
import { backOffMs } from '../models/back-off.ts'
import { EventStreamParser, type StreamEvent } from '../models/event-stream.ts'
import { errorText, get, path, RequestError, send } from './requests.ts'
import type { LinkState } from './store.ts'

/** Nothing for so long, though a delta comes with every change and metrics every other second: the line is dead. */
const silenceMs = 10_000

export interface StreamListener {
  /** Partitions to ask for, as the stream names them. */
  readonly partitions: () => readonly string[]
  readonly onAbout: (about: AboutAnswer) => void
  readonly onEvent: (event: StreamEvent) => void
  readonly onState: (state: LinkState) => void
}

export class StreamReader {
  readonly #listener: StreamListener
  #running: AbortController | undefined
  #retry: ReturnType<typeof setTimeout> | undefined
  #tries = 0
  #isLive = false

  constructor(listener: StreamListener) {
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
    if (!this.#isLive) this.#listener.onState({ kind: 'connecting' })
    try {
      this.#listener.onAbout(await get<AboutAnswer>(path(), own.signal))
      await this.#read(own)
      if (this.#running === own) this.#again('The stream has ended.')
    } catch (error) {
      if (this.#running !== own) return
      if (error instanceof RequestError && [401, 403].includes(error.status)) {
        this.#isLive = false
        this.#listener.onState({ kind: 'asked', why: errorText(error) })
      } else this.#again(errorText(error), error instanceof RequestError && error.code === 'too-many-streams')
    } finally {
      own.abort()
    }
  }

  async #read(own: AbortController): Promise<void> {
    const named = this.#listener.partitions()
    const search = named.length === 0 ? '' : `?${new URLSearchParams({ partitions: named.join() })}`
    const response = await send(`${path('stream')}${search}`, { signal: own.signal })
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
