/**
 * Transactions in JavaScript. A request that nobody has answered may come late, so whatever follows it goes under another epoch: an abort takes one (KIP-360), or the
 * broker gives one with each end (KIP-890). What has become of a commit without an answer is read from what is stored.
 */
import { bug, PyrallelError } from '../../model/errors.ts'
import type { Logger } from '../../model/logger.ts'
import type { PartitionId, TopicPartition } from '../../model/record.ts'
import type { Clock } from '../../time/clock.ts'
import { settlesWithin, sleep } from '../../time/wait.ts'
import { notOwned } from '../commit-request-check.ts'
import { checkOffsets, checkOutputs, inRequests, outcomeOf } from '../cuts.ts'
import { faultCodes, isRetriable } from '../faults/codes.ts'
import {
  abortedBy,
  isOfOutput,
  offsetsRefused,
  openRefusal,
  outputsRefused,
  transactionError,
} from '../faults/transaction-blame.ts'
import type {
  AbortedCut,
  Cut,
  CutOutcome,
  SettledCut,
  StoredOffset,
  TransactionalProducer,
  TransactionOptions,
} from '../transactional-producer.ts'
import { answeredFault, type KafkaFault, toFault } from './errors.ts'
import type { TransactionIdentity } from './produce-calls.ts'
import type { TransactionCoordinator } from './transaction-coordinator.ts'
import type { TransactionOffsets } from './transaction-offsets.ts'
import type { PartitionOutputs, RefusedOutputs, TransactionOutputs } from './transaction-outputs.ts'

/** Of one request for offsets, or for the id. */
const CALL_MS = 5_000
/** How long a commit, or an abort, is repeated before its outcome is left to `settle`, or to whoever takes the id next. */
const END_LIMIT_MS = 5_000
const RETRY_MS = 500

export interface JavascriptTransactionsOptions extends TransactionOptions {
  readonly group: string
  readonly coordinator: TransactionCoordinator
  readonly outputs: TransactionOutputs
  /** Of the member. */
  readonly offsets: TransactionOffsets
  /** What the group has stored, without what an open transaction may change: that is waited for. Rejects where it is not told. */
  readonly stored: (partitions: readonly TopicPartition[]) => Promise<ReadonlyMap<PartitionId, StoredOffset>>
  /** What is said where the brokers do not let this client in. */
  readonly notLetIn: (fault: KafkaFault) => PyrallelError
  /** Ends the connections. */
  readonly disconnect: () => void
  readonly log: Logger
  readonly clock: Clock
}

interface Unknown {
  readonly cut: Cut
  readonly identity: TransactionIdentity
  /** The same commit may be answered yet. */
  readonly isResumable: boolean
}

/** none --open--> ready --transact--> ready, none (taken again when it is needed next) or unknown --settle--> ready */
export class JavascriptTransactions implements TransactionalProducer {
  readonly #options: JavascriptTransactionsOptions
  #identity: TransactionIdentity | undefined
  #unknown: Unknown | undefined
  #working: Promise<unknown> | undefined
  #closing: Promise<void> | undefined

  constructor(options: JavascriptTransactionsOptions) {
    this.#options = options
  }

  open(): Promise<void> {
    return this.#alone('open', async () => {
      await this.#ready()
    })
  }

  transact(cut: Cut): Promise<CutOutcome> {
    return this.#alone('transact', async () => {
      if (this.#unknown !== undefined) throw bug('TransactionalProducer.transact', 'the last outcome is unknown')
      const refused = checkOffsets(cut) ?? checkOutputs(cut) ?? this.#foreign(cut)
      if (refused !== undefined) return refused
      const placed = await this.#options.outputs.place(cut.outputs, this.#options.timeoutMs)
      if ('fault' in placed) return this.#ofOutputs(placed, true)
      return this.#transact(cut, placed, await this.#ready())
    })
  }

  settle(): Promise<SettledCut> {
    return this.#alone('settle', async () => {
      if (this.#unknown === undefined) throw bug('TransactionalProducer.settle', 'there is nothing to settle')
      const settled = await this.#settle(this.#unknown)
      this.#unknown = undefined
      return settled
    })
  }

  close(timeoutMs: number): Promise<void> {
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  #alone<T>(verb: string, work: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(closedError())
    if (this.#working !== undefined) {
      return Promise.reject(bug(`TransactionalProducer.${verb}`, 'it was called while another call runs'))
    }
    const working = work().finally(() => {
      this.#working = undefined
    })
    this.#working = working
    return working
  }

  /** What the next transaction goes by. Whatever was open under the id has ended then. */
  async #ready(): Promise<TransactionIdentity> {
    const { coordinator, id } = this.#options
    while (this.#identity === undefined) {
      this.#requireOpen()
      try {
        this.#identity = await coordinator.take(CALL_MS)
      } catch (thrown) {
        const fault = toFault(thrown)
        if (fault.isAuthentication) throw this.#options.notLetIn(fault)
        const refusal = openRefusal(fault, id)
        if (refusal !== undefined) throw refusal
        await this.#pause(fault)
      }
    }
    return this.#identity
  }

  #foreign({ offsets }: Cut): AbortedCut | undefined {
    const partitions = this.#options.offsets.foreign(offsets)
    if (partitions.length === 0) return undefined
    return { kind: 'aborted', blame: { kind: 'partitions', partitions }, error: notOwned(partitions) }
  }

  async #transact(cut: Cut, placed: readonly PartitionOutputs[], identity: TransactionIdentity): Promise<CutOutcome> {
    const { clock, timeoutMs, coordinator, offsets } = this.#options
    const untilMs = clock.now() + timeoutMs
    const isYoung = () => clock.now() < untilMs
    const failed =
      (await offsets.sending(() => this.#sendOffsets(cut, identity, isYoung))) ??
      (await this.#write(placed, identity, untilMs, isYoung))
    if (failed !== undefined) {
      this.#identity = await this.#abort(identity)
      return failed
    }
    try {
      this.#identity = await this.#next(identity, await coordinator.end(identity, 'commit', END_LIMIT_MS))
      return { kind: 'committed' }
    } catch (thrown) {
      const fault = toFault(thrown)
      this.#identity = undefined
      this.#unknown = { cut, identity, isResumable: isRetriable(fault) }
      return { kind: 'unknown', error: transactionError(fault) }
    }
  }

  /** Before the outputs: a member that the group has left behind is met before a byte is written. */
  async #sendOffsets(
    { offsets }: Cut,
    identity: TransactionIdentity,
    isYoung: () => boolean,
  ): Promise<AbortedCut | undefined> {
    const { coordinator, group, id } = this.#options
    if (identity.version === 1) {
      const fault = await coordinator.addGroup(identity, group, CALL_MS).then(() => undefined, toFault)
      if (fault !== undefined) return abortedBy(fault, id, isYoung())
    }
    for (const sent of inRequests(offsets)) {
      try {
        const fault = await this.#options.offsets.send(identity, sent, CALL_MS)
        if (fault?.isUnanswered === true) return abortedBy(fault, id, isYoung())
        if (fault !== undefined) return offsetsRefused(fault, sent, id, isYoung())
      } catch (thrown) {
        if (!(thrown instanceof PyrallelError)) throw thrown
        return { kind: 'aborted', blame: { kind: 'partitions', partitions: sent }, error: thrown }
      }
    }
    return undefined
  }

  async #write(
    placed: readonly PartitionOutputs[],
    identity: TransactionIdentity,
    untilMs: number,
    isYoung: () => boolean,
  ): Promise<AbortedCut | undefined> {
    if (placed.length === 0) return undefined
    const refused =
      (identity.version === 1 ? await this.#addPartitions(placed, identity) : undefined) ??
      (await this.#options.outputs.write(placed, identity, untilMs))
    return refused === undefined ? undefined : this.#ofOutputs(refused, isYoung())
  }

  async #addPartitions(
    placed: readonly PartitionOutputs[],
    identity: TransactionIdentity,
  ): Promise<RefusedOutputs | undefined> {
    try {
      const replies = await this.#options.coordinator.addPartitions(identity, placed, CALL_MS)
      const refused = replies.filter(({ code }) => code !== 0)
      // One that is refused keeps all the others out.
      const first = refused.find(({ code }) => code !== faultCodes.OPERATION_NOT_ATTEMPTED) ?? refused[0]
      if (first === undefined) return undefined
      const of = placed.filter(({ topic, partition }) =>
        refused.some((each) => each.topic === topic && each.partition === partition && each.code === first.code),
      )
      const indexes = of.flatMap(({ outputs }) => outputs.map(({ index }) => index)).sort((a, b) => a - b)
      const topics = [...new Set(of.map(({ topic }) => topic))]
      return { fault: answeredFault(first.code), indexes, topic: topics.join(' or ') }
    } catch (thrown) {
      return { fault: toFault(thrown), indexes: [], topic: '' }
    }
  }

  #ofOutputs({ fault, indexes, topic }: RefusedOutputs, isYoung: boolean): AbortedCut {
    if (!isOfOutput(fault) || fault.isRetriable) return abortedBy(fault, this.#options.id, isYoung)
    return outputsRefused(fault, indexes, topic)
  }

  /** No commit was tried, so none comes: should this fail, whoever takes the id next ends the transaction, or its time-out. */
  async #abort(identity: TransactionIdentity): Promise<TransactionIdentity | undefined> {
    try {
      return await this.#next(identity, await this.#options.coordinator.end(identity, 'abort', END_LIMIT_MS))
    } catch (thrown) {
      // Nothing had joined it.
      return toFault(thrown).code === faultCodes.INVALID_TXN_STATE ? this.#next(identity, undefined) : undefined
    }
  }

  /** @param next as an end has told it: without one, another epoch is taken. `undefined`: the id has to be taken again */
  async #next(
    identity: TransactionIdentity,
    next: TransactionIdentity | undefined,
  ): Promise<TransactionIdentity | undefined> {
    return next ?? this.#options.coordinator.take(END_LIMIT_MS, identity).catch(() => undefined)
  }

  async #settle({ cut, identity, isResumable }: Unknown): Promise<SettledCut> {
    const { coordinator, timeoutMs } = this.#options
    if (isResumable) {
      try {
        const next = await coordinator.end(identity, 'commit', timeoutMs)
        // It was sent before, too, and that one may come late.
        this.#identity = await this.#next(identity, next === identity ? undefined : next)
        return 'committed'
      } catch {
        // What is stored tells.
      }
    }
    await this.#ready()
    for (;;) {
      this.#requireOpen()
      try {
        return outcomeOf(cut, await this.#options.stored(cut.offsets))
      } catch (thrown) {
        await this.#pause(toFault(thrown))
      }
    }
  }

  async #pause(fault: KafkaFault): Promise<void> {
    const { log, clock, id } = this.#options
    if (!isRetriable(fault) && fault.code !== faultCodes.CONCURRENT_TRANSACTIONS) {
      log.warn(
        { transactionalId: id, errorMessage: fault.message, code: fault.code },
        'a transactional producer begins anew',
      )
    }
    this.#requireOpen()
    await sleep(clock, RETRY_MS)
  }

  async #close(timeoutMs: number): Promise<void> {
    const { clock, log, id, outputs, disconnect } = this.#options
    const working = this.#working?.catch(() => {})
    if (working !== undefined && !(await settlesWithin(clock, working, timeoutMs))) {
      log.warn(
        { transactionalId: id, timeoutMs },
        'the transactional producer was closed with a transaction under way; its time-out ends it',
      )
    } else if (this.#unknown !== undefined) {
      log.warn({ transactionalId: id }, 'the transactional producer was closed with a commit that nobody has answered')
    }
    outputs.stop()
    disconnect()
  }

  #requireOpen(): void {
    if (this.#closing !== undefined) throw closedError()
  }
}

function closedError(): PyrallelError {
  return new PyrallelError('PYR_CLIENT_CLOSED', 'The transactional producer is closed.')
}
