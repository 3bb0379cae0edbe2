/**
 * Transactions through librdkafka. It gives up for good at some errors, and its abort says "done" of transactions that were committed: so a producer that has failed is
 * replaced by one of the same id, whose first request ends what was open, and what has become of a commit without an answer is read from what is stored.
 */
import { bug, PyrallelError } from '../../model/errors.ts'
import type { Logger } from '../../model/logger.ts'
import type { PartitionId, TopicPartition } from '../../model/record.ts'
import type { Clock } from '../../time/clock.ts'
import { settlesWithin, sleep } from '../../time/wait.ts'
import { notOwned } from '../commit-request-check.ts'
import { checkOffsets, checkOutputs, inRequests, outcomeOf } from '../cuts.ts'
import { type ClientFault, faultCodes, isRetriable } from '../faults/codes.ts'
import { abortedBy, offsetsRefused, openRefusal, transactionError } from '../faults/transaction-blame.ts'
import type {
  AbortedCut,
  Cut,
  CutOutcome,
  SettledCut,
  StoredOffset,
  TransactionalProducer,
  TransactionOptions,
} from '../transactional-producer.ts'
import type { NativeTransactionalProducer } from './binding.ts'
import { nativeError } from './errors.ts'
import type { DeliveryCallback } from './producer.ts'
import type { LateOffsets, TransactionOffsets } from './transaction-offsets.ts'
import { TransactionOutputs } from './transaction-outputs.ts'
import { transactionTurns } from './transaction-turns.ts'

/** Of one call for offsets, or for the id. librdkafka does not resume the former. */
const CALL_MS = 5_000
/** Of one call to end a transaction, which can be resumed. */
const END_CALL_MS = 1_000
/** How long a commit, or an abort, is resumed before its outcome is left to `settle`, or to the next producer. */
const END_LIMIT_MS = 5_000
const RETRY_MS = 500
const DISCONNECT_MS = 2_000

export interface LibrdkafkaTransactionsOptions extends TransactionOptions {
  /** Of the member; `undefined` while it is being replaced. */
  readonly offsets: () => TransactionOffsets | undefined
  /** A new producer of the id, connected. */
  readonly connect: (dr_cb: DeliveryCallback) => Promise<NativeTransactionalProducer>
  /** What the group has stored, without what an open transaction may change: that is waited for. Rejects where it is not told. */
  readonly stored: (partitions: readonly TopicPartition[]) => Promise<ReadonlyMap<PartitionId, StoredOffset>>
  readonly log: Logger
  readonly clock: Clock
}

const coordinatorAway: ClientFault = {
  message: 'the coordinator of the group has not taken the offsets in time',
  code: faultCodes.TIMED_OUT,
}

interface Unknown {
  readonly cut: Cut
  /** The client would go on with the same commit. */
  readonly isResumable: boolean
}

/** none --open--> ready --transact--> ready, none (replaced when it is needed next) or unknown --settle--> ready */
export class LibrdkafkaTransactions implements TransactionalProducer {
  readonly #options: LibrdkafkaTransactionsOptions
  #native: NativeTransactionalProducer | undefined
  #outputs: TransactionOutputs | undefined
  #unknown: Unknown | undefined
  #working: Promise<unknown> | undefined
  #closing: Promise<void> | undefined

  constructor(options: LibrdkafkaTransactionsOptions) {
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
      return refused ?? this.#transact(cut, await this.#ready())
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

  /** A producer that has the id. Whatever was open under it has ended then. */
  async #ready(): Promise<NativeTransactionalProducer> {
    while (this.#native === undefined) {
      this.#requireOpen()
      const native = await this.#connected()
      const error = native === undefined ? undefined : await this.#init(native)
      if (native !== undefined && error === undefined) this.#native = native
      else {
        if (native !== undefined) await this.#end(native)
        const refusal = error === undefined ? undefined : openRefusal(error, this.#options.id)
        if (refusal !== undefined) throw refusal
        await this.#pause(error)
      }
    }
    return this.#native
  }

  /** `undefined` where no broker answers at the moment. */
  async #connected(): Promise<NativeTransactionalProducer | undefined> {
    const onReport: DeliveryCallback = (...report) => this.#outputs?.report(...report)
    try {
      return await this.#options.connect(onReport)
    } catch (thrown) {
      if (thrown instanceof PyrallelError && !thrown.retriable) throw thrown
      return undefined
    }
  }

  async #init(native: NativeTransactionalProducer): Promise<ClientFault | undefined> {
    let error = await call((done) => native.initTransactions(CALL_MS, done))
    while (error?.isRetriable === true && this.#closing === undefined) {
      await this.#pause(error)
      error = await call((done) => native.initTransactions(CALL_MS, done))
    }
    return error
  }

  #foreign({ offsets }: Cut): AbortedCut | undefined {
    const partitions = this.#options.offsets()?.foreign(offsets) ?? offsets
    if (partitions.length === 0) return undefined
    return { kind: 'aborted', blame: { kind: 'partitions', partitions }, error: notOwned(partitions) }
  }

  async #transact(cut: Cut, native: NativeTransactionalProducer): Promise<CutOutcome> {
    const { clock, id, timeoutMs } = this.#options
    const startedAt = clock.now()
    const isYoung = () => clock.now() - startedAt < timeoutMs
    const begun = await call((done) => native.beginTransaction(done))
    if (begun !== undefined) {
      await this.#drop()
      return abortedBy(begun, id, isYoung())
    }
    const failed = (await this.#sendOffsets(native, cut, isYoung)) ?? (await this.#write(native, cut, isYoung))
    if (failed !== undefined) {
      // A producer that was left behind is not ours to abort: the next one of the id ends its transaction.
      if (this.#native === native) await this.#abort(native)
      return failed
    }
    const error = await this.#commit(native, END_LIMIT_MS)
    if (error === undefined) return { kind: 'committed' }
    this.#unknown = { cut, isResumable: error.isRetriable === true }
    return { kind: 'unknown', error: transactionError(error) }
  }

  /** Before the outputs: a member that the group has left behind is met before a byte is written. */
  async #sendOffsets(
    native: NativeTransactionalProducer,
    { offsets }: Cut,
    isYoung: () => boolean,
  ): Promise<AbortedCut | undefined> {
    for (const sent of inRequests(offsets)) {
      try {
        const door = this.#options.offsets()
        if (door === undefined) throw notOwned(sent)
        const error = await door.send(native, sent, CALL_MS)
        if (error !== undefined && 'ended' in error) return this.#leaveBehind(native, error)
        if (error !== undefined) return offsetsRefused(error, sent, this.#options.id, isYoung())
      } catch (thrown) {
        if (!(thrown instanceof PyrallelError)) throw thrown
        return { kind: 'aborted', blame: { kind: 'partitions', partitions: sent }, error: thrown }
      }
    }
    return undefined
  }

  async #write(native: NativeTransactionalProducer, cut: Cut, isYoung: () => boolean): Promise<AbortedCut | undefined> {
    const outputs = new TransactionOutputs(native, cut.outputs)
    this.#outputs = outputs
    try {
      if (await outputs.deliver()) return undefined
      // A transaction that has failed says why to whoever asks for another: the reports of what was thrown away with it do not.
      const reason = (await call((done) => native.beginTransaction(done))) ?? outputs.reason
      const blamed = outputs.blame(reason)
      if (blamed !== undefined) return blamed
      return abortedBy(reason ?? nativeError('an output was not delivered'), this.#options.id, isYoung())
    } finally {
      this.#outputs = undefined
    }
  }

  /** @returns why it is not known to be committed */
  #commit(native: NativeTransactionalProducer, limitMs: number): Promise<ClientFault | undefined> {
    return this.#resumed(limitMs, (done) => native.commitTransaction(END_CALL_MS, done))
  }

  /** No commit was tried, so none comes: should this fail, the next producer ends the transaction, or its time-out. */
  async #abort(native: NativeTransactionalProducer): Promise<void> {
    const error = await this.#resumed(END_LIMIT_MS, (done) => native.abortTransaction(END_CALL_MS, done))
    if (error !== undefined) await this.#drop()
  }

  async #resumed(limitMs: number, start: NativeCall): Promise<ClientFault | undefined> {
    const until = this.#options.clock.now() + limitMs
    let error = await call(start)
    while (error?.isRetriable === true && this.#options.clock.now() < until) error = await call(start)
    return error
  }

  async #settle({ cut, isResumable }: Unknown): Promise<SettledCut> {
    const { timeoutMs } = this.#options
    if (isResumable && this.#native !== undefined) {
      if ((await this.#commit(this.#native, timeoutMs)) === undefined) return 'committed'
    }
    await this.#drop()
    await this.#ready()
    for (;;) {
      this.#requireOpen()
      try {
        return outcomeOf(cut, await this.#options.stored(cut.offsets))
      } catch (thrown) {
        await this.#pause(nativeError(thrown))
      }
    }
  }

  /** Any other call to it would wait for the one that runs. */
  #leaveBehind(native: NativeTransactionalProducer, { ended }: LateOffsets): AbortedCut {
    const { log, id } = this.#options
    log.warn({ transactionalId: id }, 'a transactional producer was left behind: the coordinator of the group is away')
    this.#native = undefined
    void ended.then(() => this.#end(native))
    return { kind: 'aborted', blame: { kind: 'nobody' }, error: transactionError(coordinatorAway) }
  }

  async #drop(): Promise<void> {
    const native = this.#native
    this.#native = undefined
    if (native !== undefined) await this.#end(native)
  }

  async #end(native: NativeTransactionalProducer): Promise<void> {
    const disconnected = new Promise<void>((resolve) => native.disconnect(0, resolve))
    if (await settlesWithin(this.#options.clock, disconnected, DISCONNECT_MS)) return
    this.#options.log.warn({ waitedMs: DISCONNECT_MS }, 'a transactional producer was left behind while it disconnects')
  }

  async #pause(error: ClientFault | undefined): Promise<void> {
    const { log, clock, id } = this.#options
    if (error !== undefined && !isRetriable(error)) {
      log.warn(
        { transactionalId: id, errorMessage: error.message, code: error.code },
        'a transactional producer is replaced',
      )
    }
    this.#requireOpen()
    await sleep(clock, RETRY_MS)
  }

  async #close(timeoutMs: number): Promise<void> {
    const { clock, log, id } = this.#options
    const working = this.#working?.catch(() => {})
    if (working !== undefined && !(await settlesWithin(clock, working, timeoutMs))) {
      log.warn(
        { transactionalId: id, timeoutMs },
        'the transactional producer was closed with a transaction under way; its time-out ends it',
      )
      // A disconnect under a call that runs would crash the process.
      void working.then(() => this.#drop())
      return
    }
    if (this.#unknown !== undefined) {
      log.warn({ transactionalId: id }, 'the transactional producer was closed with a commit that nobody has answered')
    }
    await this.#drop()
  }

  #requireOpen(): void {
    if (this.#closing !== undefined) throw closedError()
  }
}

type NativeCall = (done: (error?: unknown) => void) => unknown

/** @returns why it has failed */
function call(start: NativeCall): Promise<ClientFault | undefined> {
  return transactionTurns.take(
    () =>
      new Promise((resolve) => {
        try {
          start((error) => resolve(error ? nativeError(error) : undefined))
        } catch (thrown) {
          resolve(nativeError(thrown))
        }
      }),
  )
}

function closedError(): PyrallelError {
  return new PyrallelError('PYR_CLIENT_CLOSED', 'The transactional producer is closed.')
}
