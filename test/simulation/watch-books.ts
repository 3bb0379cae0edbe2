/** What somebody who looks on is told of one member, checked as it comes: every step in its order, nothing twice, and no commit past what was not told as done. */
import type { RuntimeEvent } from '../../framework/model/events.ts'
import type { KafkaRecord, TopicPartition } from '../../framework/model/record.ts'
import type { RecordWatch } from '../../framework/model/record-watch.ts'
import type { CompletionEvent, Epoch, WorkItem } from '../../framework/model/work.ts'
import { Violation } from './oracle.ts'

type Step = 'taken' | 'running' | 'done' | 'dead'

export class WatchBooks implements RecordWatch {
  readonly #steps = new Map<Epoch, Map<number, Step>>()
  /** The last assignment of each partition of which a record was told. */
  readonly #present = new Map<number, Epoch>()

  onTaken(_handlerId: string, epoch: Epoch, { partition, offset }: KafkaRecord): void {
    const steps = this.#steps.get(epoch) ?? new Map<number, Step>()
    if (steps.has(offset)) throw new Violation('WATCH', `offset ${offset} was taken in twice`)
    steps.set(offset, 'taken')
    this.#steps.set(epoch, steps)
    this.#present.set(partition, epoch)
  }

  onStarted({ epoch, records }: WorkItem): void {
    for (const { offset } of records) this.#move(epoch, offset, 'taken', 'running')
  }

  onEnded({ epoch, records }: WorkItem, { outcome }: CompletionEvent, isDone: readonly boolean[]): void {
    for (const [index, { offset }] of records.entries()) {
      const done = isDone[index] === true
      if (outcome.kind === 'recalled' && done)
        throw new Violation('WATCH', `offset ${offset} is done and was not tried`)
      if (outcome.kind === 'succeeded' && !done)
        throw new Violation('WATCH', `offset ${offset} succeeded and is not done`)
      // A record that is dropped is told as dead before its attempt is told as ended.
      if (this.#steps.get(epoch)?.get(offset) === 'dead' && done) continue
      this.#move(epoch, offset, 'running', done ? 'done' : 'taken')
    }
  }

  onAcknowledged({ epoch }: TopicPartition & { readonly epoch: Epoch }, position: number): void {
    for (const [offset, step] of this.#steps.get(epoch) ?? []) {
      if (offset < position && step !== 'done' && step !== 'dead')
        throw new Violation('WATCH', `offset ${offset} is ${step}, and a commit of ${position} was acknowledged`)
    }
  }

  onPublished(): void {}

  onEvent(event: RuntimeEvent): void {
    switch (event.kind) {
      case 'record.dead':
        this.#die(event.record)
        return
      case 'partition.revoked':
      case 'partition.lost':
      case 'partition.rewound':
        // What comes of this partition from now on is of another assignment.
        this.#present.delete(event.partition)
        return
      default:
      // It concerns no record.
    }
  }

  #die({ partition, offset }: KafkaRecord): void {
    const epoch = this.#present.get(partition)
    if (epoch === undefined) throw new Violation('WATCH', `offset ${offset} is dead, and was never taken in`)
    this.#steps.get(epoch)?.set(offset, 'dead')
  }

  /** Of the partitions that the member has. */
  requireAllDone(partitions: Iterable<number>): void {
    for (const partition of partitions) {
      const epoch = this.#present.get(partition)
      const steps = epoch === undefined ? undefined : this.#steps.get(epoch)
      for (const [offset, step] of steps ?? [])
        if (step !== 'done' && step !== 'dead') throw new Violation('WATCH', `offset ${offset} was left as ${step}`)
    }
  }

  #move(epoch: Epoch, offset: number, from: Step, to: Step): void {
    const steps = this.#steps.get(epoch)
    const now = steps?.get(offset)
    if (steps === undefined || now !== from) throw new Violation('WATCH', `offset ${offset} is ${now}, not ${from}`)
    steps.set(offset, to)
  }
}
