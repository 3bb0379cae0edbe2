/** Decides which record starts next, and keeps the only count of what is in flight. Knows neither offsets nor outcomes. */
import { bug } from '../../model/errors.ts'
import type { Route } from '../../model/settings.ts'
import type { WorkItem } from '../../model/work.ts'
import { emptyTally, type HandlerTally } from '../partition/handler-tally.ts'
import { type InFlight, InFlightTable } from '../partition/in-flight.ts'
import type { PartitionState, StartGate } from '../partition/partition-state.ts'
import type { PartitionLookup } from '../partition/partition-table.ts'
import { NOT_TRIED, type Pending, Ring } from '../partition/shard-queue.ts'
import { hasSameBudget, StartBudget } from './start-budget.ts'

export interface Restraint {
  readonly isPaused: boolean
  readonly isHeldByRate: boolean
}

/** What a handler has in flight, and what it may have. */
export interface Starts {
  readonly isPaused: boolean
  readonly concurrency: number
  /** Items that hold a slot. */
  readonly inFlight: number
  readonly adaptiveLimit: number
  /** Undefined while its rate holds nothing back. */
  readonly rate: { readonly perSecond: number; readonly nextAt: number } | undefined
}

/** Of one handler, over all its topics. */
interface RouteState {
  /** That of one of its topics: all but the topics is the same in the others. */
  route: Route
  /** Nothing of it starts until somebody says so. */
  isPaused: boolean
  budget: StartBudget
  readonly tally: HandlerTally
  /** When the rate allows what it has held back; undefined when it holds nothing back. */
  wakeAt: number | undefined
  /** More could have started, had the adaptive limit been higher. */
  isLimiting: boolean
  /** Work items that the engine has not completed, those of earlier assignments included: they hold its slots. */
  inFlight: number
  /** Of these, those that took no slot when it was last looked. */
  setAside: number
  /** Partitions that may have something to start, in rotation. */
  readonly ready: Ring<PartitionState>
  /** Partitions of this turn whose records wait for others to make a batch. */
  readonly waiting: PartitionState[]
}

const none = (): number => 0

export class Scheduler {
  readonly #byTopic = new Map<string, Route>()
  /** By topic: those of one handler share one. */
  readonly #routes = new Map<string, RouteState>()
  /** By handler id. */
  readonly #handlers = new Map<string, RouteState>()
  readonly #inFlight = new InFlightTable()
  #recordsInFlight = 0
  #nextBatchAt: number | undefined

  constructor(routes: readonly Route[]) {
    for (const route of routes) this.addRoute(route)
  }

  /** A topic more, of a handler that is known or new: one that is known shares its slots, rate and pause. */
  addRoute(route: Route): void {
    if (this.#routes.has(route.topic)) throw bug('scheduler', `two routes for topic ${route.topic}`)
    this.#byTopic.set(route.topic, route)
    const known = this.#handlers.get(route.handlerId)
    if (known !== undefined) {
      this.#routes.set(route.topic, known)
      return
    }
    const rest = {
      isPaused: false,
      wakeAt: undefined,
      isLimiting: false,
      inFlight: 0,
      setAside: 0,
      tally: emptyTally(),
    }
    const state = { route, budget: new StartBudget(route), ...rest, ready: new Ring<PartitionState>(), waiting: [] }
    this.#routes.set(route.topic, state)
    this.#handlers.set(route.handlerId, state)
  }

  hasRoute(topic: string): boolean {
    return this.#routes.has(topic)
  }

  routeOf(topic: string): Route {
    const route = this.#byTopic.get(topic)
    if (route === undefined) throw bug('scheduler', `no route for topic ${topic}`)
    return route
  }

  tallyOf(topic: string): HandlerTally {
    return this.#routeState(topic).tally
  }

  /** Other rules for the same handler, topic and order. What is in flight keeps to the old ones. */
  replaceRoute(route: Route): void {
    const routeState = this.#ofHandler(route.handlerId)
    const isKnown = this.#byTopic.get(route.topic)?.handlerId === route.handlerId
    if (!isKnown || routeState.route.ordering !== route.ordering) {
      throw bug('scheduler', `the route of ${route.handlerId} cannot be replaced by one of another topic or order`)
    }
    this.#byTopic.set(route.topic, route)
    if (!hasSameBudget(routeState.route, route)) routeState.budget = new StartBudget(route)
    routeState.route = route
  }

  /** Attempts of the handler of this topic in flight at most, at this moment. */
  limitOf(topic: string): number {
    const { route, budget } = this.#routeState(topic)
    return Math.min(route.concurrency, budget.limit)
  }

  /** For whoever asks why something does not start. Changes nothing. */
  startsOf(topic: string, now: number): Starts {
    const { route, isPaused, budget, inFlight, setAside } = this.#routeState(topic)
    const { concurrency } = route
    const rate = budget.heldUntil(now)
    return { isPaused, concurrency, inFlight: inFlight - setAside, adaptiveLimit: budget.limit, rate }
  }

  /** What keeps the handler of this topic from starting more, beyond order and room. */
  restraintOf(topic: string): Restraint {
    const { isPaused, wakeAt } = this.#routeState(topic)
    return { isPaused, isHeldByRate: wakeAt !== undefined && !isPaused }
  }

  /** A handler has slots to spare, and nothing that could start in them. */
  get isStarving(): boolean {
    for (const { route, budget, isPaused, inFlight, setAside, ready } of this.#handlers.values()) {
      // What a rate, or an engine that is short of slots, holds back keeps its place in `ready`.
      if (!isPaused && ready.size === 0 && inFlight - setAside < Math.min(route.concurrency, budget.limit)) return true
    }
    return false
  }

  /** When something may start that a rate holds back; undefined when none does. */
  get nextStartAt(): number | undefined {
    let next: number | undefined
    for (const { wakeAt, isPaused } of this.#handlers.values()) {
      if (wakeAt !== undefined && !isPaused && (next === undefined || wakeAt < next)) next = wakeAt
    }
    return next
  }

  /**
   * An attempt of the handler of this topic has ended.
   * @returns the limit on attempts in flight, when it has changed by that
   */
  onEnded(topic: string, durationMs: number, isOverload: boolean, now: number): number | undefined {
    const { budget, isLimiting } = this.#routeState(topic)
    return budget.onEnded({ durationMs, isOverload, isLimiting }, now) ? budget.limit : undefined
  }

  /** Nothing of the handler starts any more; what is in flight goes on. */
  pause(handlerId: string): void {
    this.#ofHandler(handlerId).isPaused = true
  }

  resume(handlerId: string): void {
    this.#ofHandler(handlerId).isPaused = false
  }

  /** The partition may have something to start. Cheap, and harmless when it has not. */
  list(state: PartitionState): void {
    // Do not list a partition that has nothing to start: it would be told as rate-limited, and the adaptive limit would grow for no reason.
    if (state.isListed || state.isDraining || state.shards.ready === 0) return
    state.setListed(true)
    this.#routeState(state.topic).ready.push(state)
  }

  /** When records that wait for others to make a batch start without them, as far as there are slots for them. */
  get nextBatchAt(): number | undefined {
    return this.#nextBatchAt
  }

  /**
   * Starts all that may start: one record, or one batch, of each partition in turn.
   * @param table what was given up since it was listed is not in it any more
   * @param capacityOf how many items the engine of a handler can hold at this moment
   * @param setAsideOf how many of its items in flight take no slot
   */
  start(
    now: number,
    table: Pick<PartitionLookup, 'isCurrent'>,
    capacityOf: (handlerId: string) => number,
    gate: StartGate,
    setAsideOf: (handlerId: string) => number = none,
  ): WorkItem[] {
    const items: WorkItem[] = []
    this.#nextBatchAt = undefined
    for (const routeState of this.#handlers.values()) {
      const { route, ready, isPaused, budget } = routeState
      routeState.wakeAt = undefined
      const setAside = setAsideOf(route.handlerId)
      routeState.setAside = setAside
      if (ready.size === 0 || isPaused) continue
      const capacity = Math.min(route.concurrency, capacityOf(route.handlerId), budget.limit) + setAside
      while (routeState.inFlight < capacity && ready.size > 0) {
        if (!budget.mayStart(now)) {
          routeState.wakeAt = budget.nextStartAt(now)
          break
        }
        const state = ready.shift()
        if (state === undefined) break
        state.setListed(false)
        if (!table.isCurrent(state)) continue
        if (route.batch === undefined) this.#startOne(routeState, state, gate, items)
        else this.#startBatch(routeState, state, state.takeBatch(route.batch, now, gate), items)
      }
      routeState.isLimiting = routeState.inFlight - setAside >= budget.limit && ready.size > 0
      if (routeState.waiting.length > 0) this.#listWaiting(routeState)
    }
    return items
  }

  /** The engine has completed it: its slot is free. Undefined when no such item is in flight. */
  finish(workId: number): InFlight | undefined {
    const entry = this.#inFlight.take(workId)
    if (entry === undefined) return undefined
    this.#routeState(entry.state.topic).inFlight -= 1
    this.#recordsInFlight -= entry.pendings.length
    return entry
  }

  /** Its engine has given it back and had not begun with it: nothing that was noted at its start is so. */
  onTakenBack({ item, state, pendings }: InFlight): void {
    this.#routeState(state.topic).budget.onTakenBack(pendings.length, item.id)
    // One that has failed was tried before.
    for (const pending of pendings) if (pending.lastFailure === undefined) pending.successesBefore = NOT_TRIED
  }

  /** Records that engines are at work on, those of earlier assignments included. */
  get recordsInFlight(): number {
    return this.#recordsInFlight
  }

  /** What engines are at work on of this partition, from whatever assignment. */
  *inFlightOf(topic: string, partition: number): Iterable<InFlight> {
    for (const entry of this.#inFlight) {
      if (entry.state.topic === topic && entry.state.partition === partition) yield entry
    }
  }

  #startOne(routeState: RouteState, state: PartitionState, gate: StartGate, items: WorkItem[]): void {
    const pending = state.take()
    if (pending === undefined) return
    this.list(state)
    if (!gate.mayRun(state, pending)) {
      gate.refuse(state, pending)
      return
    }
    const { record, attempt } = pending
    const { handlerId } = routeState.route
    noteFirst(pending, routeState.tally)
    const id = this.#inFlight.nextId()
    const item = { id, handlerId, epoch: state.epoch, records: [record], attempts: [attempt] }
    this.#onStarted(routeState, { item, state, pendings: [pending] })
    items.push(item)
  }

  #startBatch(routeState: RouteState, state: PartitionState, pendings: readonly Pending[], items: WorkItem[]): void {
    if (pendings.length === 0) {
      if (state.batchDueAt !== undefined) routeState.waiting.push(state)
      return
    }
    this.list(state)
    for (const pending of pendings) noteFirst(pending, routeState.tally)
    const records = pendings.map(({ record }) => record)
    const attempts = pendings.map(({ attempt }) => attempt)
    const { handlerId } = routeState.route
    const item = { id: this.#inFlight.nextId(), handlerId, epoch: state.epoch, records, attempts }
    this.#onStarted(routeState, { item, state, pendings })
    items.push(item)
  }

  /** The only place where something is put in flight. */
  #onStarted(routeState: RouteState, entry: InFlight): void {
    this.#inFlight.add(entry)
    this.#recordsInFlight += entry.pendings.length
    routeState.inFlight += 1
    routeState.budget.onStarted(entry.pendings.length, entry.item.id)
  }

  /** They are looked at again at every turn: each record that comes may complete the batch. */
  #listWaiting({ waiting }: RouteState): void {
    for (const state of waiting) {
      this.list(state)
      const at = state.batchDueAt
      if (at !== undefined && (this.#nextBatchAt === undefined || at < this.#nextBatchAt)) this.#nextBatchAt = at
    }
    waiting.length = 0
  }

  #ofHandler(handlerId: string): RouteState {
    const routeState = this.#handlers.get(handlerId)
    if (routeState === undefined) throw bug('scheduler', `no route for handler ${handlerId}`)
    return routeState
  }

  #routeState(topic: string): RouteState {
    const routeState = this.#routes.get(topic)
    if (routeState === undefined) throw bug('scheduler', `no route for topic ${topic}`)
    return routeState
  }
}

function noteFirst(pending: Pending, { successes }: HandlerTally): void {
  if (pending.successesBefore === NOT_TRIED) pending.successesBefore = successes
}
