/** What is asked about the records of one group, and done about them by hand: brings the clock, the engines and the client to the manager's answers. */
import type { ExecutionEngine } from '../../execution-plane/execution-engine.ts'
import type { KafkaClient } from '../../kafka/kafka-client.ts'
import type { ActionResult, BreakerAction, RecordAction } from '../../model/action.ts'
import type {
  KeyExplanation,
  KeyRows,
  OpenBreaker,
  RecordAt,
  RecordExplanation,
  RetryRows,
} from '../../model/explanation.ts'
import type { GroupMember } from '../../model/group-member.ts'
import type { PartitionView, RunsLimits } from '../../model/partition-view.ts'
import type { TopicPartition } from '../../model/record.ts'
import type { Clock } from '../../time/clock.ts'
import type { Surroundings } from '../explainer.ts'
import type { WorkManager } from '../work-manager.ts'

export interface RecordQuestionsOptions {
  readonly manager: WorkManager
  /** By handler id. */
  readonly engines: ReadonlyMap<string, Pick<ExecutionEngine, 'capacity'>>
  readonly client: Pick<KafkaClient, 'logEnd' | 'membership'>
  readonly clock: Clock
  /** Something may start, or be given up. */
  readonly onChanged: () => void
}

/** One partition, whole; and one of several. */
const WHOLE: RunsLimits = { looks: 100_000, runs: 2_000 }
const SKETCH: RunsLimits = { looks: 256, runs: 256 }
const MAX_SKETCHES = 60
const MAX_KEYS = 50
const MAX_ROWS = 200

export class RecordQuestions {
  readonly #options: RecordQuestionsOptions

  constructor(options: RecordQuestionsOptions) {
    this.#options = options
  }

  explain(at: RecordAt): RecordExplanation | null {
    return this.#explainer.explain(at, this.#around()) ?? null
  }

  explainKey(topic: string, key: Buffer): KeyExplanation | null {
    return this.#explainer.explainKey(topic, key, this.#around()) ?? null
  }

  partition(of: TopicPartition, limits: Partial<RunsLimits> = {}): PartitionView | null {
    return this.#explainer.view(of, this.#around(), { ...WHOLE, ...limits }) ?? null
  }

  partitions(of: readonly TopicPartition[], limits: Partial<RunsLimits> = {}): readonly PartitionView[] {
    const around = this.#around()
    const each = { ...SKETCH, ...limits }
    return of.slice(0, MAX_SKETCHES).flatMap((one) => this.#explainer.view(one, around, each) ?? [])
  }

  keys(by: 'depth' | 'age', of: Partial<TopicPartition> = {}, most = MAX_KEYS): KeyRows {
    return this.#explainer.keys(by, of, this.#options.clock.now(), most)
  }

  openBreakers(most = MAX_ROWS): readonly OpenBreaker[] {
    return this.#explainer.openBreakers(this.#options.clock.now(), most)
  }

  retries(most = MAX_ROWS): RetryRows {
    return this.#explainer.retries(most)
  }

  member(): GroupMember {
    return this.#options.client.membership()
  }

  retryNow(of: RecordAction): ActionResult {
    return this.#changed(this.#options.manager.byHand.retryNow(of, this.#around()))
  }

  giveUp(of: RecordAction): ActionResult {
    return this.#changed(this.#options.manager.byHand.giveUp(of, this.#around()))
  }

  discard(of: RecordAction): ActionResult {
    return this.#changed(this.#options.manager.byHand.discard(of, this.#around()))
  }

  closeBreaker(of: BreakerAction): ActionResult {
    return this.#changed(this.#options.manager.byHand.closeBreaker(of, this.#options.clock.now()))
  }

  get #explainer() {
    return this.#options.manager.explainer
  }

  #changed(result: ActionResult): ActionResult {
    if (result.isDone) this.#options.onChanged()
    return result
  }

  #around(): Surroundings {
    const { manager, engines, client, clock } = this.#options
    const now = clock.now()
    // Brokers that do not answer have not told what has come since.
    const isStale = manager.permit.clock.isStale(now)
    return {
      now,
      capacityOf: (handlerId) => engines.get(handlerId)?.capacity ?? 0,
      logEnd: (of) => (isStale ? undefined : client.logEnd(of)),
    }
  }
}
