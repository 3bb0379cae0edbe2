/** A replica that is nearer to the client than the leader, which names it to whoever has a rack (KIP-392). Written from what Apache Kafka 4.4 answers. */

/** A broker that leads nothing, so that it can be dead for good. */
export const FAR_REPLICA = 9

/** `behind`: what lies from `end` on has not come to it yet. `refuses`: it is no replica any more, and the leader has not heard of that. */
export type ReplicaState = 'well' | 'behind' | 'refuses'

export interface ModelReplica {
  readonly id: number
  readonly state: ReplicaState
  /** Where its copy ends, if the leader's log does not end before. */
  readonly end: number
  /** Whether the leader names it still: no more, once it is out of the set of those in sync. Who was told of it before stays. */
  readonly isNamed: boolean
}

/** @param behindAt where the copy ends of one that is behind */
export function replicaAt(id: number, state: ReplicaState, behindAt: number): ModelReplica {
  return { id, state, end: state === 'behind' ? behindAt : Number.POSITIVE_INFINITY, isNamed: true }
}
