/** What one attempt publishes: sent at once, or, in an exactly-once group, kept until its outcome is known. Knows no outcome itself. */
import type { OutputOptions } from '../../api/handler.ts'
import type { TopicDefinition } from '../../api/topic.ts'
import type { Outcome, WorkItem } from '../../model/work.ts'
import { KeptOutputs } from './kept-outputs.ts'
import type { HandlerSetup } from './prepared-handler.ts'
import { PublishTracker } from './publish-tracker.ts'

export class AttemptPublishes {
  /** Of those that were not awaited, too. */
  readonly tracker = new PublishTracker()
  readonly #setup: HandlerSetup
  readonly #item: WorkItem
  readonly #kept: KeptOutputs | undefined

  constructor(setup: HandlerSetup, item: WorkItem) {
    this.#setup = setup
    this.#item = item
    this.#kept = setup.keeping === undefined ? undefined : new KeptOutputs(setup.keeping.rules)
  }

  /**
   * Settles when it is acknowledged, or kept.
   * @param owner the index of the record that it belongs to; may throw
   */
  publish<T, K>(
    to: TopicDefinition<T, string, K> | string,
    value: T,
    options: OutputOptions<K> | undefined,
    owner: () => number | undefined,
  ): Promise<void> {
    return this.tracker.track(() => {
      const published = this.#publish(to, value, options, owner())
      const watch = this.#setup.watchedBy?.watch
      if (watch === undefined) return published
      return published.then(() => watch.onPublished(this.#item, typeof to === 'string' ? to : to.name))
    })
  }

  /** What the attempt ends as. */
  into(outcome: Outcome): Outcome {
    return this.#kept?.into(outcome, this.#item.records.length) ?? outcome
  }

  #publish<T, K>(
    to: TopicDefinition<T, string, K> | string,
    value: T,
    options: OutputOptions<K> | undefined,
    of: number | undefined,
  ): Promise<void> {
    const { publish, keeping } = this.#setup
    if (keeping === undefined || this.#kept === undefined) return publish(to, value, options)
    return keeping.publishInto(this.#kept.sink(of))(to, value, options)
  }
}
