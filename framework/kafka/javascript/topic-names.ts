/** Which name a topic's id has. Groups and fetches go by ids, as a topic that is made anew under its name is another one. */
import type { Brokers } from './brokers.ts'
import type { GroupPartition } from './membership-steps.ts'

export class TopicNames {
  readonly #brokers: Brokers
  readonly #names = new Map<string, string>()
  readonly #ids = new Map<string, string>()

  constructor(brokers: Brokers) {
    this.#brokers = brokers
  }

  /** `''` for one that was not looked up, or that nobody has. */
  nameOf(topicId: string): string {
    return this.#names.get(topicId) ?? ''
  }

  /** The one that was looked up last under this name. */
  idOf(name: string): string | undefined {
    return this.#ids.get(name)
  }

  /** Rejects when no broker answers. An id that nobody has stays unknown. */
  async lookUp(partitions: readonly GroupPartition[]): Promise<void> {
    const unknown = [...new Set(partitions.map(({ topicId }) => topicId))].filter((id) => !this.#names.has(id))
    if (unknown.length === 0) return
    for (const { id, name } of await this.#brokers.topicsById(unknown)) {
      if (name === '') continue
      this.#names.set(id, name)
      this.#ids.set(name, id)
    }
  }
}
