/** Under which identity a producer numbers its batches (KIP-98): asked for when it is needed, one question at a time. */
import type { Brokers } from './brokers.ts'
import { answeredFault, toFault } from './errors.ts'
import { identityCall, type ProducerIdentity } from './produce-calls.ts'

export class IdentitySource {
  readonly #brokers: Brokers
  #current: ProducerIdentity | undefined
  #isAsking = false

  constructor(brokers: Brokers) {
    this.#brokers = brokers
  }

  /** `undefined`: it must be asked for. */
  get current(): ProducerIdentity | undefined {
    return this.#current
  }

  get isAsking(): boolean {
    return this.#isAsking
  }

  /** A broker has lost the place of this one. */
  forget(identity: ProducerIdentity | undefined): void {
    if (this.#current?.id === identity?.id) this.#current = undefined
  }

  /** Rejects with a `KafkaFault` when no broker has given one within `limitMs`. */
  async ask(limitMs: number): Promise<void> {
    this.#isAsking = true
    try {
      this.#current = await this.#brokers.retried(limitMs, async () => {
        const answer = await this.#brokers.askAny(identityCall)
        if (answer.code !== 0) throw answeredFault(answer.code)
        return answer
      })
    } catch (thrown) {
      throw toFault(thrown)
    } finally {
      this.#isAsking = false
    }
  }
}
