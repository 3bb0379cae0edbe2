/** Faults on demand: what goes on, what was done, and the account of it. Each ends by itself, or when somebody stops it; none loses a record. */

import type { ChaosAccount, ChaosAnswer, ChaosBody, ChaosKind } from '../../../framework/console/protocol-dev.ts'
import { browsing } from '../../../framework/dead-letters/browse-topic.ts'
import { readToEnd } from '../../../framework/dead-letters/read-topic.ts'
import { EngineFaults } from '../../../framework/execution-plane/engine-faults.ts'
import type { ViewedConnection } from '../../../framework/kafka/kafka-client.ts'
import type { RuntimeEvent } from '../../../framework/model/events.ts'
import type { RecordAt } from '../../../framework/model/explanation.ts'
import { plural } from '../../../framework/model/plural.ts'
import { type KafkaRecord, partitionPlace } from '../../../framework/model/record.ts'
import { withFoundTopics } from '../../../framework/runtime/found-topics.ts'
import type { ResolvedHandler, Runtime } from '../../../framework/runtime/runtime.ts'
import type { Clock, Timer } from '../../../framework/time/clock.ts'
import { ClientFaults } from './client-faults.ts'
import { FaultAccount } from './fault-account.ts'
import { visit } from './guest-member.ts'

const MOST_DONE = 50
/** A second member of a group on the embedded broker needs three seconds. */
const VISIT_MS = 20_000
const defaults = { forMs: 10_000, delayMs: 1_000, count: 10 }

export interface FaultsTarget {
  readonly runtime: () => Runtime | undefined
  readonly handlers: () => readonly ResolvedHandler[]
  readonly cluster: ViewedConnection
  /** A cluster of the user's own: nothing is written to it, and nobody joins its groups. */
  readonly isOwnCluster: boolean
}

async function placesIn(cluster: ViewedConnection, topic: string): Promise<readonly RecordAt[]> {
  const places: RecordAt[] = []
  const logs = () => cluster.view.logs(topic)
  const onRecord = ({ partition, offset }: KafkaRecord) => places.push({ topic, partition, offset }) > 0
  const bounds = await logs()
  await browsing(cluster, topic, (client) => readToEnd(client, { topic, bounds, logs, onRecord }))
  return places
}

interface Active {
  readonly until: number
  readonly timer: Timer
}

export class Faults {
  readonly engines = new EngineFaults()
  readonly clients: ClientFaults
  readonly #clock: Clock
  readonly #active = new Map<ChaosKind, Active>()
  readonly #done: { readonly at: number; readonly what: ChaosKind; readonly text: string }[] = []
  #account: FaultAccount | undefined
  #isClosed = false
  /** One after the other; the account is read when none is on its way. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(clock: Clock) {
    this.#clock = clock
    this.clients = new ClientFaults(clock)
  }

  /** Of every record, once there is an account; else it costs one look. */
  onEvent(event: RuntimeEvent): void {
    this.#account?.onEvent(event)
  }

  /** @returns why it cannot be done; undefined when it was */
  run(what: ChaosKind, body: ChaosBody, target: FaultsTarget): Promise<string | undefined> {
    const running = this.#turn.then(() => this.#run(what, body, target))
    this.#turn = running.catch(() => {})
    return running
  }

  stop(what: ChaosKind): void {
    this.#active.get(what)?.timer.cancel()
    this.#active.delete(what)
    if (what === 'slow-commits') this.clients.delayCommits(0)
    if (what === 'fail-attempts') this.engines.failNoMore()
  }

  /** Before the runtime stops: a commit that is held up would keep it. Settles when nothing is on its way any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const what of [...this.#active.keys()]) this.stop(what)
    await this.#turn
  }

  async answer(target: FaultsTarget, kinds: readonly ChaosKind[]): Promise<ChaosAnswer> {
    await this.#turn
    this.#forgetEnded()
    return {
      kinds: kinds.map((what) => ({ what, canNot: whyNot(what, target) ?? null })),
      active: [...this.#active].map(([what, { until }]) => {
        return { what, until: Math.round(until), left: what === 'fail-attempts' ? this.engines.left : null }
      }),
      done: this.#done,
      account: await this.#read(target),
    }
  }

  async #read({ runtime, cluster }: FaultsTarget): Promise<ChaosAccount | null> {
    const running = runtime()
    if (running !== undefined) this.#account?.look(running)
    const logs = (topic: string) => cluster.view.logs(topic)
    return (await this.#account?.read({ logs, places: (topic) => placesIn(cluster, topic) })) ?? null
  }

  async #run(what: ChaosKind, body: ChaosBody, target: FaultsTarget): Promise<string | undefined> {
    const why = this.#isClosed ? 'The session ends.' : whyNot(what, target)
    if (why !== undefined) return why
    this.#begin(target)
    switch (what) {
      case 'rebalance':
        return this.#rebalance(target)
      case 'kill-thread':
        return this.#killThread(body.handlerId)
      case 'slow-commits':
        return this.#slowCommits(body)
      case 'log-hole':
        return this.#makeHole(body, target)
      case 'fail-attempts':
        return this.#failAttempts(body)
    }
  }

  /** The books begin with the first fault: before, they cost nothing. */
  #begin({ runtime, handlers }: FaultsTarget): void {
    const groupOf = (handlerId: string) => handlers().find(({ route }) => route.handlerId === handlerId)?.group
    this.#account ??= new FaultAccount(this.#clock.now(), groupOf)
    const running = runtime()
    if (running !== undefined) this.#account.look(running)
  }

  async #rebalance({ handlers, cluster }: FaultsTarget): Promise<string | undefined> {
    const groups = byGroup(await readersOf(handlers(), cluster))
    const limits = { clock: this.#clock, limitMs: VISIT_MS, isOver: () => this.#isClosed }
    const visits = [...groups].map(([group, topics]) => visit(cluster, { group, topics }, limits))
    const got = await Promise.all(visits)
    if (!got.includes(true)) return `No group has given a partition to another member within ${VISIT_MS / 1_000} s.`
    this.#tell('rebalance', `another member has come to ${[...groups.keys()].join(', ')}, and gone`)
    return undefined
  }

  #killThread(handlerId: string | undefined): string | undefined {
    const ended = this.engines.endThread(handlerId)
    if (ended === undefined) return 'No thread of it is up at the moment.'
    this.#tell('kill-thread', `a thread of ${ended} was ended`)
    return undefined
  }

  #slowCommits({ forMs = defaults.forMs, delayMs = defaults.delayMs }: ChaosBody): undefined {
    this.clients.delayCommits(delayMs)
    this.#last('slow-commits', forMs)
    this.#tell('slow-commits', `each commit takes ${delayMs} ms longer, for ${forMs} ms`)
  }

  async #makeHole({ topic, count = defaults.count }: ChaosBody, target: FaultsTarget): Promise<string | undefined> {
    const known = (await readersOf(target.handlers(), target.cluster)).map(({ route }) => route.topic)
    const chosen = topic ?? known[0]
    if (chosen === undefined || !known.includes(chosen)) return `No handler reads ${chosen ?? 'a topic'}.`
    const places = await this.clients.makeHole(target.cluster, chosen, count)
    for (const place of places) this.#account?.onFiller({ topic: chosen, ...place })
    const offsets = places.map(({ offset }) => offset)
    const partition = places[0]?.partition ?? 0
    const range = `${Math.min(...offsets)} to ${Math.max(...offsets)}`
    this.#tell('log-hole', `${partitionPlace({ topic: chosen, partition })} has a hole at ${range}`)
    return undefined
  }

  #failAttempts({ count = defaults.count, handlerId, forMs = defaults.forMs }: ChaosBody): undefined {
    this.engines.failNext(count, handlerId)
    this.#last('fail-attempts', forMs)
    this.#tell(
      'fail-attempts',
      `the next ${plural(count, 'attempt')} of ${handlerId ?? 'any handler'} ${count === 1 ? 'fails' : 'fail'}`,
    )
  }

  #last(what: ChaosKind, forMs: number): void {
    this.#active.get(what)?.timer.cancel()
    const timer = this.#clock.setTimer(forMs, () => this.stop(what))
    this.#active.set(what, { until: this.#clock.now() + forMs, timer })
  }

  #forgetEnded(): void {
    if (this.#active.has('fail-attempts') && this.engines.left === 0) this.stop('fail-attempts')
  }

  #tell(what: ChaosKind, text: string): void {
    this.#done.unshift({ at: Math.round(this.#clock.now()), what, text })
    if (this.#done.length > MOST_DONE) this.#done.pop()
  }
}

/** Why a fault cannot be had here at all. */
function whyNot(what: ChaosKind, { handlers, isOwnCluster, runtime }: FaultsTarget): string | undefined {
  if (runtime() === undefined) return 'No handlers run at the moment.'
  if (isOwnCluster && (what === 'rebalance' || what === 'log-hole')) {
    return 'It would change a cluster of your own: without --brokers, `pyrallel dev` has one for that.'
  }
  if (what === 'kill-thread' && handlers().every(({ worker }) => worker === undefined))
    return "No handler has engine: 'worker'."
  return undefined
}

function byGroup(handlers: readonly ResolvedHandler[]): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>()
  for (const { group, route } of handlers) groups.set(group, [...(groups.get(group) ?? []), route.topic])
  return groups
}

/** One for each topic that is read, those that patterns match, too. */
async function readersOf(
  handlers: readonly ResolvedHandler[],
  { view }: ViewedConnection,
): Promise<readonly ResolvedHandler[]> {
  if (handlers.every(({ route }) => route.pattern === undefined)) return handlers
  const names = (await view.topics()).map(({ name }) => name)
  return withFoundTopics(handlers, names).filter(({ route }) => route.pattern === undefined)
}
