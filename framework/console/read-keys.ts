/** What keys say that name a schema of a registry, for answers. Each schema is asked for once, however many rows show keys of it, and nothing here runs on the way of a record. */
import { keyFrame, type SchemaReader } from '../formats/read-value.ts'
import { refText, type ValueFrame } from '../formats/value-frame.ts'
import { toError } from '../model/errors.ts'
import { cutText } from '../model/plain-text.ts'
import type { KafkaRecord } from '../model/record.ts'
import type { Clock } from '../time/clock.ts'
import { settlesWithin } from '../time/wait.ts'
import { exactText } from '../validation/exact-json.ts'
import type { Mask } from './mask.ts'
import type { BytesView, ReadView } from './protocol.ts'
import { asking, MAX_READ_BYTES, readView } from './read-values.ts'
import type { ValueLooks, WatchedRuntime } from './watched-runtime.ts'

/** Of a key that is read for a row: those of records that are gone are copied. Bytes. */
const MAX_ROW_BYTES = 1_024
/** What a row says of one. Characters. */
const MAX_ROW_TEXT = 256
/** Kept, and asked for at once: whoever writes keys could name any number of them. */
const MOST_SCHEMAS = 100
const MOST_ASKED = 10
/** What could not be had may be by then. Milliseconds. */
const AGAIN_MS = 5_000

export type KeyOf = Pick<KafkaRecord, 'topic' | 'key'> & Partial<Pick<KafkaRecord, 'headers'>>

export interface ReadKeysOptions {
  readonly mask: Mask
  /** Undefined while there is none. */
  readonly runtime: () => WatchedRuntime | undefined
  readonly clock: Clock
}

/** The schema of some keys. */
interface Held {
  readonly isOver: Promise<void>
  /** Undefined: it is being asked for, or could not be had. */
  reader: SchemaReader | undefined
  why: ReadView
  /** It is asked for anew from then on. Milliseconds since the Unix epoch. */
  againAt: number
}

export class ReadKeys {
  readonly #options: ReadKeysOptions
  /** By the runtime's looks: another one may have another registry, which has other schemas by these ids. */
  readonly #schemas = new WeakMap<ValueLooks, Map<string, Held>>()
  #asked = 0

  constructor(options: ReadKeysOptions) {
    this.#options = options
  }

  /** In a row. What it says is left out while its schema is not here: that is asked for. @param shownAs the topic whose mask it has */
  view(of: KeyOf, shownAs = of.topic): BytesView | null {
    return this.later(of, shownAs)()
  }

  /** The same for whoever asks when the record is gone: what is needed of its bytes is copied now, and read then. */
  later(of: KeyOf, shownAs = of.topic): () => BytesView | null {
    const { key } = of
    const view = this.#options.mask.key(shownAs, key)
    const frame = view === null || view.isMasked ? undefined : this.#frameOf(of)
    if (view === null || key === null || frame === undefined || key.length > MAX_ROW_BYTES) return () => view
    const bytes = Buffer.from(key)
    const { beside } = frame
    const own = beside === undefined ? frame : { ...frame, beside: Buffer.from(beside) }
    return () => {
      const reader = this.#held(own)?.reader
      const read = reader?.(bytes, own)
      return read?.kind === 'read' ? { ...view, says: cutText(exactText(read.value), MAX_ROW_TEXT) } : view
    }
  }

  /** Before rows are made: until the schemas of their keys are here, or the time is over. */
  async ready(of: readonly KeyOf[], waitMs: number): Promise<void> {
    const { mask, clock } = this.#options
    const missing = of.flatMap((each) => {
      const frame = each.key === null || !mask.shows(each.topic) ? undefined : this.#frameOf(each)
      const held = frame === undefined ? undefined : this.#held(frame)
      return held === undefined || held.reader !== undefined ? [] : held.isOver
    })
    if (missing.length > 0) await settlesWithin(clock, Promise.all(missing), waitMs)
  }

  /**
   * The whole of one. Whoever asks has looked at the mask.
   * @returns `null` where it names no schema
   */
  async of(of: KeyOf, waitMs: number): Promise<ReadView | null> {
    const frame = this.#frameOf(of)
    if (frame === undefined || of.key === null) return null
    if (of.key.length > MAX_READ_BYTES) return { kind: 'unread', why: `it is above ${MAX_READ_BYTES} bytes` }
    const held = this.#held(frame)
    if (held === undefined) return asking
    await settlesWithin(this.#options.clock, held.isOver, waitMs)
    return held.reader === undefined ? held.why : readView(held.reader(of.key, frame))
  }

  /** Only where its header names the schema, or its topic has a format for keys: any bytes may be a key. */
  #frameOf({ topic, key, headers = [] }: KeyOf): ValueFrame | undefined {
    if (key === null) return undefined
    const handlers = this.#options.runtime()?.handlers ?? []
    const hasFormat = handlers.some(
      ({ route, definition }) => route.topic === topic && definition?.topic.keyFormat !== undefined,
    )
    return keyFrame({ key, headers }, hasFormat)
  }

  /** Undefined: too many are being asked for, or nothing runs. */
  #held(frame: ValueFrame): Held | undefined {
    const { runtime, clock } = this.#options
    const values = runtime()?.values
    if (values === undefined) return undefined
    const schemas = this.#schemas.get(values) ?? new Map<string, Held>()
    this.#schemas.set(values, schemas)
    const name = refText(frame.ref)
    const known = schemas.get(name)
    if (known !== undefined && clock.now() < known.againAt) return known
    if (this.#asked >= MOST_ASKED) return undefined
    schemas.delete(name)
    const [oldest] = schemas.size < MOST_SCHEMAS ? [] : schemas.keys()
    if (oldest !== undefined) schemas.delete(oldest)
    const held = this.#ask(frame, values)
    schemas.set(name, held)
    return held
  }

  #ask({ ref }: ValueFrame, values: ValueLooks): Held {
    const { clock } = this.#options
    this.#asked += 1
    const asked = values.readerOf(ref).then(
      (reader) => {
        held.reader = reader
      },
      (thrown) => {
        held.why = { kind: 'unread', why: toError(thrown).message }
        held.againAt = clock.now() + AGAIN_MS
      },
    )
    const isOver = asked.finally(() => {
      this.#asked -= 1
    })
    const held: Held = { isOver, reader: undefined, why: asking, againAt: Number.POSITIVE_INFINITY }
    return held
  }
}
