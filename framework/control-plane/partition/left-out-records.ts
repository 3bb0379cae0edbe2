/** Gathers what handlers leave out of one poll, for whoever listens, and tells it handler by handler: an event for each record would cost more than the record. */
import type { EventSink } from '../../model/events.ts'
import type { KafkaRecord } from '../../model/record.ts'

export class LeftOutRecords {
  readonly #emit: EventSink | undefined
  #handlerId = ''
  #records: KafkaRecord[] = []

  constructor(emit: EventSink | undefined) {
    this.#emit = emit
  }

  add(handlerId: string, record: KafkaRecord): void {
    if (handlerId !== this.#handlerId) this.tell()
    this.#handlerId = handlerId
    this.#records.push(record)
  }

  /** The poll is over, or another handler's turn has come. */
  tell(): void {
    if (this.#records.length === 0) return
    const records = this.#records
    this.#records = []
    this.#emit?.({ kind: 'records.left-out', handlerId: this.#handlerId, records })
  }
}
