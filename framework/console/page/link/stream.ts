/** The page's stream: shared with other tabs while this one is seen, closed while it is hidden. Fills the store. */
import { batch } from '@preact/signals'
import type { StreamFrameName } from '../../protocol-stream.ts'
import type { StreamEvent } from '../models/event-stream.ts'
import { instance } from './instance.ts'
import { SharedStream } from './shared-stream.ts'
import { about, forget, link, liveFilter, take, watched } from './store.ts'
import { token } from './token.ts'

const frameNames: readonly string[] = ['snapshot', 'delta', 'note', 'live'] satisfies readonly StreamFrameName[]

export class ConsoleStream {
  #shared: SharedStream | undefined
  #instanceId: string | undefined

  start(): void {
    document.addEventListener('visibilitychange', () => this.restart())
    this.restart()
    watched.subscribe(() => this.#shared?.wantsChanged())
    liveFilter.subscribe(() => this.#shared?.wantsChanged())
  }

  /** Looks at another process: nothing of the one before is shown any more. */
  lookAt(id: string | undefined): void {
    batch(() => {
      instance.value = id
      about.value = undefined
      forget()
    })
    this.#instanceId = undefined
    link.value = { kind: 'connecting' }
    this.restart()
  }

  /** With the token of by now. */
  restart(): void {
    this.#shared?.leave()
    this.#shared = undefined
    if (document.hidden) {
      link.value = { kind: 'hidden' }
      return
    }
    if (link.value.kind !== 'live') link.value = { kind: 'connecting' }
    this.#shared = new SharedStream({
      wants: () => ({ partitions: watched.peek(), live: liveFilter.peek() }),
      onAbout: (answer) => {
        about.value = answer
      },
      onEvent: (event) => this.#take(event),
      onForgotten: () => {
        liveFilter.value = undefined
      },
      onState: (state) => {
        link.value = state
      },
    })
    void this.#shared.join(token(), instance.peek())
  }

  #take({ event, data, id }: StreamEvent): void {
    const from = id.slice(0, id.lastIndexOf('-'))
    if (this.#instanceId !== undefined && this.#instanceId !== from) forget()
    this.#instanceId = from
    if (frameNames.includes(event)) take(event as StreamFrameName, JSON.parse(data))
  }
}

export const stream = new ConsoleStream()
