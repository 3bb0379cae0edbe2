/** Plays one schedule: processes come and go, records arrive, time is moved by hand; then all is calm until everything is done, and the user's check is asked. */
import type { Services } from '../../api/handler.ts'
import type { ResolvedConfig } from '../../config/config.ts'
import { memoryCluster } from '../../kafka/memory/client.ts'
import { toError } from '../../model/errors.ts'
import type { OutgoingRecord } from '../../model/record.ts'
import type { NamedTopic } from '../../publishing/topic-formats.ts'
import type { ResolvedHandler } from '../../runtime/runtime.ts'
import { seededRandom } from '../../runtime/seeded-random.ts'
import { ManualClock } from '../manual-clock.ts'
import { Faults } from './faults.ts'
import { type Happened, Outcomes } from './happened.ts'
import { History, type HistoryLine, type OpenCall } from './history.ts'
import { KnownFormats } from './known-formats.ts'
import { ParkedHand } from './parked-hand.ts'
import type { SimulatedWorld } from './process.ts'
import { RunProcesses } from './run-processes.ts'
import { RunRecords } from './run-records.ts'
import type { Schedule, Step, StepKind } from './schedule.ts'
import type { AsyncCalls } from './service-calls.ts'
import type { Turns } from './turns.ts'

/** The same for all schedules. */
export interface Scenario {
  readonly config: ResolvedConfig
  readonly handlers: readonly ResolvedHandler[]
  /** Of what the handlers read, and of what `records` are written to. */
  readonly topics: readonly NamedTopic[]
  readonly records: readonly OutgoingRecord[]
  readonly services: () => Services
  readonly check: (happened: Happened) => void | Promise<void>
}

export interface Failure {
  /** `check`: the user's check throws. `hang`: a handler does not end. `stuck`: records are not done. `broken`: a process could not go on. */
  readonly kind: 'check' | 'hang' | 'stuck' | 'broken'
  readonly error: Error
}

export interface Played {
  readonly failure: Failure | undefined
  readonly lines: readonly HistoryLine[]
  readonly attempts: number
  /** Steps that have had an effect, by kind. */
  readonly hits: ReadonlyMap<StepKind, number>
}

/** After the last step: retries and back-offs of a day that has gone wrong are over by then. */
const CALM_LIMIT_MS = 3_600_000
/** A handler that has had its timeout, the time that it is given after it, and an answer that was late, and has not ended. */
const HANG_SLACK_MS = 10_000

/** @param asyncCalls what is known before; not changed */
export async function play(
  scenario: Scenario,
  schedule: Schedule,
  turns: Turns,
  asyncCalls: ReadonlySet<string>,
): Promise<Played & { readonly asyncCalls: AsyncCalls }> {
  const run = new Run(scenario, schedule, turns, new Set(asyncCalls))
  const failure = await run.play()
  return { failure, ...run.played }
}

class Run {
  readonly #scenario: Scenario
  readonly #schedule: Schedule
  readonly #turns: Turns
  readonly #clock = new ManualClock()
  readonly #world: SimulatedWorld
  readonly #records: RunRecords
  readonly #processes: RunProcesses
  readonly #outcomes = new Outcomes()
  readonly #hits = new Map<StepKind, number>()

  constructor(scenario: Scenario, schedule: Schedule, turns: Turns, asyncCalls: AsyncCalls) {
    this.#scenario = scenario
    this.#schedule = schedule
    this.#turns = turns
    const clock = this.#clock
    const startedAt = clock.now()
    const { config, handlers, topics } = scenario
    const formats = new KnownFormats(topics)
    const cluster = memoryCluster({ clock })
    this.#records = new RunRecords(handlers, cluster, formats, schedule.partitions)
    this.#world = {
      config,
      handlers,
      cluster,
      clock,
      faults: new Faults((kind) => this.#hit(kind)),
      history: new History(() => clock.now() - startedAt),
      services: servicesOf(scenario),
      formats,
      asyncCalls,
      random: seededRandom(schedule.seed),
      onEvent: (event) => this.#outcomes.onEvent(event),
    }
    this.#processes = new RunProcesses(this.#world)
  }

  get played(): Omit<Played, 'failure'> & { readonly asyncCalls: AsyncCalls } {
    const { history, asyncCalls } = this.#world
    return { lines: history.lines, attempts: history.attempts.length, hits: this.#hits, asyncCalls }
  }

  async play(): Promise<Failure | undefined> {
    const { processes, arrivalsMs, steps } = this.#schedule
    try {
      this.#records.expect(this.#scenario.records, arrivalsMs, this.#clock)
      for (let count = 0; count < processes; count += 1) await this.#processes.start()
      const startedAt = this.#clock.now()
      for (const step of steps) {
        await this.#passUntil(startedAt + step.atMs)
        await this.#take(step)
      }
      const failure = await this.#calmDown()
      if (failure !== undefined) return failure
    } catch (thrown) {
      return { kind: 'broken', error: toError(thrown) }
    } finally {
      this.#processes.end()
    }
    return await this.#check()
  }

  async #take({ kind, which, forMs }: Step): Promise<void> {
    const { cluster, faults } = this.#world
    switch (kind) {
      case 'kill':
      case 'stop':
      case 'expel': {
        const one = this.#processes.runningAt(which)
        if (one === undefined) return
        one[kind](forMs)
        this.#hit(kind)
        if (kind !== 'expel') this.#processes.startLater(forMs)
        break
      }
      case 'join':
        if (!this.#processes.hasRoom) return
        this.#hit(kind)
        await this.#processes.start()
        break
      case 'slow-commits':
        this.#hit(kind)
        cluster.delayCommits(forMs)
        break
      default:
        faults.add(kind, forMs)
    }
    await this.#settle()
  }

  /** Nothing goes wrong any more: all must get done. */
  async #calmDown(): Promise<Failure | undefined> {
    const { cluster, faults } = this.#world
    faults.clear()
    cluster.delayCommits(0)
    if (!this.#processes.isAnyComing) await this.#processes.start()
    const until = this.#clock.now() + CALM_LIMIT_MS
    const hand = new ParkedHand(this.#scenario.handlers.map(({ group }) => group))
    for (;;) {
      await this.#settle()
      hand.lookAfter(this.#processes.all)
      const fatal = this.#processes.all.find((each) => each.fatal !== undefined)?.fatal
      if (fatal !== undefined) return { kind: 'broken', error: fatal }
      const calls = this.#processes.all.flatMap((each) => [...each.openCalls])
      const hang = calls.find((call) => this.#isHanging(call))
      if (hang !== undefined) return { kind: 'hang', error: this.#hangOf(hang) }
      if (calls.length === 0 && this.#records.areDone) return undefined
      const next = this.#clock.nextTimerAt ?? until
      if (next >= until) return { kind: 'stuck', error: this.#undone() }
      await this.#passUntil(next)
    }
  }

  async #check(): Promise<Failure | undefined> {
    const { history, handlers, services, config, formats } = this.#world
    // Otherwise one that was given up may be done once more, when its process dies before it has committed.
    const givenUp = config.commit.exactlyOnce ? this.#records.givenUp() : new Set<string>()
    const readers = handlers.filter(({ route }) => route.pattern === undefined)
    const happened: Happened = {
      seed: this.#schedule.seed,
      services,
      attempts: history.attempts,
      records: this.#outcomes.of(readers, (topic) => this.#records.recordsOf(topic), givenUp, formats),
      published: await this.#records.published(),
    }
    try {
      await this.#scenario.check(happened)
      return undefined
    } catch (thrown) {
      return { kind: 'check', error: toError(thrown) }
    }
  }

  async #passUntil(until: number): Promise<void> {
    for (;;) {
      const to = Math.min(until, this.#clock.nextTimerAt ?? until)
      this.#clock.advance(Math.max(0, to - this.#clock.now()))
      await this.#settle()
      if (to >= until) return
    }
  }

  async #settle(): Promise<void> {
    await this.#turns.settle()
    await this.#processes.started
  }

  #hit(kind: StepKind): void {
    this.#hits.set(kind, (this.#hits.get(kind) ?? 0) + 1)
  }

  #isHanging({ handlerId, startedAt }: OpenCall): boolean {
    const timeoutMs = this.#scenario.handlers.find(({ route }) => route.handlerId === handlerId)?.timeoutMs ?? 0
    return this.#world.history.now - startedAt > timeoutMs + HANG_SLACK_MS
  }

  #hangOf({ handlerId, startedAt, attempts }: OpenCall): Error {
    const sinceMs = Math.round(this.#world.history.now - startedAt)
    const places = attempts.map(({ place }) => place).join(', ')
    const why =
      'It waits for what never comes, or for what is outside of the simulation, as a socket, a file or a thread: hand that in by services, as something that needs neither.'
    return new Error(`${handlerId} hangs: it has not ended ${sinceMs} ms after its start with ${places}. ${why}`)
  }

  #undone(): Error {
    const undone = this.#records.undone()
    const what = undone.length > 0 ? undone.join(', ') : 'a handler that still runs'
    return new Error(`Not done an hour after the last step: ${what}.`)
  }
}

function servicesOf({ services }: Scenario): Services {
  const made: unknown = services()
  if (typeof made === 'object' && made !== null && !(made instanceof Promise)) return made
  throw new TypeError('simulate({ services }): it must return an object, at least {}, and no promise.')
}
