/** Runs users' own handlers under many schedules of what befalls processes, and finds the shortest in which their check fails. Needs no broker. */
import type { Services } from '../../api/handler.ts'
import type { TopicDefinition } from '../../api/topic.ts'
import type { PyrallelConfig, ResolvedConfig } from '../../config/config.ts'
import { suggestion } from '../../config/nearest-name.ts'
import { resolveConfig } from '../../config/resolve-config.ts'
import { kindOf } from '../../model/outgoing-check.ts'
import type { OutgoingRecord } from '../../model/record.ts'
import { withFoundTopics } from '../../runtime/found-topics.ts'
import { resolveHandlers } from '../../runtime/resolve-handlers.ts'
import type { RegisteredHandler, ResolvedHandler } from '../../runtime/runtime.ts'
import { compilerTools } from '../../validation/value-check.ts'
import { loadFormats, written } from '../run-call.ts'
import { takeOverTime } from './handler-time.ts'
import type { Happened } from './happened.ts'
import { KnownFormats } from './known-formats.ts'
import { type Failure, type Played, play, type Scenario } from './play.ts'
import { reportOf } from './report.ts'
import { calmSchedule, type Schedule, type StepKind, scheduleOf, shortest, stepKinds } from './schedule.ts'
import type { Turns } from './turns.ts'

/** A record that is there for the handlers. */
export interface RecordToSimulate<Value> {
  /** One that a handler of `routes` reads; or its name, and then the value is not checked by the compiler. */
  readonly topic: TopicDefinition<Value, string, unknown> | string
  readonly value: NoInfer<Value>
  /** A text, or what the topic's `keyFormat` says. Default: what the topic's `key` says of the value, else none. */
  readonly key?: unknown
  /** Default none. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface SimulationOptions<Values extends readonly unknown[], Given extends Services> {
  /**
   * The default export of `pyrallel.config.ts`, or the same written here. Neither variables nor the sections for modes other than production count, and
   * nothing of `kafka`, `http`, `scale` and `paused`.
   */
  readonly config: PyrallelConfig
  /** `routes` of `generated/routes.ts`, or some of them. Those with `engine: 'worker'` run on the event loop here, without their `setup`. */
  readonly routes: readonly RegisteredHandler[]
  /** At least one. They are written in this order; those of a key keep it. */
  readonly records: readonly [...{ readonly [Index in keyof Values]: RecordToSimulate<Values[Index]> }]
  /**
   * Called before each run, for what the handlers get as `context.services`: fakes that begin anew. A call that returns a promise takes simulated time, may
   * fail before or after it has done its work, and is not answered once its process is killed. What handlers keep in modules is to be emptied here, too.
   */
  readonly services?: () => Given
  /** Called at the end of each run, when everything is done. It throws, or rejects, where something is wrong. */
  readonly check: (happened: Happened<Given>) => void | Promise<void>
  /** How many schedules, from seed 1 on: 1 to 1,000,000; or the seeds that are to be played. Default 200. */
  readonly seeds?: number | readonly number[]
}

export interface SimulationResult {
  /** The run in which nothing is disturbed not counted. */
  readonly schedules: number
  /** Attempts of handlers, over all runs. */
  readonly attempts: number
  /** How often each kind of disturbance has befallen something. */
  readonly disturbances: Readonly<Record<StepKind, number>>
}

/** A check that failed, a handler that hangs, records that are never done. `message` tells the shortest schedule; `cause` is what the check has thrown. */
export class SimulationFailure extends Error {
  /** `seeds: [seed]` plays it again. 0: it fails though nothing is disturbed. */
  readonly seed: number
  /** How many disturbances the shortest schedule has. */
  readonly steps: number

  constructor(
    message: string,
    { seed, steps, cause }: { readonly seed: number; readonly steps: number; readonly cause: Error },
  ) {
    super(message, { cause })
    this.name = 'SimulationFailure'
    this.seed = seed
    this.steps = steps
  }
}

const STANDARD_SEEDS = 200
const MOST_SEEDS = 1_000_000

/**
 * `await simulate({ config, routes, records: [{ topic: orders, value: order }], services, check })`: runs the handlers in processes that are simulated, on a
 * cluster in memory, under schedules that come from seeds. Processes are killed, stopped and started, lose partitions, their commits are slow, refused or
 * not answered, and calls of services fail. Time is moved by hand: timers, `Date` and `Math.random` of handlers follow it. One simulation at a time in a process.
 * @throws SimulationFailure for the first schedule in which the check fails, or a handler hangs
 * @throws TypeError for what is written wrongly; PyrallelError as `startPyrallel` for config and routes
 */
export function simulate<const Values extends readonly unknown[], Given extends Services = Services>(
  options: SimulationOptions<Values, Given>,
): Promise<SimulationResult>
export async function simulate(options: SimulationOptions<readonly unknown[], Services>): Promise<SimulationResult> {
  const given = givenTo(options)
  const seeds = seedsOf(options.seeds)
  // Loaded while time goes on, it would come after hours.
  await compilerTools()
  for (const topic of given.topics) await loadFormats(topic)
  const scenario = scenarioOf(options, given)
  const time = takeOverTime()
  try {
    return await new Simulation(scenario, time.turns).run(seeds)
  } finally {
    time.giveBack()
  }
}

class Simulation {
  readonly #scenario: Scenario
  readonly #turns: Turns
  #asyncCalls: ReadonlySet<string> = new Set()
  #attempts = 0
  readonly #hits = new Map<StepKind, number>()

  constructor(scenario: Scenario, turns: Turns) {
    this.#scenario = scenario
    this.#turns = turns
  }

  async run(seeds: Iterable<number>): Promise<SimulationResult> {
    const calm = await play(this.#scenario, calmSchedule, this.#turns, this.#asyncCalls)
    this.#count(calm)
    if (calm.failure !== undefined) throw await this.#failed(calmSchedule, calm.failure)
    // Only this run: a seed must be the same whichever were played before it.
    this.#asyncCalls = calm.asyncCalls
    let schedules = 0
    for (const seed of seeds) {
      const schedule = scheduleOf(seed)
      const played = await this.#play(schedule)
      this.#count(played)
      schedules += 1
      if (played.failure !== undefined) throw await this.#failed(schedule, played.failure)
    }
    const counts = stepKinds.map((kind) => [kind, this.#hits.get(kind) ?? 0] as const)
    return { schedules, attempts: this.#attempts, disturbances: Object.fromEntries(counts) as Record<StepKind, number> }
  }

  #play(schedule: Schedule): Promise<Played> {
    return play(this.#scenario, schedule, this.#turns, this.#asyncCalls)
  }

  #count({ attempts, hits }: Played): void {
    this.#attempts += attempts
    for (const [kind, count] of hits) this.#hits.set(kind, (this.#hits.get(kind) ?? 0) + count)
  }

  async #failed(schedule: Schedule, failure: Failure): Promise<SimulationFailure> {
    const kind = failureKind(failure)
    const fails = async (candidate: Schedule): Promise<boolean> => {
      const { failure: other } = await this.#play(candidate)
      return other !== undefined && failureKind(other) === kind
    }
    const best = await shortest(schedule, fails)
    const { failure: shown = failure, lines } = await this.#play(best)
    const isExactlyOnce = this.#scenario.config.commit.exactlyOnce
    const message = reportOf({ seed: schedule.seed, shortest: best, failure: shown, lines, isExactlyOnce })
    return new SimulationFailure(message, { seed: schedule.seed, steps: best.steps.length, cause: shown.error })
  }
}

/** So that shortening does not wander to another failure. Numbers, and what stands behind a colon, differ from record to record. */
function failureKind({ kind, error }: Failure): string {
  return `${kind} ${error.name} ${error.message.split(/[:\n]/)[0]?.replaceAll(/\d+/g, '')}`
}

type Given = Pick<Scenario, 'config' | 'handlers' | 'topics'>

/** What is known before anything is written. @throws as `simulate` */
function givenTo({ config, routes, records, check }: SimulationOptions<readonly unknown[], Services>): Given {
  if (routes.length === 0)
    throw new TypeError('simulate({ routes }): there is none. Pass `routes` of generated/routes.ts.')
  if (records.length === 0)
    throw new TypeError('simulate({ records }): there is none, so no handler would run. Write at least one.')
  if (typeof check !== 'function')
    throw new TypeError('simulate({ check }): write a function that throws where something is wrong.')
  const resolved = resolveConfig(config, 'simulate({ config })')
  const { kafka, http } = resolved
  const here: ResolvedConfig = {
    ...resolved,
    kafka: { ...kafka, startFrom: 'earliest', instanceId: undefined },
    http: { ...http, enabled: false },
    paused: [],
  }
  const own = resolveHandlers(routes, here).map((handler): ResolvedHandler => ({ ...handler, worker: undefined }))
  const names = [...records.map(({ topic }) => (typeof topic === 'string' ? topic : topic.name)), ...publishedBy(own)]
  const handlers = withFoundTopics(own, [...new Set(names)].sort())
  const read = handlers.map(({ definition }) => definition.topic)
  const declared = Object.entries(own[0]?.topicFormats ?? {}).map(([name, said]) => ({ ...said, name }))
  const topics = [...declared, ...read, ...records.flatMap(({ topic }) => (typeof topic === 'string' ? [] : topic))]
  return { config: here, handlers, topics }
}

function scenarioOf(
  { records, services = () => ({}), check }: SimulationOptions<readonly unknown[], Services>,
  { config, handlers, topics }: Given,
): Scenario {
  const formats = new KnownFormats(topics)
  return {
    config,
    handlers,
    topics,
    records: records.map((record, index) => recordOf(record, index, handlers, formats)),
    services,
    check,
  }
}

function publishedBy(handlers: readonly ResolvedHandler[]): readonly string[] {
  return handlers.flatMap(({ publishes = [] }) => publishes)
}

function recordOf(
  { topic, value, key, headers = {} }: RecordToSimulate<unknown>,
  index: number,
  handlers: readonly ResolvedHandler[],
  formats: KnownFormats,
): OutgoingRecord {
  const name = typeof topic === 'string' ? topic : topic.name
  const handler = handlers.find(({ route }) => route.topic === name)
  if (handler === undefined) {
    const topics = handlers.map(({ route }) => route.topic)
    throw new TypeError(
      `simulate({ records }): no handler of routes reads '${name}', the topic of records[${index}].${suggestion(name, topics)}`,
    )
  }
  const { values, ...codecs } = formats.of(name)
  const { format, keyFormat } = codecs
  const isBytes = values === 'bytes' && (value as unknown) instanceof Uint8Array
  if (format === undefined && value !== null && !isBytes && JSON.stringify(value) === undefined)
    throw new TypeError(`simulate({ records }): the value of records[${index}] is no JSON. Write null for a tombstone.`)
  const keyOf = (typeof topic === 'string' ? undefined : topic.key) ?? handler.definition.topic.key
  const ownKey = key === undefined ? (value === null ? null : (keyOf?.(value) ?? null)) : key
  if (keyFormat === undefined && ownKey !== null && typeof ownKey !== 'string')
    throw new TypeError(
      `simulate({ records }): the key of records[${index}] is ${kindOf(ownKey)}, and keys of ${name} are text.`,
    )
  const sent = Object.entries(headers).map(([header, content]) => [header, Buffer.from(content)] as const)
  return { topic: name, ...written({ name, ...codecs, ...(isBytes && { values }) }, ownKey, value, sent) }
}

function seedsOf(seeds: number | readonly number[] = STANDARD_SEEDS): Iterable<number> {
  if (typeof seeds !== 'number') {
    const wrong = seeds.find((seed) => !Number.isSafeInteger(seed) || seed < 1)
    if (wrong !== undefined || seeds.length === 0) {
      throw new TypeError(
        `simulate({ seeds }): ${wrong ?? 'an empty list'} is no seed. Write whole numbers from 1 on, as a failure tells them.`,
      )
    }
    return seeds
  }
  if (!Number.isInteger(seeds) || seeds < 1 || seeds > MOST_SEEDS) {
    throw new TypeError(
      `simulate({ seeds }): ${seeds} is no count of schedules. Write 1 to ${MOST_SEEDS}, or a list of seeds.`,
    )
  }
  return Array.from({ length: seeds }, (_, index) => index + 1)
}
