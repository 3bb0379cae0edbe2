/** What Kafka's error codes mean to a member of a group, by number: a table of our own, as libraries classify some of them wrongly. Pure. */

/**
 * - `unknown-member`: the group has forgotten this member, by its session or rebalance time-out. It joins anew.
 * - `fenced-epoch`: it is still in the group, at another epoch. A static one has to give its name back before it joins anew.
 * - `fenced-name`: its static name is another member's: for good.
 * - `name-in-use`: it has not joined, as its static name has not been given back.
 * - `unknown-group`: at a join the name is that of another kind of group; later the group was removed.
 * - `stale-epoch`: of commits. A heartbeat brings the epoch up to date.
 * - `moved`: another broker is the coordinator, or none is yet.
 * - `loading`: this one will answer soon.
 * - `fatal`: the same request is refused for ever.
 * - `passing`: all else. Tried again, and told each time.
 */
export type GroupCodeMeaning =
  | 'unknown-member'
  | 'fenced-epoch'
  | 'fenced-name'
  | 'name-in-use'
  | 'unknown-group'
  | 'stale-epoch'
  | 'moved'
  | 'loading'
  | 'fatal'
  | 'passing'

/** Names as in Kafka's `Errors.java` (4.4). */
const meanings: ReadonlyMap<number, GroupCodeMeaning> = new Map([
  [14, 'loading'], // COORDINATOR_LOAD_IN_PROGRESS
  [15, 'moved'], // COORDINATOR_NOT_AVAILABLE
  [16, 'moved'], // NOT_COORDINATOR
  [23, 'fatal'], // INCONSISTENT_GROUP_PROTOCOL
  [24, 'fatal'], // INVALID_GROUP_ID
  [25, 'unknown-member'], // UNKNOWN_MEMBER_ID
  [30, 'fatal'], // GROUP_AUTHORIZATION_FAILED
  [35, 'fatal'], // UNSUPPORTED_VERSION
  [42, 'fatal'], // INVALID_REQUEST
  [69, 'unknown-group'], // GROUP_ID_NOT_FOUND
  [81, 'fatal'], // GROUP_MAX_SIZE_REACHED
  [82, 'fenced-name'], // FENCED_INSTANCE_ID
  [110, 'fenced-epoch'], // FENCED_MEMBER_EPOCH
  [111, 'name-in-use'], // UNRELEASED_INSTANCE_ID
  [112, 'fatal'], // UNSUPPORTED_ASSIGNOR
  [113, 'stale-epoch'], // STALE_MEMBER_EPOCH
  [128, 'fatal'], // INVALID_REGULAR_EXPRESSION
])

export function groupCodeMeaning(code: number): GroupCodeMeaning {
  return meanings.get(code) ?? 'passing'
}
