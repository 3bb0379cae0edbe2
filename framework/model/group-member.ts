/** What a client knows of its member of a consumer group, for operators. Plain data. */

/** `null` in each: not known to the client, or not yet. */
export interface GroupMember {
  readonly memberId: string | null
  /** The group's generation (protocol `classic`), or this member's epoch (`consumer`). */
  readonly generation: number | null
  /** `memory`: a group of the cluster in memory. */
  readonly protocol: 'consumer' | 'classic' | 'memory' | null
  /** All members of the group; clients of real clusters are not told. */
  readonly members: readonly { readonly memberId: string; readonly partitions: number }[] | null
}

export const unknownMember: GroupMember = { memberId: null, generation: null, protocol: null, members: null }
