/** Records as they come, for those who read the stream: which filters there are, and whether anything is watched at all. */
import { randomBytes } from 'node:crypto'
import { type Static, Type } from 'typebox'
import type { RuntimeEvent } from '../model/events.ts'
import type { RecordWatch, WatchPoint } from '../model/record-watch.ts'
import type { Clock } from '../time/clock.ts'
import type { Endpoint } from './http/endpoint.ts'
import { badRequest } from './http/fault.ts'
import { CompiledFilter } from './live-filter.ts'
import { LiveQueue } from './live-queue.ts'
import type { Mask } from './mask.ts'
import { type LiveAnswer, liveStatuses } from './protocol-live.ts'
import { MAX_LIVE } from './protocol-stream.ts'
import type { ReadKeys } from './read-keys.ts'
import { RecordTraces } from './record-traces.ts'

/** More than all streams together can name. */
const MOST_FILTERS = 100
const FORGET_AFTER_MS = 300_000

const closed = { additionalProperties: false }
const text = Type.String({ minLength: 1, maxLength: 256 })
const filterBody = Type.Object(
  {
    group: Type.Optional(text),
    topic: Type.Optional(text),
    handlerId: Type.Optional(text),
    key: Type.Optional(Type.String({ maxLength: 256 })),
    keyBase64: Type.Optional(Type.String({ maxLength: 344 })),
    status: Type.Optional(Type.Union(liveStatuses.map((each) => Type.Literal(each)))),
    header: Type.Optional(Type.Object({ name: text, value: Type.Optional(Type.String({ maxLength: 256 })) }, closed)),
    text: Type.Optional(text),
  },
  closed,
)

export interface LiveRecordsOptions {
  readonly watchPoint: WatchPoint
  readonly mask: Mask
  readonly keys: ReadKeys
  readonly clock: Clock
}

interface Held {
  readonly filter: CompiledFilter
  streams: number
  /** Of the last stream that has ended, or of its making. */
  unusedSince: number
}

export class LiveRecords {
  readonly traces: RecordTraces
  readonly #options: LiveRecordsOptions
  readonly #watchOf = (group: string): RecordWatch => this.traces.of(group)
  readonly #held = new Map<string, Held>()
  /** Those that some stream shows: what is picked for nobody would only push out what is. */
  #used: readonly CompiledFilter[] = []

  constructor(options: LiveRecordsOptions) {
    this.#options = options
    const { keys, clock } = options
    this.traces = new RecordTraces({ keys, filters: () => this.#used, now: () => clock.now() })
  }

  get endpoints(): readonly Endpoint[] {
    return [
      {
        method: 'POST',
        path: '/api/live',
        body: filterBody,
        run: ({ body }): LiveAnswer => ({ filter: this.#add(body as Static<typeof filterBody>) }),
      },
    ]
  }

  onEvent(group: string, event: RuntimeEvent): void {
    if (this.traces.size > 0) this.traces.onEvent(group, event)
  }

  /** From the first reader of the stream until the last has gone. */
  watch(): void {
    this.#options.watchPoint.add(this.#watchOf)
  }

  unwatch(): void {
    this.#options.watchPoint.remove(this.#watchOf)
    this.traces.clear()
  }

  /**
   * For one stream.
   * @param named ids of filters, with a comma between them
   * @throws ApiFault for one that nobody has asked for, and for too many
   */
  queues(named: string): readonly LiveQueue[] {
    const ids = named === '' ? [] : [...new Set(named.split(','))]
    if (ids.length > MAX_LIVE) throw badRequest(`live may name ${MAX_LIVE} filters at most.`)
    this.#forgetOld()
    return ids.map((id) => {
      const held = this.#held.get(id)
      if (held === undefined) throw badRequest(`live names '${id}', which is forgotten: POST /api/live gives another.`)
      return new LiveQueue(held.filter)
    })
  }

  hold(queues: readonly LiveQueue[]): void {
    this.#count(queues, 1)
  }

  release(queues: readonly LiveQueue[]): void {
    this.#count(queues, -1)
  }

  #count(queues: readonly LiveQueue[], change: 1 | -1): void {
    for (const { filter } of queues) {
      const held = this.#held.get(filter.id) ?? { filter, streams: 0, unusedSince: 0 }
      // One that was forgotten between the question and the answer is there again.
      this.#held.set(filter.id, held)
      held.streams += change
      held.unusedSince = this.#options.clock.now()
    }
    this.#used = [...this.#held.values()].flatMap(({ filter, streams }) => (streams > 0 ? filter : []))
  }

  #add(of: Static<typeof filterBody>): string {
    const id = randomBytes(6).toString('hex')
    const filter = new CompiledFilter(id, of, this.#options.mask)
    this.#forgetOld()
    const unused = [...this.#held].find(([, { streams }]) => streams === 0)
    if (this.#held.size >= MOST_FILTERS && unused !== undefined) this.#held.delete(unused[0])
    this.#held.set(id, { filter, streams: 0, unusedSince: this.#options.clock.now() })
    return id
  }

  #forgetOld(): void {
    const now = this.#options.clock.now()
    for (const [id, { streams, unusedSince }] of this.#held) {
      if (streams === 0 && now - unusedSince >= FORGET_AFTER_MS) this.#held.delete(id)
    }
  }
}
