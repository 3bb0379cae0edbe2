/** Gathers what one thread is to be told, and makes one message of it. Sends nothing. */
import { encodeBatch, type SlottedItem } from '../thread/batch-codec.ts'
import type { AbortOrder, PublishAnswer, SchemaReply, TickSent, ToThread } from '../thread/thread-messages.ts'

export class LaneOutbox {
  #items: SlottedItem[] = []
  #published: PublishAnswer[] = []
  #aborts: AbortOrder[] = []
  #schemas: SchemaReply[] = []
  #tick: TickSent | undefined

  get isEmpty(): boolean {
    const lists = [this.#items, this.#published, this.#aborts, this.#schemas]
    return this.#tick === undefined && lists.every(({ length }) => length === 0)
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

  schema(reply: SchemaReply): void {
    this.#schemas.push(reply)
  }

  tick(order: TickSent): void {
    this.#tick = order
  }

  /** Everything since the last call. */
  take(stop: boolean): ToThread {
    const batch = this.#items.length === 0 ? {} : { batch: encodeBatch(this.#items) }
    const tick = this.#tick === undefined ? {} : { tick: this.#tick }
    const gathered = { published: this.#published, aborts: this.#aborts, schemas: this.#schemas }
    const message = { ...gathered, stop, ...batch, ...tick }
    this.#items = []
    this.#published = []
    this.#aborts = []
    this.#schemas = []
    this.#tick = undefined
    return message
  }
}
