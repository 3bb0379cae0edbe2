/** The tab that reads the stream for all: asks for what each of them shows, and tells them what comes. */
import type { AboutAnswer } from '../../protocol.ts'
import type { StreamEvent } from '../models/event-stream.ts'
import { StreamCopy } from '../models/stream-copy.ts'
import { TabWants } from '../models/tab-wants.ts'
import type { LinkState } from './store.ts'
import { type StreamListener, StreamReader } from './stream-reader.ts'

/** What tabs tell each other. */
export type TabMessage = WantsMessage | ReadMessage
export type WantsMessage =
  /** Every second: partitions that the tab shows. */
  | { readonly kind: 'wants'; readonly tab: string; readonly partitions: readonly string[] }
  | { readonly kind: 'gone'; readonly tab: string }
export type ReadMessage =
  /** Of the tab that reads: first, and every second. */
  | { readonly kind: 'reads' }
  | { readonly kind: 'about'; readonly about: AboutAnswer }
  | { readonly kind: 'state'; readonly state: LinkState }
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
  #asked: readonly string[] = []
  #about: AboutAnswer | undefined
  #state: LinkState = { kind: 'connecting' }
  #settling: ReturnType<typeof setTimeout> | undefined

  /** @param own this tab, which hears itself */
  constructor(own: StreamListener, tell: (message: ReadMessage) => void) {
    this.#own = own
    this.#tell = tell
    this.#reader = new StreamReader({
      partitions: () => {
        this.#asked = this.#wanted()
        return this.#asked
      },
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
    else if (this.#wants.set(message.tab, message.partitions, at)) this.#tellMissed(message.tab)
    this.#askAnew()
  }

  /** This tab shows other partitions: what another one shows already does not come again by itself. */
  partitionsChanged(): void {
    const known = this.#copy.snapshot()
    if (known !== undefined) this.#own.onEvent(known)
    this.#askAnew()
  }

  /** Where other partitions are wanted than the stream was asked for. */
  #askAnew(): void {
    if (this.#isAsked()) return
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined
      if (!this.#isAsked()) this.#reader.start()
    }, settleMs)
  }

  #isAsked(): boolean {
    return this.#wanted().join() === this.#asked.join()
  }

  #wanted(): readonly string[] {
    return this.#wants.union(this.#own.partitions())
  }

  /** What a tab has not heard: it came later, or shows something else since. */
  #tellMissed(tab: string): void {
    if (this.#about !== undefined) this.#tell({ kind: 'about', about: this.#about })
    const event = this.#copy.snapshot()
    if (event !== undefined) this.#tell({ kind: 'event', event, to: tab })
    this.#tell({ kind: 'state', state: this.#state })
  }
}
