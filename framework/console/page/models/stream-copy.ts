/** What a stream has told in all, as one frame: for a tab that comes later. */
import type { HandlerRow } from '../../protocol.ts'
import type { PartitionView } from '../../protocol-records.ts'
import type { StreamFrames } from '../../protocol-stream.ts'
import type { StreamEvent } from './event-stream.ts'
import { handlerKey } from './known-rows.ts'

export class StreamCopy {
  #id = ''
  #base: Pick<StreamFrames['snapshot'], 'metrics' | 'verdict'> | undefined
  readonly #handlers = new Map<string, HandlerRow>()
  readonly #partitions = new Map<string, PartitionView>()

  clear(): void {
    this.#base = undefined
    this.#handlers.clear()
    this.#partitions.clear()
  }

  take({ event, data, id }: StreamEvent): void {
    this.#id = id
    if (event === 'snapshot') {
      const frame: StreamFrames['snapshot'] = JSON.parse(data)
      this.clear()
      this.#base = { metrics: frame.metrics, verdict: frame.verdict }
      this.#keep(frame)
    } else if (event === 'delta' && this.#base !== undefined) {
      const frame: StreamFrames['delta'] = JSON.parse(data)
      this.#base = { metrics: frame.metrics ?? this.#base.metrics, verdict: frame.verdict ?? this.#base.verdict }
      this.#keep(frame)
    }
  }

  /** `undefined`: nothing is known yet. */
  snapshot(): StreamEvent | undefined {
    if (this.#base === undefined) return undefined
    const frame: StreamFrames['snapshot'] = {
      ...this.#base,
      handlers: [...this.#handlers.values()],
      partitions: [...this.#partitions.values()],
    }
    return { event: 'snapshot', data: JSON.stringify(frame), id: this.#id }
  }

  #keep({ handlers = [], partitions = [] }: Partial<Pick<StreamFrames['delta'], 'handlers' | 'partitions'>>): void {
    for (const row of handlers) this.#handlers.set(handlerKey(row), row)
    for (const view of partitions) this.#partitions.set(`${view.group} ${view.topic} ${view.partition}`, view)
  }
}
