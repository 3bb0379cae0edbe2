/** `pyrallel dlq replay`: looks at what would be published and where, then publishes it. Never deletes. */

import { browsing } from '../../framework/dead-letters/browse-topic.ts'
import type { DeadLetter } from '../../framework/dead-letters/dead-letter.ts'
import { LetterGroups } from '../../framework/dead-letters/letter-groups.ts'
import { whilePolling } from '../../framework/dead-letters/read-topic.ts'
import { replayGroup } from '../../framework/dead-letters/replay/partition-marks.ts'
import { type PlanOptions, planReplay, type ReplayPlan } from '../../framework/dead-letters/replay/plan-replay.ts'
import { replay } from '../../framework/dead-letters/replay/replay.ts'
import { refuseTargets } from '../../framework/dead-letters/replay/replay-errors.ts'
import { DEFAULT_MAX_REPLAYS } from '../../framework/dead-letters/replay/replay-intake.ts'
import { openOutlet } from '../../framework/dead-letters/replay/replay-outlet.ts'
import type { ReplayReport } from '../../framework/dead-letters/replay/replay-report.ts'
import { type SelectionOptions, selectionOf } from '../../framework/dead-letters/selection.ts'
import type { ViewedConnection } from '../../framework/kafka/kafka-client.ts'
import { Closers } from '../../framework/model/closers.ts'
import { systemClock } from '../../framework/time/clock.ts'
import { type Connect, connectCluster } from '../cluster/connect.ts'
import { letterLine } from '../dlq/letter-text.ts'
import { type ClusterOptions, withTopic } from '../dlq/open-topic.ts'
import { allowedTargets, knownTopics, withMatched } from '../dlq/replay/replay-targets.ts'
import { planText, reasonLines, reportText } from '../dlq/replay/replay-text.ts'
import type { Project } from '../project/project.ts'
import { exitCodes } from '../terminal/failure.ts'
import { hasColor, type Io } from '../terminal/io.ts'
import { jsonText } from '../terminal/json-text.ts'
import { type Paint, painter } from '../terminal/paint.ts'
import { listenToStopSignals } from '../terminal/stop-signals.ts'

export interface ReplayCommandOptions extends ClusterOptions, SelectionOptions {
  readonly to?: string
  /** Topics that headers may name although nothing here knows them. */
  readonly allowTarget?: readonly string[]
  readonly limit?: number
  /** Letters that were replayed so often are left out. Default 3. */
  readonly maxReplays?: number
  readonly rate?: number
  readonly dryRun?: boolean
}

const CLOSE_TIMEOUT_MS = 10_000
const PREVIEW_LINES = 10

export async function replayLetters(
  topic: string,
  options: ReplayCommandOptions,
  io: Io,
  connect: Connect = connectCluster,
): Promise<number> {
  const selection = selectionOf(options, Date.now())
  return withTopic(topic, options, io, connect, async (connection, project) => {
    const signals = listenToStopSignals()
    let isStopped = false
    void signals.first.then(() => {
      isStopped = true
    })
    try {
      const what = await whatToReplay(
        connection,
        topic,
        { ...options, selection, isStopped: () => isStopped },
        io,
        project,
      )
      const verb = new ReplayVerb(topic, options, io)
      const plan = await browsing(connection, topic, (client) =>
        planReplay(client, { ...what, onPlanned: (letter, target) => verb.seen(letter, target) }),
      )
      refuseTargets(topic, plan.refused, plan.unknown, options.to)
      if (options.dryRun === true) return verb.tellPlan(plan)
      return verb.tellReport(plan, await publish(connection, what, options, io, verb))
    } finally {
      signals.close()
    }
  })
}

/** All that must be known before the first publish. */
async function whatToReplay(
  { view }: ViewedConnection,
  topic: string,
  options: ReplayCommandOptions & Pick<PlanOptions, 'selection' | 'isStopped'>,
  io: Io,
  project: Project | undefined,
): Promise<Omit<PlanOptions, 'onPlanned'>> {
  const { to, limit = Number.POSITIVE_INFINITY, maxReplays = DEFAULT_MAX_REPLAYS } = options
  const { allowTarget = [], selection, isStopped } = options
  const logs = () => view.logs(topic)
  const existing = await view.topics()
  const names = existing.map(({ name }) => name)
  const known = withMatched(knownTopics(io.cwd(), project?.config.group), names)
  return {
    topic,
    selection,
    to,
    limit,
    maxReplays,
    isStopped,
    logs,
    bounds: await logs(),
    committed: await view.groupOffsets(replayGroup(topic)),
    partitions: new Map(existing.map(({ name, partitions }) => [name, partitions])),
    allowed: allowedTargets(topic, known, allowTarget),
  }
}

async function publish(
  connection: ViewedConnection,
  what: Omit<PlanOptions, 'onPlanned'>,
  { rate }: ReplayCommandOptions,
  io: Io,
  verb: ReplayVerb,
): Promise<ReplayReport> {
  verb.begin()
  let closeMs = CLOSE_TIMEOUT_MS
  return new Closers().around(async (closers) => {
    const client = await connection.consumer({ group: replayGroup(what.topic), startFrom: 'earliest' })
    closers.add('the consumer', () => whilePolling(client, client.close()))
    const outlet = await openOutlet(connection, client, replayGroup(what.topic), ({ message }) =>
      io.stderr.write(
        `Without transactions, so that a kill can lead to records that are published twice. ${message}\n`,
      ),
    )
    closers.add('the producer', () => outlet.close(closeMs))
    const report = await replay(client, outlet, {
      ...what,
      rate,
      clock: systemClock(),
      sessionTimeoutMs: connection.sessionTimeoutMs,
      onReplay: (letter, target) => verb.seen(letter, target),
      onWaiting: () =>
        io.stderr.write(
          `Waiting for partitions of ${what.topic}: another replay has them, or one that was killed, which its group gives up after ${connection.sessionTimeoutMs / 1_000} s.\n`,
        ),
    })
    // What it has waited for in vain is not waited for again.
    if (report.failure !== undefined) closeMs = 0
    return report
  })
}

/** What people get to see of it. */
class ReplayVerb {
  readonly #topic: string
  readonly #options: ReplayCommandOptions
  readonly #io: Io
  readonly #paint: Paint
  readonly #preview: string[] = []
  readonly #targets = new Map<string, number>()
  #reasons = new LetterGroups()

  constructor(topic: string, options: ReplayCommandOptions, io: Io) {
    this.#topic = topic
    this.#options = options
    this.#io = io
    this.#paint = painter(hasColor(io.stdout, io.env))
  }

  /** What was planned is not what was published. */
  begin(): void {
    this.#targets.clear()
    this.#reasons = new LetterGroups()
  }

  seen(letter: DeadLetter, target: string): void {
    this.#targets.set(target, (this.#targets.get(target) ?? 0) + 1)
    this.#reasons.add(letter)
    if (this.#preview.length < PREVIEW_LINES) this.#preview.push(letterLine(letter, this.#paint))
  }

  tellPlan(plan: ReplayPlan): number {
    const { refused: _, unknown: __, full, planned, movedKeys, ...facts } = plan
    if (full !== undefined) throw full
    this.#tell({ dryRun: true, replayed: planned, ...facts, movedKeys: Object.fromEntries(movedKeys) }, [
      ...this.#preview,
      ...reasonLines(this.#reasons.all(), this.#paint),
      ...planText(this.#topic, plan, this.#targets, this.#options, this.#paint),
    ])
    return exitCodes.fine
  }

  /** Every end says what was done and what was not; then, why it ended early. */
  tellReport({ publishable }: ReplayPlan, report: ReplayReport): number {
    const { failure, movedKeys, ...facts } = report
    const why = failure === undefined ? {} : { failure: { code: failure.code, message: failure.message } }
    this.#tell({ dryRun: false, ...facts, publishable, movedKeys: Object.fromEntries(movedKeys), ...why }, [
      ...reportText(this.#topic, { ...report, publishable }, this.#targets, this.#options, this.#paint),
      ...reasonLines(this.#reasons.all(), this.#paint),
    ])
    if (failure !== undefined) throw failure
    return report.unread.length > 0 ? exitCodes.failed : exitCodes.fine
  }

  #tell(facts: object, lines: readonly string[]): void {
    const json = {
      topic: this.#topic,
      ...facts,
      targets: Object.fromEntries(this.#targets),
      reasons: this.#reasons.all(),
    }
    this.#io.stdout.write(this.#options.json === true ? `${jsonText(json)}\n` : `${lines.join('\n')}\n`)
  }
}
