/**
 * Keeps one stream open while the page is seen, and says how it stands. A hidden tab closes it; what is lost is asked for again, ever later. Read by
 * `fetch`, because an EventSource sends no headers, and six of one profile block the seventh tab.
 */

import { effect } from '@preact/signals'
import type { AboutAnswer } from '../../protocol.ts'
import { backOffMs } from '../models/back-off.ts'
import { EventStreamParser } from '../models/event-stream.ts'
import { errorText, get, path, RequestError, send } from './requests.ts'
import { about, forget, link, type Taken, take, watched } from './store.ts'

/** Nothing for so long, though a delta comes with every change and metrics every other second: the line is dead. */
const silenceMs = 10_000
const frameNames: readonly string[] = ['snapshot', 'delta', 'note'] satisfies readonly (keyof Taken)[]

export class ConsoleStream {
  #running: AbortController | undefined
  #retry: ReturnType<typeof setTimeout> | undefined
  #tries = 0
  #instanceId: string | undefined
  /** The partitions that the stream was asked for. */
  #named = ''

  start(): void {
    document.addEventListener('visibilitychange', () => this.#onSeen())
    // A list that is scrolled wants other partitions at every moment.
    effect(() => {
      if (watched.value.join() === this.#named) return
      const settled = setTimeout(() => this.restart(), 200)
      return () => clearTimeout(settled)
    })
    this.restart()
  }

  restart(): void {
    clearTimeout(this.#retry)
    this.#running?.abort()
    this.#running = undefined
    if (document.hidden) link.value = { kind: 'hidden' }
    else void this.#run()
  }

  #onSeen(): void {
    this.#tries = 0
    this.restart()
  }

  async #run(): Promise<void> {
    const own = new AbortController()
    this.#running = own
    if (link.value.kind !== 'live') link.value = { kind: 'connecting' }
    try {
      about.value = await get<AboutAnswer>(path(), own.signal)
      await this.#read(own)
      if (!own.signal.aborted) this.#again('The stream has ended.')
    } catch (error) {
      if (this.#running !== own) return
      if (error instanceof RequestError && [401, 403].includes(error.status)) {
        link.value = { kind: 'asked', why: errorText(error) }
      } else this.#again(errorText(error), error instanceof RequestError && error.code === 'too-many-streams')
    } finally {
      own.abort()
    }
  }

  async #read(own: AbortController): Promise<void> {
    this.#named = watched.peek().join()
    const search = this.#named === '' ? '' : `?${new URLSearchParams({ partitions: this.#named })}`
    const response = await send(`${path('stream')}${search}`, { signal: own.signal })
    const parser = new EventStreamParser()
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    while (reader !== undefined) {
      const silence = setTimeout(() => own.abort(new TypeError('silence')), silenceMs)
      const { done, value } = await reader.read().finally(() => clearTimeout(silence))
      if (done) return
      for (const { event, data, id } of parser.add(value)) this.#take(event, data, id)
    }
  }

  #take(event: string, data: string, id: string): void {
    const from = id.slice(0, id.lastIndexOf('-'))
    if (this.#instanceId !== undefined && this.#instanceId !== from) forget()
    this.#instanceId = from
    if (!frameNames.includes(event)) return
    take(event as keyof Taken, JSON.parse(data))
    if (link.value.kind !== 'live') link.value = { kind: 'live' }
    this.#tries = 0
  }

  #again(why: string, isFull = false): void {
    this.#tries++
    const ms = backOffMs(this.#tries, Math.random())
    link.value = { kind: isFull ? 'full' : 'lost', tries: this.#tries, againAt: Date.now() + ms, why }
    this.#retry = setTimeout(() => this.restart(), ms)
  }
}

export const stream = new ConsoleStream()
