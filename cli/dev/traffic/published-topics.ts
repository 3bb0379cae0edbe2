/** Remembers where attempts that run have published to, until their event is shown. Forgets each with its attempt: nothing piles up. */
import type { HandlerRecord } from '../../../framework/api/handler.ts'
import type { RuntimeEvent } from '../../../framework/model/events.ts'
import { placeId } from '../../../framework/model/record.ts'

export class PublishedTopics {
  /** By handler and place: a record that was replayed has the id of its first place. */
  readonly #topics = new Map<string, string[]>()

  add(handlerId: string, record: HandlerRecord<unknown>, topic: string): void {
    const id = `${handlerId} ${placeId(record)}`
    const topics = this.#topics.get(id)
    if (topics === undefined) this.#topics.set(id, [topic])
    else topics.push(topic)
  }

  /** The topics of the attempt that this event ends, in the order of the calls. */
  take(event: RuntimeEvent): readonly string[] {
    if (!('durationMs' in event && 'record' in event)) return []
    const id = `${event.handlerId} ${placeId(event.record)}`
    const topics = this.#topics.get(id) ?? []
    this.#topics.delete(id)
    return topics
  }
}
