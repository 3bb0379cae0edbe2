/** Gathers what one thread is to be told, and makes one message of it. Sends nothing. */
import { encodeBatch, type SlottedItem } from '../thread/batch-codec.ts'
import type { AbortOrder, PublishAnswer, ToThread } from '../thread/thread-messages.ts'

export class LaneOutbox {
  #items: SlottedItem[] = []
  #published: PublishAnswer[] = []
  #aborts: AbortOrder[] = []

  get isEmpty(): boolean {
    return this.#items.length === 0 && this.#published.length === 0 && this.#aborts.length === 0
  }

  add(item: SlottedItem): void {
    this.#items.push(item)
  }

  answer(answer: PublishAnswer): void {
    this.#published.push(answer)
  }

  abort(order: AbortOrder): void {
    this.#aborts.push(order)
  }

  /** Everything since the last call. */
  take(stop: boolean): ToThread {
    const batch = this.#items.length === 0 ? {} : { batch: encodeBatch(this.#items) }
    const message = { published: this.#published, aborts: this.#aborts, stop, ...batch }
    this.#items = []
    this.#published = []
    this.#aborts = []
    return message
  }
}
