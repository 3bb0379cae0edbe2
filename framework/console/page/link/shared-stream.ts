/**
 * One stream for all tabs of a browser that look at the same process with the same token: a browser has six connections to one address, and a stream takes one for good.
 *
 * The tab that holds a lock reads the stream and tells the others by a channel; when it closes, hides or dies, the browser gives the lock to the next
 * one. Names of lock and channel are digests of the token: who does not have it cannot listen, and the token itself is never told. The channel's
 * name is another than the lock's, because every page of this address may list the locks.
 */
import type { StreamListener } from './stream-reader.ts'
import { type TabMessage, TabReader } from './tab-reader.ts'

const beatMs = 1_000
/** The tab that reads is stopped by something, a debugger for example, and keeps the lock: it is taken away. */
const silenceMs = 8_000

/** For as long as a tab is seen and has one token. */
export class SharedStream {
  readonly #listener: StreamListener
  readonly #tab = crypto.getRandomValues(new Uint32Array(2)).join('-')
  readonly #left = new AbortController()
  #channel: BroadcastChannel | undefined
  /** Where this tab reads for all. */
  #reader: TabReader | undefined
  #heardAt = 0

  constructor(listener: StreamListener) {
    this.#listener = listener
  }

  /**
   * @param token of the requests; undefined: there is none, and the server will ask for it
   * @param instance that is looked at; undefined: the one that serves the page
   */
  async join(token: string | undefined, instance: string | undefined): Promise<void> {
    const names = await namesOf(token, instance ?? '')
    const { signal } = this.#left
    if (signal.aborted) return
    if (names === undefined) {
      this.#read()
      return
    }
    const channel = new BroadcastChannel(names.channel)
    this.#channel = channel
    channel.onmessage = ({ data }: MessageEvent<TabMessage>) => this.#hear(data)
    this.#heardAt = performance.now()
    const beat = setInterval(() => this.#beat(names.lock), beatMs)
    signal.addEventListener('abort', () => clearInterval(beat))
    this.#tellWants()
    this.#queue(names.lock)
  }

  leave(): void {
    this.#left.abort()
    this.#stopReading()
    this.#tell({ kind: 'gone', tab: this.#tab })
    this.#channel?.close()
  }

  /** Something else is shown. */
  wantsChanged(): void {
    if (this.#reader === undefined) this.#tellWants()
    else this.#reader.wantsChanged()
  }

  #queue(lock: string): void {
    const { signal } = this.#left
    void navigator.locks
      .request(lock, { signal }, () => this.#readUntilLeft())
      .catch((error: unknown) => {
        if (signal.aborted) return
        if (!(error instanceof DOMException && error.name === 'AbortError')) {
          // This browser gives no locks here: each tab reads for itself.
          this.#read()
          return
        }
        // Another tab has taken it away, as this one was silent for too long.
        this.#stopReading()
        this.#queue(lock)
      })
  }

  /** Its place in the queue stays: whoever takes the lock away next gives it back there. */
  #seize(lock: string): void {
    void navigator.locks
      .request(lock, { steal: true }, () => this.#readUntilLeft())
      .catch(() => {
        if (!this.#left.signal.aborted) this.#stopReading()
      })
  }

  #readUntilLeft(): Promise<void> {
    const { signal } = this.#left
    if (signal.aborted) return Promise.resolve()
    this.#read()
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
  }

  #read(): void {
    this.#stopReading()
    this.#reader = new TabReader(this.#listener, (message) => this.#tell(message))
    this.#reader.start()
  }

  #stopReading(): void {
    this.#reader?.stop()
    this.#reader = undefined
    this.#heardAt = performance.now()
  }

  #beat(lock: string): void {
    if (this.#reader !== undefined) {
      this.#reader.beat(performance.now())
      return
    }
    this.#tellWants()
    if (performance.now() - this.#heardAt < silenceMs) return
    this.#heardAt = performance.now()
    this.#seize(lock)
  }

  #hear(message: TabMessage): void {
    if (message.kind === 'wants' || message.kind === 'gone') {
      this.#reader?.hear(message, performance.now())
      return
    }
    // A tab that was silent for too long does not know yet that another one reads.
    if (this.#reader !== undefined) return
    this.#heardAt = performance.now()
    if (message.kind === 'reads') this.#tellWants()
    else if (message.kind === 'about') this.#listener.onAbout(message.about)
    else if (message.kind === 'state') this.#listener.onState(message.state)
    else if (message.kind === 'forgotten') this.#listener.onForgotten()
    else if (message.to === undefined || message.to === this.#tab) this.#listener.onEvent(message.event)
  }

  #tellWants(): void {
    this.#tell({ kind: 'wants', tab: this.#tab, want: this.#listener.wants() })
  }

  #tell(message: TabMessage): void {
    this.#channel?.postMessage(message)
  }
}

/** `undefined`: nothing can be shared. Locks and digests are for pages of this machine and of https only. */
async function namesOf(token: string | undefined, instance: string) {
  if (token === undefined || !('locks' in navigator) || !('subtle' in crypto)) return undefined
  return { lock: await digest(`lock ${instance} ${token}`), channel: await digest(`channel ${instance} ${token}`) }
}

async function digest(text: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`pyrallel console ${text}`))
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
