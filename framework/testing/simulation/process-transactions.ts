/** The transactions of one simulated process: they go wrong as the schedule says, take time, and are left as they are once it is dead. */
import { DEFAULT_PARTITIONS, type MemoryCluster } from '../../kafka/memory/client.ts'
import type { Cut, CutOutcome, SettledCut, TransactionalProducer } from '../../kafka/transactional-producer.ts'
import { PyrallelError } from '../../model/errors.ts'
import type { Faults } from './faults.ts'
import { forever, type ProcessLife } from './process-life.ts'

export class ProcessTransactions implements TransactionalProducer {
  readonly #inner: TransactionalProducer
  readonly #life: ProcessLife
  readonly #cluster: MemoryCluster
  readonly #faults: Faults

  constructor(inner: TransactionalProducer, life: ProcessLife, cluster: MemoryCluster, faults: Faults) {
    this.#inner = inner
    this.#life = life
    this.#cluster = cluster
    this.#faults = faults
  }

  open(): Promise<void> {
    return this.#life.isDead ? forever() : this.#inner.open()
  }

  async transact(cut: Cut): Promise<CutOutcome> {
    for (const { topic } of cut.outputs) this.#cluster.createTopic(topic, DEFAULT_PARTITIONS)
    // On its way: a process that dies here has sent nothing.
    await this.#life.travel()
    if (this.#life.isDead) return forever()
    if (this.#faults.take('refuse-commit') !== undefined) {
      return { kind: 'aborted', blame: { kind: 'nobody' }, error: failed('The transaction is aborted') }
    }
    this.#disturb(cut)
    const outcome = await this.#inner.transact(cut)
    if (outcome.kind === 'committed') this.#noteOutputs(cut)
    // Its answer is on its way: a process that dies here does not know what has become of its transaction.
    await this.#life.travel()
    return this.#life.isDead ? forever() : outcome
  }

  async settle(): Promise<SettledCut> {
    await this.#life.travel()
    if (this.#life.isDead) return forever()
    const settled = await this.#inner.settle()
    this.#life.note(`learns that its transaction was ${settled}`)
    return settled
  }

  close(timeoutMs: number): Promise<void> {
    return this.#life.isDead ? forever() : this.#inner.close(timeoutMs)
  }

  #disturb({ outputs }: Cut): void {
    if (this.#faults.take('lose-commit-answer') !== undefined) this.#cluster.failTransactions(1, 'unanswered')
    if (outputs.length === 0) return
    if (this.#faults.take('refuse-publish') !== undefined) {
      this.#cluster.failProductions(1, failed('A record is refused'))
    } else if (this.#faults.take('lose-publish-answer') !== undefined) this.#cluster.failTransactions(1, 'lost')
  }

  #noteOutputs({ outputs }: Cut): void {
    for (const { topic } of outputs) this.#life.note(`${topic} has a record more`)
  }
}

function failed(what: string): PyrallelError {
  return new PyrallelError('PYR_TRANSACTION_FAILED', `${what}, as the simulation wants it.`, { retriable: true })
}
