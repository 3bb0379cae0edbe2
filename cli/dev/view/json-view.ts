/** Shows events as NDJSON: one object per event, without payloads. */
import type { RuntimeEvent } from '../../../framework/model/events.ts'
import { keyLine } from '../../../framework/model/plain-text.ts'
import type { Clock } from '../../../framework/time/clock.ts'
import { jsonText } from '../../terminal/json-text.ts'
import type { DevNote } from './dev-note.ts'
import type { View } from './view.ts'

export class JsonView implements View {
  readonly #write: (text: string) => void
  readonly #clock: Clock

  constructor(write: (text: string) => void, clock: Clock) {
    this.#write = write
    this.#clock = clock
  }

  onEvent(event: RuntimeEvent, publishedTo: readonly string[]): void {
    const time = new Date(this.#clock.now()).toISOString()
    this.#write(`${jsonText({ time, ...plain(event), ...(publishedTo.length > 0 && { publishedTo }) })}\n`)
  }

  onNote(note: DevNote): void {
    this.#write(`${jsonText({ time: new Date(this.#clock.now()).toISOString(), ...note })}\n`)
  }

  close(): void {
    // Nothing is held back.
  }
}

/** The event with its record as coordinates, and its errors as texts. */
function plain(event: RuntimeEvent): object {
  if (!('record' in event)) return 'error' in event ? { ...event, error: event.error.message } : event
  const { record, ...rest } = event
  const { topic, partition, offset, key } = record
  const place = { topic, partition, offset, key: key === null ? null : keyLine(key, key.length) }
  if ('error' in rest) return { ...rest, ...place, error: rest.error.message }
  if (!('failure' in rest)) return { ...rest, ...place }
  const { name, message, reason } = rest.failure
  return { ...rest, ...place, failure: { reason, name, message } }
}
