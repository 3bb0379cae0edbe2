/**
 * Asks the coordinator of one transactional id, wherever it is at the moment. What may be done twice is repeated; what must not come late into another transaction is
 * asked once, and a fault without an answer says that it may have been done.
 */
import type { TopicPartition } from '../../model/record.ts'
import type { Clock } from '../../time/clock.ts'
import { sleep } from '../../time/wait.ts'
import { faultCodes, isRetriable } from '../faults/codes.ts'
import type { TransactionOptions } from '../transactional-producer.ts'
import type { Brokers } from './brokers.ts'
import type { ApiCall } from './call.ts'
import { answeredFault, KafkaFault, toFault } from './errors.ts'
import type { PartitionReply } from './group-calls.ts'
import type { BrokerLink } from './link.ts'
import type { TransactionIdentity, TransactionVersion } from './produce-calls.ts'
import {
  addGroupCall,
  addPartitionsCall,
  type EndAnswer,
  endCall,
  takeIdCall,
  transactionVersionCall,
} from './transaction-calls.ts'

/** Between two tries. The markers of the last transaction are written in some milliseconds. */
const RETRY_MS = { least: 20, most: 500 } as const
/** A broker that takes a request and says nothing is asked again after so long, and may be another one by then. */
const SILENCE_MS = 1_000

/** The answer says that nothing was done, and a later one may say otherwise. */
const passing: ReadonlySet<number> = new Set([
  faultCodes.COORDINATOR_LOAD_IN_PROGRESS,
  faultCodes.COORDINATOR_NOT_AVAILABLE,
  faultCodes.NOT_COORDINATOR,
  faultCodes.CONCURRENT_TRANSACTIONS,
])

export interface TransactionCoordinatorOptions extends TransactionOptions {
  readonly brokers: Brokers
  readonly clock: Clock
}

interface Ask<A> {
  readonly limitMs: number
  /** Kafka's; 0 for none. */
  readonly codeOf: (answer: A) => number
  /** Where it may have been done. */
  readonly ifUnanswered: 'repeat' | 'give up'
}

/** An answer, and whether an earlier request of the same may come late. */
interface Told<A> {
  readonly answer: A
  readonly isRepeated: boolean
}

/** All verbs reject with a `KafkaFault`. */
export class TransactionCoordinator {
  readonly #options: TransactionCoordinatorOptions
  #link: BrokerLink | undefined

  constructor(options: TransactionCoordinatorOptions) {
    this.#options = options
  }

  /** @param held see `takeIdCall` */
  async take(limitMs: number, held?: TransactionIdentity): Promise<TransactionIdentity> {
    const { id: transactionalId, timeoutMs } = this.#options
    const limits = { limitMs, ifUnanswered: held === undefined ? 'repeat' : 'give up' } as const
    const version = held?.version ?? (await this.#version(limitMs))
    const { answer } = await this.#ask(takeIdCall(transactionalId, timeoutMs, held), { ...limits, codeOf })
    return { transactionalId, version, id: answer.id, epoch: answer.epoch }
  }

  /** @returns of each what the coordinator says */
  async addPartitions(
    identity: TransactionIdentity,
    partitions: readonly TopicPartition[],
    limitMs: number,
  ): Promise<readonly PartitionReply[]> {
    const passingCode = (replies: readonly PartitionReply[]) => replies.find(({ code }) => passing.has(code))?.code ?? 0
    const asked = { limitMs, codeOf: passingCode, ifUnanswered: 'give up' } as const
    return (await this.#ask(addPartitionsCall(identity, partitions), asked)).answer
  }

  async addGroup(identity: TransactionIdentity, group: string, limitMs: number): Promise<void> {
    await this.#ask(addGroupCall(identity, group), { limitMs, codeOf, ifUnanswered: 'give up' })
  }

  /** @returns what the next transaction goes by; `undefined` where a request that comes late could get into one of the same epoch */
  async end(
    identity: TransactionIdentity,
    end: 'commit' | 'abort',
    limitMs: number,
  ): Promise<TransactionIdentity | undefined> {
    const ask: Ask<EndAnswer> = { limitMs, codeOf, ifUnanswered: 'repeat' }
    const { answer, isRepeated } = await this.#ask(endCall(identity, end), ask)
    if (answer.next !== undefined) return { ...identity, ...answer.next }
    return end === 'abort' || isRepeated ? undefined : identity
  }

  async #version(limitMs: number): Promise<TransactionVersion> {
    try {
      const { answer } = await this.#ask(transactionVersionCall, { limitMs, codeOf, ifUnanswered: 'repeat' })
      return answer.version
    } catch (thrown) {
      if (toFault(thrown).code === faultCodes.UNSUPPORTED_VERSION) return 1
      throw thrown
    }
  }

  async #ask<A>(call: ApiCall<A>, { limitMs, codeOf: codeIn, ifUnanswered }: Ask<A>): Promise<Told<A>> {
    const { clock } = this.#options
    const untilMs = clock.now() + limitMs
    let isRepeated = false
    for (let pauseMs: number = RETRY_MS.least; ; pauseMs = Math.min(pauseMs * 2, RETRY_MS.most)) {
      let fault: KafkaFault
      const link = await this.#found(untilMs)
      if (link instanceof KafkaFault) fault = link
      else {
        try {
          const leftMs = untilMs - clock.now()
          const waitMs = ifUnanswered === 'repeat' ? Math.min(leftMs, SILENCE_MS) : leftMs
          const answer = await this.#options.brokers.inTime(link.call(call), waitMs)
          const code = codeIn(answer)
          if (code === 0) return { answer, isRepeated }
          fault = answeredFault(code)
        } catch (thrown) {
          fault = toFault(thrown)
          if (ifUnanswered === 'give up') {
            this.#link = undefined
            throw fault
          }
          isRepeated = true
        }
        if (fault.code !== faultCodes.CONCURRENT_TRANSACTIONS) this.#link = undefined
      }
      const isAgain = passing.has(fault.code) || (fault.isUnanswered && isPassing(fault))
      if (!isAgain || clock.now() + pauseMs >= untilMs) throw fault
      await sleep(clock, pauseMs)
    }
  }

  /** Nothing was asked of it yet. */
  async #found(untilMs: number): Promise<BrokerLink | KafkaFault> {
    const { brokers, id, clock } = this.#options
    try {
      this.#link ??= await brokers.inTime(brokers.coordinator(id, 'transaction'), untilMs - clock.now())
      return this.#link
    } catch (thrown) {
      return toFault(thrown)
    }
  }
}

function codeOf({ code }: { readonly code: number }): number {
  return code
}

function isPassing(fault: KafkaFault): boolean {
  return isRetriable(fault) && !fault.isAuthentication
}
