/** What Kafka's error codes mean to whoever fetches a partition, by number. Pure. */

/**
 * - `moved`: another broker leads the partition, or none does, or this one is behind. The leader is looked up.
 * - `gone`: the topic is not there, or is another one by now. The group will take the partition away.
 * - `range`: the position lies outside the log.
 * - `passing`: all else. Tried again, and told each time.
 */
export type FetchCodeMeaning = 'none' | 'moved' | 'gone' | 'range' | 'passing'

/** Names as in Kafka's `Errors.java` (4.4). */
const meanings: ReadonlyMap<number, FetchCodeMeaning> = new Map([
  [0, 'none'],
  [1, 'range'], // OFFSET_OUT_OF_RANGE
  [3, 'gone'], // UNKNOWN_TOPIC_OR_PARTITION
  [5, 'moved'], // LEADER_NOT_AVAILABLE
  [6, 'moved'], // NOT_LEADER_OR_FOLLOWER
  [9, 'moved'], // REPLICA_NOT_AVAILABLE
  [56, 'moved'], // KAFKA_STORAGE_ERROR
  [74, 'moved'], // FENCED_LEADER_EPOCH
  [75, 'moved'], // UNKNOWN_LEADER_EPOCH
  [100, 'gone'], // UNKNOWN_TOPIC_ID
  [103, 'gone'], // INCONSISTENT_TOPIC_ID
])

export function fetchCodeMeaning(code: number): FetchCodeMeaning {
  return meanings.get(code) ?? 'passing'
}
