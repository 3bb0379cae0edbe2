/** What values that name a schema say, for answers: each is read once, and no answer waits long for a registry. */
import type { ReadValue } from '../formats/read-value.ts'
import { valueFrame } from '../formats/value-frame.ts'
import { toError } from '../model/errors.ts'
import type { KafkaRecord } from '../model/record.ts'
import type { Clock } from '../time/clock.ts'
import { settlesWithin } from '../time/wait.ts'
import { exactText } from '../validation/exact-json.ts'
import type { ReadView } from './protocol.ts'
import type { ValueLooks } from './watched-runtime.ts'

/** To read a larger one would keep the handlers waiting. Bytes. */
export const MAX_READ_BYTES = 1_048_576
/** What is shown of one. Characters. */
const MAX_TEXT = 65_536
/** What could not be read may be by then: a page that stays open asks every second. Milliseconds. */
const AGAIN_MS = 5_000

export const asking: ReadView = { kind: 'unread', why: 'its schema is being asked for' }

type Value = Pick<KafkaRecord, 'value' | 'headers'>

interface Reading {
  readonly isOver: Promise<void>
  /** `null`: it names no schema. */
  view: ReadView | null
  /** It is read anew from then on. Milliseconds since the Unix epoch. */
  againAt: number
}

export class ReadValues {
  readonly #clock: Clock
  /** By the bytes themselves: they are the same while the record is in memory. */
  readonly #readings = new WeakMap<Buffer, Reading>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * @param waitMs for the registry
   * @returns `null` where the value names no schema
   */
  async of(record: Value, values: ValueLooks, waitMs: number): Promise<ReadView | null> {
    const { value, headers } = record
    if (value === null || typeof valueFrame(value, headers) === 'string') return null
    if (value.length > MAX_READ_BYTES) return { kind: 'unread', why: `it is above ${MAX_READ_BYTES} bytes` }
    const known = this.#readings.get(value)
    const isOld = known === undefined || this.#clock.now() >= known.againAt
    const reading = isOld ? this.#begin(value, values.read(record)) : known
    await settlesWithin(this.#clock, reading.isOver, waitMs)
    return reading.view
  }

  #begin(value: Buffer, read: Promise<ReadValue>): Reading {
    const end = (view: ReadView | null) => {
      reading.view = view
      if (view?.kind === 'unread') reading.againAt = this.#clock.now() + AGAIN_MS
    }
    const isOver = read.then(readView).then(end, (thrown) => end({ kind: 'unread', why: toError(thrown).message }))
    const reading: Reading = { isOver, view: asking, againAt: Number.POSITIVE_INFINITY }
    this.#readings.set(value, reading)
    return reading
  }
}

export function readView(read: ReadValue): ReadView | null {
  switch (read.kind) {
    case 'plain':
      return null
    case 'unread':
      return { kind: 'unread', why: read.why }
    case 'read': {
      const text = exactText(read.value, 2)
      return { kind: 'read', schema: read.by, text: text.slice(0, MAX_TEXT), isCut: text.length > MAX_TEXT }
    }
  }
}
