/** The tab that reads the stream for all: asks for what each of them shows, and tells them what comes. */
import type { AboutAnswer } from '../../protocol.ts'
import type { StreamEvent } from '../models/event-stream.ts'
import { StreamCopy } from '../models/stream-copy.ts'
import { type TabWant, TabWants } from '../models/tab-wants.ts'
import type { LinkState } from './store.ts'
import { type StreamListener, StreamReader, type StreamWants } from './stream-reader.ts'

/** What tabs tell each other. */
export type TabMessage = WantsMessage | ReadMessage
export type WantsMessage =
  /** Every second: what the tab shows. */
  | { readonly kind: 'wants'; readonly tab: string; readonly want: TabWant }
  | { readonly kind: 'gone'; readonly tab: string }
export type ReadMessage =
  /** Of the tab that reads: first, and every second. */
  | { readonly kind: 'reads' }
  | { readonly kind: 'about'; readonly about: AboutAnswer }
  | { readonly kind: 'state'; readonly state: LinkState }
  | { readonly kind: 'forgotten' }
  /** `to`: for this tab only, which has come later. */
  | { readonly kind: 'event'; readonly event: StreamEvent; readonly to?: string }

/** A list that is scrolled wants other partitions at every moment. */
const settleMs = 200

export class TabReader {
  readonly #reader: StreamReader
  readonly #own: StreamListener
  readonly #tell: (message: ReadMessage) => void
  readonly #wants = new TabWants()
  readonly #copy = new StreamCopy()
  #asked = ''
  #about: AboutAnswer | undefined
  #state: LinkState = { kind: 'connecting' }
  #settling: ReturnType<typeof setTimeout> | undefined

  /** @param own this tab, which hears itself */
  constructor(own: StreamListener, tell: (message: ReadMessage) => void) {
    this.#own = own
    this.#tell = tell
    const wants: StreamWants = () => {
      const wanted = this.#wanted()
      this.#asked = JSON.stringify(wanted)
      return wanted
    }
    this.#reader = new StreamReader(wants, {
      onAbout: (about) => {
        this.#about = about
        tell({ kind: 'about', about })
        own.onAbout(about)
      },
      onState: (state) => {
        this.#state = state
        tell({ kind: 'state', state })
        own.onState(state)
      },
      onForgotten: () => {
        this.#wants.forgetLive()
        tell({ kind: 'forgotten' })
        own.onForgotten()
      },
      onEvent: (event) => {
        this.#copy.take(event)
        tell({ kind: 'event', event })
        own.onEvent(event)
      },
    })
  }

  start(): void {
    this.#tell({ kind: 'reads' })
    this.#reader.start()
  }

  stop(): void {
    clearTimeout(this.#settling)
    this.#reader.stop()
  }

  beat(at: number): void {
    this.#tell({ kind: 'reads' })
    if (this.#wants.forgetSilent(at)) this.#askAnew()
  }

  hear(message: WantsMessage, at: number): void {
    if (message.kind === 'gone') this.#wants.forget(message.tab)
    else if (this.#wants.set(message.tab, message.want, at)) this.#tellMissed(message.tab)
    this.#askAnew()
  }

  /** This tab shows something else: what another one shows already does not come again by itself. */
  wantsChanged(): void {
    const known = this.#copy.snapshot()
    if (known !== undefined) this.#own.onEvent(known)
    this.#askAnew()
  }

  /** Where something else is wanted than the stream was asked for. */
  #askAnew(): void {
    if (this.#isAsked()) return
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined
      if (!this.#isAsked()) this.#reader.start()
    }, settleMs)
  }

  #isAsked(): boolean {
    return JSON.stringify(this.#wanted()) === this.#asked
  }

  #wanted(): ReturnType<StreamWants> {
    const own = this.#own.wants()
    return { partitions: this.#wants.partitions(own), live: this.#wants.live(own) }
  }

  /** What a tab has not heard: it came later, or shows something else since. */
  #tellMissed(tab: string): void {
    if (this.#about !== undefined) this.#tell({ kind: 'about', about: this.#about })
    const event = this.#copy.snapshot()
    if (event !== undefined) this.#tell({ kind: 'event', event, to: tab })
    this.#tell({ kind: 'state', state: this.#state })
  }
}
