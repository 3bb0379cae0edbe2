/**
 * One reader of the stream: what it has been told, and what it has not read yet. Writes at most one frame a turn, and none while too much is unread:
 * afterwards it begins anew with a snapshot. Knows no timer.
 */
import type { ServerResponse } from 'node:http'
import { partitionId } from '../model/record.ts'
import { streamHeaders } from './http/console-pages.ts'
import type { LiveQueue } from './live-queue.ts'
import type { HandlerRow } from './protocol.ts'
import type { PartitionView } from './protocol-records.ts'
import type { StreamFrameName, StreamFrames, StreamNote } from './protocol-stream.ts'
import { frameBytes, frameText, MAX_FRAME_BYTES, PART_BYTES, ROOM_BYTES } from './stream-frames.ts'

/** So much may be unread. */
export const MAX_UNREAD_BYTES = 262_144
/** For so long somebody may read nothing of what is there. */
export const CUT_AFTER_MS = 30_000
/** Something is sent at least so often, so that both ends notice when the other is gone. */
const BEAT_MS = 10_000
const MAX_NOTES = 50

/** What all readers are told, made once a turn. */
export interface StreamTurn {
  readonly at: number
  /** Records come before what else has changed: every other turn. */
  readonly prefersLive: boolean
  readonly snapshot: () => StreamFrames['snapshot']
  readonly delta: () => StreamFrames['delta']
  readonly partitions: (of: readonly string[]) => readonly PartitionView[]
}

export interface StreamRequest {
  /** `group/topic/partition` */
  readonly partitions: readonly string[]
  readonly live: readonly LiveQueue[]
}

export class Stream {
  readonly request: StreamRequest
  readonly #response: ServerResponse
  readonly #instance: string
  readonly #notes: StreamNote[] = []
  /** What was sent last, by what it is about. */
  readonly #told = new Map<string, string>()
  #number = 0
  #needsSnapshot = true
  #liveTurn = 0
  /** When it last had nothing unread. */
  #readAt: number
  #sentAt: number

  constructor(response: ServerResponse, request: StreamRequest, instance: string, at: number) {
    this.request = request
    this.#response = response
    this.#instance = instance
    this.#readAt = at
    this.#sentAt = at
    response.writeHead(200, streamHeaders)
    response.flushHeaders()
  }

  note(note: StreamNote): void {
    this.#notes.push(note)
    if (this.#notes.length > MAX_NOTES) this.#notes.shift()
  }

  turn(turn: StreamTurn): void {
    const { at } = turn
    const unread = this.#response.writableLength
    if (unread === 0) this.#readAt = at
    else if (at - this.#readAt >= CUT_AFTER_MS) {
      this.#response.destroy()
      return
    }
    if (unread > MAX_UNREAD_BYTES) {
      this.#needsSnapshot = true
      return
    }
    this.#send(turn)
    if (at - this.#sentAt >= BEAT_MS) this.#write(at, ': still here\n\n')
  }

  end(): void {
    this.#response.end()
  }

  #send(turn: StreamTurn): void {
    const { at } = turn
    if (this.#needsSnapshot) {
      this.#told.clear()
      const { handlers, ...rest } = turn.snapshot()
      const partitions = this.#news(turn.partitions(this.request.partitions), ribbonName)
      this.#frame(at, 'snapshot', { ...rest, handlers: this.#news(handlers, handlerName), partitions })
      this.#needsSnapshot = false
      return
    }
    const note = this.#notes.shift()
    if (note !== undefined) {
      this.#frame(at, 'note', note)
      return
    }
    if (turn.prefersLive && this.#sendLive(at)) return
    const delta = this.#delta(turn)
    if (delta !== undefined) this.#frame(at, 'delta', delta)
    else if (!turn.prefersLive) this.#sendLive(at)
  }

  /** Of the filters in turn. */
  #sendLive(at: number): boolean {
    const { live } = this.request
    for (let step = 0; step < live.length; step++) {
      this.#liveTurn += 1
      const frame = live[this.#liveTurn % live.length]?.frame(at, MAX_FRAME_BYTES - ROOM_BYTES)
      if (frame === undefined) continue
      this.#frame(at, 'live', frame)
      return true
    }
    return false
  }

  /** Of what all are told, that which this one has not been. */
  #delta(turn: StreamTurn): StreamFrames['delta'] | undefined {
    const { at, verdict, handlers, metrics } = turn.delta()
    const news = {
      ...(verdict !== undefined && this.#isNews('verdict', verdict) ? { verdict } : {}),
      ...(handlers === undefined ? {} : fresh('handlers', this.#news(handlers, handlerName))),
      ...(metrics === undefined ? {} : { metrics }),
      ...fresh('partitions', this.#news(turn.partitions(this.request.partitions), ribbonName)),
    }
    return Object.keys(news).length === 0 ? undefined : { at, ...news }
  }

  /** As many as a frame holds; the others are news still. */
  #news<Row extends object>(rows: readonly Row[], nameOf: (row: Row) => string): readonly Row[] {
    const news: Row[] = []
    let bytes = 0
    for (const row of rows) {
      const [name, text] = [nameOf(row), JSON.stringify(row)]
      if (this.#told.get(name) === text) continue
      bytes += frameBytes(row) + 1
      if (bytes > PART_BYTES && news.length > 0) break
      this.#told.set(name, text)
      news.push(row)
    }
    return news
  }

  #isNews(id: string, value: object): boolean {
    const text = JSON.stringify(value)
    if (this.#told.get(id) === text) return false
    this.#told.set(id, text)
    return true
  }

  #frame<Name extends StreamFrameName>(at: number, name: Name, data: StreamFrames[Name]): void {
    this.#number += 1
    this.#write(at, frameText(`${this.#instance}-${this.#number}`, name, data))
  }

  #write(at: number, text: string): void {
    this.#sentAt = at
    this.#response.write(text)
  }
}

const handlerName = ({ group, handlerId }: HandlerRow): string => `handler ${group} ${handlerId}`
const ribbonName = (view: PartitionView): string => `ribbon ${view.group} ${partitionId(view)}`

function fresh<Name extends string, Row>(name: Name, rows: readonly Row[]): { readonly [N in Name]?: readonly Row[] } {
  return rows.length === 0 ? {} : ({ [name]: rows } as { readonly [N in Name]?: readonly Row[] })
}
