/** Publishes dead letters again for the console: first a plan, which publishes nothing, then the replay of that plan. One at a time for a topic. */
import { randomUUID } from 'node:crypto'
import { browsing } from '../dead-letters/browse-topic.ts'
import type { DeadLetter } from '../dead-letters/dead-letter.ts'
import { whilePolling } from '../dead-letters/read-topic.ts'
import { replayGroup } from '../dead-letters/replay/partition-marks.ts'
import { type PlanOptions, planReplay, type ReplayPlan } from '../dead-letters/replay/plan-replay.ts'
import { replay } from '../dead-letters/replay/replay.ts'
import { openOutlet } from '../dead-letters/replay/replay-outlet.ts'
import type { ReplayReport } from '../dead-letters/replay/replay-report.ts'
import type { ViewedConnection } from '../kafka/kafka-client.ts'
import { Closers } from '../model/closers.ts'
import { toError } from '../model/errors.ts'
import type { Clock } from '../time/clock.ts'
import { ApiFault, notFound } from './http/fault.ts'

/** A plan is of a moment: later, other letters may be there. */
const PLAN_MS = 300_000
const PLAN_LOOK_MS = 5_000
const MOST_PLANS = 20
/** Ended ones are kept, so that their report can be read. */
const MOST_REPLAYS = 20
const CLOSE_TIMEOUT_MS = 10_000

export interface PlanRequest {
  readonly topic: string
  readonly isSelected: (letter: DeadLetter) => boolean
  readonly to: string | undefined
  /** Topics that headers may name. */
  readonly allowed: ReadonlySet<string>
  readonly limit: number
  /** As in `IntakeOptions`. */
  readonly maxReplays: number
}

export interface MadePlan {
  readonly id: string
  readonly topic: string
  readonly expiresAt: number
  readonly plan: ReplayPlan
  readonly targets: ReadonlyMap<string, number>
  readonly isCut: boolean
}

export interface RunningReplay {
  readonly id: string
  readonly topic: string
  readonly startedAt: number
  readonly planned: number
  readonly published: ReadonlyMap<string, number>
  readonly isStopping: boolean
  /** For partitions: another replay has them, or one that was killed. */
  readonly isWaiting: boolean
  readonly endedAt: number | null
  /** `null` while it runs. */
  readonly report: ReplayReport | null
  /** What kept it from beginning, or from a report. */
  readonly error: Error | null
}

interface Kept {
  readonly made: MadePlan
  readonly what: Omit<PlanOptions, 'onPlanned' | 'isStopped'>
}

type Run = { -readonly [K in keyof RunningReplay]: RunningReplay[K] } & {
  readonly published: Map<string, number>
  done: Promise<void>
}

export class LetterReplays {
  readonly #cluster: () => ViewedConnection | undefined
  readonly #clock: Clock
  readonly #plans = new Map<string, Kept>()
  /** By id, the oldest first. */
  readonly #runs = new Map<string, Run>()
  #isClosed = false

  /** @param cluster undefined where nothing can be published */
  constructor(cluster: () => ViewedConnection | undefined, clock: Clock) {
    this.#cluster = cluster
    this.#clock = clock
  }

  async plan(request: PlanRequest): Promise<MadePlan> {
    const { topic, isSelected, ...of } = request
    const { view } = this.#connection()
    const connection = this.#connection()
    const logs = () => view.logs(topic)
    const what = {
      ...of,
      topic,
      selection: isSelected,
      logs,
      bounds: await logs(),
      committed: await view.groupOffsets(replayGroup(topic)),
      partitions: new Map((await view.topics()).map(({ name, partitions }) => [name, partitions])),
    }
    const targets = new Map<string, number>()
    const endsAt = this.#clock.now() + PLAN_LOOK_MS
    const plan = await browsing(connection, topic, (client) =>
      planReplay(client, {
        ...what,
        isStopped: () => this.#clock.now() >= endsAt,
        onPlanned: (_, target) => void targets.set(target, (targets.get(target) ?? 0) + 1),
      }),
    )
    const expiresAt = this.#clock.now() + PLAN_MS
    const made = { id: randomUUID(), topic, expiresAt, plan, targets, isCut: plan.isStopped }
    this.#plans.set(made.id, { made, what })
    forgetOldest(this.#plans, MOST_PLANS, () => true)
    return made
  }

  /**
   * @param rate records a second
   * @throws ApiFault for a plan that is not there, not any more, or of another topic; and while another replay of the topic runs
   */
  start(topic: string, planId: string, rate: number): RunningReplay {
    const kept = this.#plans.get(planId)
    if (kept === undefined || kept.made.topic !== topic || kept.made.expiresAt <= this.#clock.now()) {
      throw notFound('There is no such plan of this topic, or it is older than five minutes.')
    }
    const connection = this.#connection()
    if ([...this.#runs.values()].some((run) => run.topic === topic && run.endedAt === null)) {
      throw new ApiFault('conflict', 'A replay of this topic runs already.', 'Wait for its end, or stop it.')
    }
    this.#plans.delete(planId)
    const run: Run = {
      id: randomUUID(),
      topic,
      startedAt: this.#clock.now(),
      planned: kept.made.plan.planned,
      published: new Map(),
      isStopping: false,
      isWaiting: false,
      endedAt: null,
      report: null,
      error: null,
      done: Promise.resolve(),
    }
    this.#runs.set(run.id, run)
    forgetOldest(this.#runs, MOST_REPLAYS, ({ endedAt }) => endedAt !== null)
    run.done = this.#run(run, connection, kept.what, rate)
    return run
  }

  /** Of one topic, the newest first: those that run, and the last that have ended. */
  of(topic: string): readonly RunningReplay[] {
    return [...this.#runs.values()].filter((run) => run.topic === topic).reverse()
  }

  /** @throws ApiFault when there is none */
  find(id: string): RunningReplay {
    const run = this.#runs.get(id)
    if (run === undefined) throw notFound('There is no such replay, or it is long over.')
    return run
  }

  /** What is published by then is marked, and the rest is left for another one. */
  stop(id: string): RunningReplay {
    this.find(id)
    const run = this.#runs.get(id)
    if (run !== undefined) run.isStopping = true
    return this.find(id)
  }

  /** Ends those that run, and lets no other begin. Must be called before the connection is closed. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const run of this.#runs.values()) run.isStopping = true
    await Promise.all([...this.#runs.values()].map(({ done }) => done))
  }

  /** Never rejects: what has ended it is in the run. */
  async #run(run: Run, connection: ViewedConnection, what: Kept['what'], rate: number): Promise<void> {
    let closeMs = CLOSE_TIMEOUT_MS
    try {
      await new Closers().around(async (closers) => {
        const client = await connection.consumer({ group: replayGroup(what.topic), startFrom: 'earliest' })
        closers.add('the consumer', () => whilePolling(client, client.close()))
        const outlet = await openOutlet(connection, client, replayGroup(what.topic), () => {})
        closers.add('the producer', () => outlet.close(closeMs))
        run.report = await replay(client, outlet, {
          ...what,
          rate,
          sessionTimeoutMs: connection.sessionTimeoutMs,
          clock: this.#clock,
          isStopped: () => run.isStopping,
          onReplay: (_, target) => {
            run.isWaiting = false
            run.published.set(target, (run.published.get(target) ?? 0) + 1)
          },
          onWaiting: () => {
            run.isWaiting = true
          },
        })
        // What it has waited for in vain is not waited for again.
        if (run.report.failure !== undefined) closeMs = 0
      })
    } catch (thrown) {
      run.error = toError(thrown)
    }
    run.isWaiting = false
    run.endedAt = this.#clock.now()
  }

  #connection(): ViewedConnection {
    const connection = this.#isClosed ? undefined : this.#cluster()
    if (connection !== undefined) return connection
    throw notFound('The connection of this process cannot be looked at.')
  }
}

function forgetOldest<Value>(of: Map<string, Value>, most: number, mayGo: (value: Value) => boolean): void {
  for (const [id, value] of of) {
    if (of.size <= most) return
    if (mayGo(value)) of.delete(id)
  }
}
