/** Finds the group that a question or an action is about. Answers nothing itself. */
import { PyrallelError } from '../model/errors.ts'
import type {
  KeyExplanation,
  KeyRows,
  OpenBreaker,
  RecordAt,
  RecordExplanation,
  RetryRows,
} from '../model/explanation.ts'
import type { GroupMember } from '../model/group-member.ts'
import type { PartitionView, RunsLimits } from '../model/partition-view.ts'
import type { TopicPartition } from '../model/record.ts'
import type { ThreadView } from '../model/thread-view.ts'
import type { Inspection } from './inspection.ts'
import type { RunningGroup } from './running-group.ts'

export class GroupInspection implements Inspection {
  readonly #groups: () => Iterable<RunningGroup>

  constructor(groups: () => Iterable<RunningGroup>) {
    this.#groups = groups
  }

  explain(group: string, at: RecordAt): RecordExplanation | null {
    return this.of(group).explain(at)
  }

  explainKey(group: string, topic: string, key: Buffer): KeyExplanation | null {
    return this.of(group).explainKey(topic, key)
  }

  partition(group: string, of: TopicPartition, limits?: Partial<RunsLimits>): PartitionView | null {
    return this.of(group).partition(of, limits)
  }

  partitions(group: string, of: readonly TopicPartition[], limits?: Partial<RunsLimits>): readonly PartitionView[] {
    return this.of(group).partitions(of, limits)
  }

  keys(group: string, by: 'depth' | 'age', of?: Partial<TopicPartition>, most?: number): KeyRows {
    return this.of(group).keys(by, of, most)
  }

  openBreakers(group: string, most?: number): readonly OpenBreaker[] {
    return this.of(group).openBreakers(most)
  }

  retries(group: string, most?: number): RetryRows {
    return this.of(group).retries(most)
  }

  member(group: string): GroupMember {
    return this.of(group).member()
  }

  threads(group: string): readonly ThreadView[] {
    return this.#running(group).threads()
  }

  /** @throws PyrallelError PYR_USAGE */
  of(group: string): RunningGroup['questions'] {
    return this.#running(group).questions
  }

  #running(group: string): RunningGroup {
    const names: string[] = []
    for (const each of this.#groups()) {
      if (each.name === group) return each
      names.push(each.name)
    }
    const known = names.length === 0 ? 'None runs.' : `There are: ${names.join(', ')}.`
    throw new PyrallelError('PYR_USAGE', `There is no group '${group}' in this process. ${known}`)
  }
}
