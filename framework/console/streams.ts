/** All readers of the stream. Some seconds after the last one there is no timer any more, and nothing is looked at. */
import type { ServerResponse } from 'node:http'
import type { RuntimeEvent } from '../model/events.ts'
import type { Clock, Timer } from '../time/clock.ts'
import { type Endpoint, StreamAnswer } from './http/endpoint.ts'
import { ApiFault, badRequest } from './http/fault.ts'
import type { LiveRecords } from './live-records.ts'
import type { PartitionView } from './protocol-records.ts'
import { MAX_RIBBONS, type StreamFrames, type StreamNote } from './protocol-stream.ts'
import { Stream, type StreamRequest, type StreamTurn } from './stream.ts'
import { noteOf } from './stream-frames.ts'

export const MAX_STREAMS = 8
const TURN_MS = 100
/** In turns: how often something is told. */
const VERDICT_EVERY = 5
const HANDLERS_EVERY = 10
const METRICS_EVERY = 20
/** A page that wants other partitions opens its stream anew: what was followed until then stays meanwhile. */
export const LINGER_MS = 5_000
/** One partition is drawn at each turn, several twice a second. */
const PARTITIONS_EVERY = 5

export interface StreamsOptions {
  readonly instance: string
  readonly clock: Clock
  /** @throws ApiFault while nothing runs */
  readonly snapshot: () => Omit<StreamFrames['snapshot'], 'partitions'>
  readonly partitions: (of: readonly string[]) => readonly PartitionView[]
  readonly live: LiveRecords
}

export class Streams {
  readonly #options: StreamsOptions
  readonly #streams = new Set<Stream>()
  #timer: Timer | undefined
  #turn = 0
  /** When the last reader had gone. */
  #leftAt = 0
  #isClosed = false

  constructor(options: StreamsOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#streams.size
  }

  get endpoints(): readonly Endpoint[] {
    const open = (query: URLSearchParams) => {
      const request = this.#requestOf(query)
      this.#refuseTooMany()
      return new StreamAnswer((response) => this.#open(response, request))
    }
    return [{ method: 'GET', path: '/api/stream', run: ({ query }) => open(query) }]
  }

  onEvent(group: string, event: RuntimeEvent): void {
    if (this.#streams.size === 0) return
    const note = noteOf(this.#options.clock.now(), group, event)
    if (note !== undefined) this.note(note)
  }

  note(note: StreamNote): void {
    for (const stream of this.#streams) stream.note(note)
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#options.live.unwatch()
    for (const stream of this.#streams) stream.end()
  }

  #refuseTooMany(): void {
    if (this.#streams.size < MAX_STREAMS && !this.#isClosed) return
    throw new ApiFault('too-many-streams', `${MAX_STREAMS} streams are open.`, 'Close a page that shows the console.')
  }

  #open(response: ServerResponse, request: StreamRequest): void {
    const { instance, clock } = this.#options
    const stream = new Stream(response, request, instance, clock.now())
    const { live } = this.#options
    this.#streams.add(stream)
    live.hold(request.live)
    response.once('close', () => {
      live.release(request.live)
      this.#streams.delete(stream)
      this.#leftAt = clock.now()
    })
    if (this.#timer !== undefined) return
    live.watch()
    this.#arm(0)
  }

  #arm(delayMs: number): void {
    this.#timer = this.#options.clock.setTimer(delayMs, () => {
      this.#timer = undefined
      if (this.#streams.size > 0) this.#tell()
      if (this.#isClosed) return
      if (this.#streams.size > 0 || this.#options.clock.now() - this.#leftAt < LINGER_MS) this.#arm(TURN_MS)
      else this.#options.live.unwatch()
    })
  }

  #tell(): void {
    this.#turn += 1
    const turn = this.#makeTurn()
    const changed = this.#options.live.traces.takeChanged()
    for (const stream of this.#streams) {
      for (const queue of stream.request.live) queue.add(changed)
      try {
        stream.turn(turn)
      } catch (thrown) {
        // Nothing runs at the moment, so there is nothing to tell.
        if (!(thrown instanceof ApiFault)) throw thrown
      }
    }
  }

  #makeTurn(): StreamTurn {
    const { clock, snapshot, partitions } = this.#options
    const isDue = (every: number) => this.#turn % every === 0
    const at = clock.now()
    const all = once(snapshot)
    return {
      at,
      prefersLive: this.#turn % 2 === 1,
      snapshot: () => ({ ...all(), partitions: [] }),
      delta: () => ({
        at,
        ...(isDue(VERDICT_EVERY) ? { verdict: all().verdict } : {}),
        ...(isDue(HANDLERS_EVERY) ? { handlers: all().handlers } : {}),
        ...(isDue(METRICS_EVERY) ? { metrics: all().metrics } : {}),
      }),
      partitions: (of) => (of.length === 1 || isDue(PARTITIONS_EVERY) ? partitions(of) : []),
    }
  }

  #requestOf(query: URLSearchParams): StreamRequest {
    const named = query.get('partitions') ?? ''
    const partitions = named === '' ? [] : named.split(',')
    if (partitions.length > MAX_RIBBONS) throw badRequest(`${MAX_RIBBONS} partitions may be named at most.`)
    return { partitions, live: this.#options.live.queues(query.get('live') ?? '') }
  }
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
