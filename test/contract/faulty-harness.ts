/** Drives a worker engine whose handler does what no handler should (worker-entries/faulty.ts). */

import { WorkerEngine, type WorkerEngineOptions } from '../../framework/execution-plane/worker/worker-engine.ts'
import type { RecordPlace } from '../../framework/kafka/kafka-client.ts'
import { PyrallelError } from '../../framework/model/errors.ts'
import type { OutgoingRecord } from '../../framework/model/record.ts'
import type { CompletionEvent } from '../../framework/model/work.ts'
import { type Clock, systemClock } from '../../framework/time/clock.ts'
import { EngineHarness } from './engine-harness.ts'
import type { Fault } from './worker-entries/faulty.ts'

export type FaultySetup = Partial<Omit<WorkerEngineOptions, 'produce' | 'log' | 'clock'>> & { readonly clock?: Clock }

export class FaultyHarness extends EngineHarness {
  /** What the threads have published to `news`, as it would be produced. */
  readonly produced: OutgoingRecord[]
  readonly worker: WorkerEngine

  constructor(entry: string, setup: FaultySetup = {}) {
    const produced: OutgoingRecord[] = []
    super(({ publish, log, ...standard }) => {
      const produce = async (record: OutgoingRecord): Promise<RecordPlace> => {
        if (record.topic === 'refused') throw new PyrallelError('PYR_PRODUCE_FAILED', 'the broker is full')
        if (record.topic === 'news') produced.push(record)
        await publish(record.topic, record.value === null ? null : (JSON.parse(record.value.toString()) as unknown))
        return { partition: 0, offset: 0 }
      }
      const { handlerName: _, ...options } = {
        ...standard,
        handlerId: 'faulty',
        group: 'faulty',
        entry,
        threads: 1,
        ...setup,
      }
      return new WorkerEngine({ clock: systemClock(), ...options, produce, log })
    })
    this.produced = produced
    this.worker = this.engine as WorkerEngine
  }

  static async running(entry: string, setup: FaultySetup = {}): Promise<FaultyHarness> {
    const harness = new FaultyHarness(entry, setup)
    await harness.start()
    return harness
  }

  tell(fault: Fault): number {
    return this.submit(Buffer.from(JSON.stringify(fault)))
  }

  completionOf(id: number): CompletionEvent | undefined {
    return this.completions.find(({ workId }) => workId === id)
  }
}
