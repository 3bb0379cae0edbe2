/** The brokers of one cluster as one client knows them: how to get at each, who leads what, and who coordinates a group or a transaction. */
import type { Clock, Timer } from '../../time/clock.ts'
import { sleep } from '../../time/wait.ts'
import { faultCodes, isRetriable } from '../faults/codes.ts'
import type { ApiCall } from './call.ts'
import {
  type ClusterMetadata,
  type CoordinatorKind,
  coordinatorCall,
  metadataCall,
  type TopicMetadata,
} from './cluster-calls.ts'
import { answeredFault, KafkaFault, toFault } from './errors.ts'
import type { BrokerLink } from './link.ts'

/** Between two tries. */
const RETRY_MS = { least: 50, most: 1_000 } as const
/** A broker that takes the connection and says nothing may be frozen: then another one is asked, too. */
const SILENCE_MS = 1_000

/** A broker answers the requests of one connection one after the other: a fetch that waits would hold back a heartbeat. */
export type Purpose = 'control' | 'group' | 'data'

export interface BrokersOptions {
  /** `host:port` each. */
  readonly bootstrap: readonly string[]
  readonly clock: Clock
  readonly link: (host: string, port: number, purpose: Purpose) => BrokerLink
  /** Called when not one of the brokers that are known could be reached: once, until one answers again. */
  readonly onAllDown: (fault: KafkaFault) => void
}

export class Brokers {
  readonly #options: BrokersOptions
  readonly #links = new Map<string, BrokerLink>()
  /** By node, `host:port`. */
  readonly #addresses = new Map<number, string>()
  readonly #topics = new Map<string, TopicMetadata>()
  #lastAnswered: string | undefined
  /** Not one could be reached, and none has answered since. */
  #isAllDown = false
  #isClosed = false

  constructor(options: BrokersOptions) {
    this.#options = options
  }

  /** What was last heard of a topic, also that it does not exist; `undefined` when it was never asked for. */
  topic(name: string): TopicMetadata | undefined {
    return this.#topics.get(name)
  }

  /** `undefined` when nobody is known to lead it. */
  leaderOf(topic: string, partition: number): number | undefined {
    const leader = this.#topics.get(topic)?.partitions[partition]?.leader
    return leader === undefined || leader < 0 || !this.#addresses.has(leader) ? undefined : leader
  }

  /** Rejects when no broker answers. `null`: all topics. */
  async metadata(topics: readonly string[] | null): Promise<ClusterMetadata> {
    const answer = await this.askAny(metadataCall(topics?.map((name) => ({ id: null, name })) ?? null))
    this.#learn(answer)
    return answer
  }

  /** Names are `''` where nobody has the id. */
  async topicsById(ids: readonly string[]): Promise<readonly TopicMetadata[]> {
    const answer = await this.askAny(metadataCall(ids.map((id) => ({ id, name: null }))))
    this.#learn(answer)
    return answer.topics
  }

  /**
   * By whichever broker answers first: the next one is asked when one refuses, and beside one that says nothing for a second. So what is asked must do no
   * harm when it is done twice. Rejects with what the last one said.
   */
  async askAny<A>(call: ApiCall<A>): Promise<A> {
    const outcome = await this.#firstAnswer(call)
    if ('answer' in outcome) {
      this.#isAllDown = false
      return outcome.answer
    }
    const { faults } = outcome
    const last = faults.at(-1) ?? new KafkaFault(faultCodes.TRANSPORT, 'there is no broker to ask')
    const isAllDown = !this.#isClosed && faults.every(({ code }) => code === faultCodes.TRANSPORT)
    if (isAllDown && !this.#isAllDown) {
      this.#isAllDown = true
      this.#options.onAllDown(new KafkaFault(faultCodes.ALL_BROKERS_DOWN, 'all broker connections are down', last))
    }
    throw last
  }

  #firstAnswer<A>(call: ApiCall<A>): Promise<{ readonly answer: A } | { readonly faults: readonly KafkaFault[] }> {
    const left = this.#candidates()
    const faults: KafkaFault[] = []
    let waiting = 0
    let timer: Timer | undefined
    return new Promise((resolve) => {
      const askNext = () => {
        timer?.cancel()
        const address = left.shift()
        if (address === undefined) {
          if (waiting === 0) resolve({ faults })
          return
        }
        waiting += 1
        timer = this.#options.clock.setTimer(SILENCE_MS, askNext)
        this.#ask(address, call).then(
          (answer) => {
            timer?.cancel()
            // Nobody is asked any more.
            left.length = 0
            this.#lastAnswered = address
            resolve({ answer })
          },
          (thrown: unknown) => {
            waiting -= 1
            faults.push(toFault(thrown))
            askNext()
          },
        )
      }
      askNext()
    })
  }

  async #ask<A>(address: string, call: ApiCall<A>): Promise<A> {
    return this.#linkTo(address, 'control').call(call)
  }

  /** @throws KafkaFault when the node is not known */
  node(node: number, purpose: Purpose): BrokerLink {
    const address = this.#addresses.get(node)
    if (address === undefined) throw new KafkaFault(faultCodes.TRANSPORT, `broker ${node} is not known`)
    return this.#linkTo(address, purpose)
  }

  /** Where a broker says that another one can be found. */
  learnAddress(node: number, host: string, port: number): void {
    this.#addresses.set(node, addressOf(host, port))
  }

  /** Rejects with what the broker says when there is none. */
  async coordinator(name: string, kind: CoordinatorKind = 'group'): Promise<BrokerLink> {
    const { code, message, node, host, port } = await this.askAny(coordinatorCall(name, kind))
    if (code !== 0) throw answeredFault(code, message)
    this.learnAddress(node, host, port)
    return this.node(node, 'group')
  }

  /**
   * Until it succeeds, is refused for good, or the time is over; rejects with the last refusal. A broker that takes the connection and says nothing
   * is left when the time is over, too: then what was refused before says more than that.
   */
  async retried<T>(limitMs: number, ask: () => Promise<T>): Promise<T> {
    const { clock } = this.#options
    const untilMs = clock.now() + limitMs
    let before: KafkaFault | undefined
    for (let pauseMs: number = RETRY_MS.least; ; pauseMs = Math.min(pauseMs * 2, RETRY_MS.most)) {
      try {
        return await this.inTime(ask(), untilMs - clock.now())
      } catch (thrown) {
        const fault = toFault(thrown)
        const isOver = clock.now() + pauseMs >= untilMs || this.#isClosed
        if (isOver && fault.code === faultCodes.TIMED_OUT) throw before ?? fault
        if (isOver || fault.isAuthentication || !isRetriable(fault)) throw fault
        before = fault
      }
      await sleep(clock, pauseMs)
    }
  }

  /** Rejects when the answer has not come by then; it is dropped when it comes later. */
  inTime<T>(asked: Promise<T>, limitMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new KafkaFault(faultCodes.TIMED_OUT, 'no answer in time'))
      const timer = this.#options.clock.setTimer(Math.max(0, limitMs), late)
      asked.then(resolve, reject).finally(() => timer.cancel())
    })
  }

  /** Requests that are under way are rejected. */
  close(): void {
    this.#isClosed = true
    for (const link of this.#links.values()) link.close()
    this.#links.clear()
  }

  /** The one that has answered last first: another may be silent for long. */
  #candidates(): string[] {
    const all = new Set([...this.#addresses.values(), ...this.#options.bootstrap])
    const last = this.#lastAnswered
    return last !== undefined && all.delete(last) ? [last, ...all] : [...all]
  }

  #linkTo(address: string, purpose: Purpose): BrokerLink {
    if (this.#isClosed) throw new KafkaFault(faultCodes.DESTROYED, 'the client is closed')
    const id = `${purpose} ${address}`
    const known = this.#links.get(id)
    if (known !== undefined) return known
    const [host, port] = hostAndPort(address)
    const link = this.#options.link(host, port, purpose)
    this.#links.set(id, link)
    return link
  }

  #learn({ brokers, topics }: ClusterMetadata): void {
    if (brokers.length > 0) this.#addresses.clear()
    for (const { node, host, port } of brokers) this.learnAddress(node, host, port)
    for (const topic of topics) if (topic.name !== '') this.#topics.set(topic.name, topic)
  }
}

function addressOf(host: string, port: number): string {
  return `${host}:${port}`
}

/** `[::1]:9092` has its port behind the last colon, too. */
function hostAndPort(address: string): readonly [string, number] {
  const colon = address.lastIndexOf(':')
  if (colon < 0) return [address, 9_092]
  return [address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), Number(address.slice(colon + 1))]
}
