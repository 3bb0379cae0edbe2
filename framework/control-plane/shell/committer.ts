/** What the poller, a revoke and the end ask of whoever commits a group. */
import type { TopicPartition } from '../../model/record.ts'

export interface Committer {
  /** Something may have become committable. Commits now, or as soon as the interval and the commit in flight allow. Cheap. */
  request(): void
  /**
   * Commits what these partitions have now, after the commit in flight, and again as long as it fails. For a revoke and for the end.
   * @returns false when that did not succeed within `timeoutMs`; a commit may still arrive
   */
  flush(partitions: readonly TopicPartition[], timeoutMs: number): Promise<boolean>
  /** Partitions come: what takes time before the first commit may begin. Left out where nothing does. */
  onAssigning?(): void
  /** Since when a transaction is under way; undefined while none is, or there are none. Milliseconds since the Unix epoch. */
  readonly transactionSince?: number | undefined
  /** Commits nothing more. Bounded; before the client is closed. */
  close(): void | Promise<void>
}
