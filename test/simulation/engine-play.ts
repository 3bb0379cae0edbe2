/** Plays a schedule with real engines: what a step of the schedule completes by hand elsewhere, they complete when their handlers end. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ExecutionEngine } from '../../framework/execution-plane/execution-engine.ts'
import type { CompletionEvent, WorkItem } from '../../framework/model/work.ts'
import { EngineBooks, type Rules } from './engine-books.ts'
import { Violation } from './oracle.ts'
import { type Attempts, Game } from './play.ts'
import type { Schedule } from './schedule.ts'

/** Handlers fail as before, also when all else is calm: retries take their time. */
const CALM_ROUNDS = 10_000

/** What a handler does that others can see. */
export interface HandlerSigns {
  onStart(uid: number, attempt: number): void
  onLine(uid: number, offset: unknown): void
}

/** A started engine, and how its time passes. */
export interface Host {
  readonly engine: ExecutionEngine
  /** The engine's answers and its handlers' signs go here from now on. */
  attach(onCompletion: (completion: CompletionEvent) => void, signs: HandlerSigns): void
  /** The schedule says that time passes. */
  pass(ms: number): Promise<void>
  /** Nothing happens any more: moves the time on, or waits for a moment of the machine's. */
  nudge(): Promise<void>
}

export interface EnginePlayOptions extends Rules {
  /** One for each member. */
  readonly hosts: readonly Host[]
  /** So many calls of `nudge` without an answer are a hang. */
  readonly patience: number
}

/** @throws Violation, or whatever the code under test throws */
export async function playWithEngines({ setup, steps }: Schedule, options: EnginePlayOptions): Promise<void> {
  const desks = options.hosts.map((host) => new Desk(host, options))
  const game = new Game(setup, deskAttempts(desks))
  for (const [member, desk] of desks.entries()) desk.onOutcome = (id, outcome) => game.complete(member, id, outcome)
  try {
    for (const step of steps) {
      // Zero to some turns of the event loop: whoever is done meanwhile completes.
      if (step.kind === 'complete') for (let turns = Math.floor(step.b * 6); turns > 0; turns -= 1) await nextTurn()
      else game.step(step)
      if (step.kind === 'wait') for (const { host } of desks) await host.pass(step.b * 1_000)
      for (const desk of desks) desk.check()
    }
    for (const member of game.calmWeather(CALM_ROUNDS)) {
      // Also with nothing in flight: a handler that was abandoned has its slot until it ends.
      await nextTurn()
      await desks[member]?.untilIdle(() => game.isIdle(member))
    }
    // Also those whose process or partition is gone by now.
    for (const desk of desks) await desk.untilIdle(() => desk.open === 0)
  } finally {
    for (const desk of desks) desk.close()
  }
}

function deskAttempts(desks: readonly Desk[]): Attempts {
  const deskOf = (member: number): Desk => {
    const desk = desks[member]
    if (desk === undefined) throw new Error(`there is no engine for member ${member}`)
    return desk
  }
  return {
    capacity: (member) => deskOf(member).capacity,
    setAside: (member) => deskOf(member).host.engine.setAside ?? 0,
    start: (member, item) => deskOf(member).submit(item),
    abort: (member, partition) => deskOf(member).abort(({ records: [record] }) => record?.partition === partition),
    recall: (member, shouldRecall) => deskOf(member).recall(shouldRecall),
    crash: (member) => deskOf(member).crash(),
  }
}

/** Between one member and its engine. */
class Desk {
  readonly host: Host
  onOutcome: (workId: number, outcome: CompletionEvent['outcome']) => void = () => {}
  readonly #books: EngineBooks
  readonly #patience: number
  /** Submitted by an earlier process of this member: they end, and nobody is told. */
  readonly #orphans = new Set<number>()
  readonly #mine = new Set<number>()
  #violation: unknown

  constructor(host: Host, { patience, ...rules }: EnginePlayOptions) {
    this.host = host
    this.#patience = patience
    this.#books = new EngineBooks(rules)
    host.attach(
      // Thrown in here, it would be the engine that meets it.
      (completion) => this.#guard(() => this.#onCompletion(completion)),
      {
        onStart: (uid, attempt) => this.#guard(() => this.#books.started(uid, attempt)),
        onLine: (uid, offset) => this.#guard(() => this.#books.logged(uid, offset)),
      },
    )
  }

  get capacity(): number {
    return this.host.engine.capacity - this.#orphans.size
  }

  get open(): number {
    return this.#books.open
  }

  submit(item: WorkItem): void {
    this.#mine.add(item.id)
    this.#books.submit(item, () => this.host.engine.submit(item))
  }

  abort(shouldAbort: (item: WorkItem) => boolean): void {
    this.#books.abort(shouldAbort)
    this.host.engine.abort(shouldAbort)
  }

  recall(shouldRecall: (item: WorkItem) => boolean): void {
    this.#books.recall(shouldRecall)
    this.host.engine.recall(shouldRecall)
  }

  crash(): void {
    for (const id of this.#mine) this.#orphans.add(id)
    this.#mine.clear()
    this.abort(({ id }) => this.#orphans.has(id))
  }

  check(): void {
    if (this.#violation !== undefined) throw this.#violation
  }

  async untilIdle(isIdle: () => boolean): Promise<void> {
    for (let nudges = 0; !isIdle(); nudges += 1) {
      this.check()
      const before = this.open
      for (let turns = 0; turns < 20 && !isIdle(); turns += 1) await nextTurn()
      if (this.open < before) nudges = 0
      if (nudges === this.#patience) throw new Violation('LOST', `${this.open} items are never completed`)
      if (!isIdle()) await this.host.nudge()
    }
    this.check()
  }

  close(): void {
    this.host.attach(() => {}, { onStart() {}, onLine() {} })
  }

  #onCompletion(completion: CompletionEvent): void {
    this.#books.complete(completion)
    if (this.#orphans.delete(completion.workId)) return
    this.#mine.delete(completion.workId)
    // The engine's books have them. Transactions are played without engines, in test/simulation/exactly-once.
    const { outputs: _, ...outcome } = { outputs: undefined, ...completion.outcome }
    this.onOutcome(completion.workId, outcome)
  }

  #guard(act: () => void): void {
    try {
      act()
    } catch (thrown) {
      this.#violation ??= thrown
    }
  }
}
