/** Transactions of one member on the in-memory cluster. */
import { bug, PyrallelError } from '../../model/errors.ts'
import { type OutgoingRecord, partitionId } from '../../model/record.ts'
import { notOwned } from '../commit-request-check.ts'
import { checkOffsets, checkOutputs, outcomeOf } from '../cuts.ts'
import type {
  AbortedCut,
  Blame,
  Cut,
  CutOutcome,
  SettledCut,
  TransactionalProducer,
  TransactionOptions,
} from '../transactional-producer.ts'
import type { MemoryConsumer } from './consumer.ts'
import type { MemoryLog } from './log.ts'
import type { MemoryTransaction, MemoryTransactions } from './transactions.ts'

export interface MemoryTransactionalOptions extends TransactionOptions {
  readonly consumer: MemoryConsumer
  readonly coordinator: MemoryTransactions
  /** Appends within a transaction. Throws where a producer would reject. @returns where to */
  write(transaction: object, record: OutgoingRecord): MemoryLog
}

export class MemoryTransactionalProducer implements TransactionalProducer {
  readonly #options: MemoryTransactionalOptions
  /** 0: none yet. */
  #epoch = 0
  #unknown: Cut | undefined
  #working: Promise<unknown> | undefined
  #isClosed = false

  constructor(options: MemoryTransactionalOptions) {
    this.#options = options
  }

  async open(): Promise<void> {
    this.#requireIdle('open')
    this.#take()
  }

  async transact(cut: Cut): Promise<CutOutcome> {
    this.#requireIdle('transact')
    if (this.#unknown !== undefined) throw bug('TransactionalProducer.transact', 'the last outcome is unknown')
    const refused = checkOffsets(cut) ?? checkOutputs(cut) ?? this.#foreign(cut)
    if (refused !== undefined) return refused
    if (this.#epoch === 0) this.#take()
    const working = this.#transact(cut).finally(() => {
      this.#working = undefined
    })
    this.#working = working
    return working
  }

  async settle(): Promise<SettledCut> {
    this.#requireIdle('settle')
    if (this.#unknown === undefined) throw bug('TransactionalProducer.settle', 'there is nothing to settle')
    this.#take()
    const { group } = this.#options.consumer
    const stored = this.#unknown.offsets.flatMap((each) => {
      const committed = group.committed(each)
      return committed === undefined ? [] : [[partitionId(each), committed] as const]
    })
    const settled = outcomeOf(this.#unknown, new Map(stored))
    this.#unknown = undefined
    return settled
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#working?.catch(() => {})
    // What nobody has answered is left to its time-out, as with a real cluster.
    if (this.#unknown === undefined) this.#options.coordinator.abort(this.#options.id, this.#epoch)
  }

  #take(): void {
    this.#epoch = this.#options.coordinator.take(this.#options.id)
  }

  #foreign({ offsets }: Cut): AbortedCut | undefined {
    const partitions = this.#options.consumer.foreign(offsets)
    if (partitions.length === 0) return undefined
    return { kind: 'aborted', blame: { kind: 'partitions', partitions }, error: notOwned(partitions) }
  }

  async #transact(cut: Cut): Promise<CutOutcome> {
    const { coordinator, id, timeoutMs, consumer } = this.#options
    // The next one takes the id again.
    const epoch = this.#epoch
    try {
      const transaction = coordinator.begin(id, epoch, timeoutMs)
      transaction.groups.add(consumer.group)
      try {
        await consumer.sendOffsets(transaction, cut.offsets)
      } catch (thrown) {
        // It may have been ended by its time-out meanwhile.
        coordinator.requireOwn(id, epoch)
        return this.#abort(toPyrallelError(thrown), ({ code }) => ({
          kind: code === 'PYR_NOT_OWNED' ? 'member' : 'nobody',
        }))
      }
      coordinator.requireOwn(id, epoch)
      const refused = this.#write(transaction, cut)
      if (refused !== undefined) return refused
      if (coordinator.commit(id, epoch)) return { kind: 'committed' }
      this.#unknown = cut
      return { kind: 'unknown', error: new PyrallelError('PYR_TRANSACTION_FAILED', 'Nobody has answered the commit.') }
    } catch (thrown) {
      const error = toPyrallelError(thrown)
      this.#epoch = 0
      return { kind: 'aborted', blame: { kind: 'fenced' }, error }
    }
  }

  #write(transaction: MemoryTransaction, { outputs }: Cut): AbortedCut | undefined {
    for (const [index, output] of outputs.entries()) {
      try {
        transaction.logs.add(this.#options.write(transaction, output))
      } catch (thrown) {
        const outputsBlamed: Blame = { kind: 'outputs', indexes: [index] }
        return this.#abort(toPyrallelError(thrown), ({ retriable }) => (retriable ? { kind: 'nobody' } : outputsBlamed))
      }
    }
    return undefined
  }

  #abort(error: PyrallelError, blame: (error: PyrallelError) => Blame): AbortedCut {
    this.#options.coordinator.abort(this.#options.id, this.#epoch)
    return { kind: 'aborted', blame: blame(error), error }
  }

  #requireIdle(verb: string): void {
    if (this.#isClosed) throw new PyrallelError('PYR_CLIENT_CLOSED', 'The transactional producer is closed.')
    if (this.#working !== undefined) throw bug(`TransactionalProducer.${verb}`, 'it was called while another call runs')
  }
}

function toPyrallelError(thrown: unknown): PyrallelError {
  if (thrown instanceof PyrallelError) return thrown
  throw thrown
}
