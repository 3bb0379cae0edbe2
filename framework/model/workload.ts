/** What one group has to do, and what it does it with, at one moment: what scaling out is decided by. Plain data. Every number of work is in offsets. */

/** Cheap enough for every second. */
export interface HandlerReading {
  readonly handlerId: string
  /** Of several, all, with commas between: `orders,payments`. */
  readonly topic: string
  /** Attempts that may be in flight, but for the adaptive limit. */
  readonly capacity: number
  /** Where that stands; `null` for a handler without one. */
  readonly adaptiveLimit: number | null
  /** Threads that run; `null` for a handler on the event loop. */
  readonly threads: number | null
  /** Attempts in flight. */
  readonly inFlight: number
  /** What all attempts together have taken that have ended. Only grows, but begins anew with another consumer. Milliseconds. */
  readonly busyMs: number
  /** Records that may start in a second; `null` where nothing limits them. */
  readonly rateLimit: number | null
  /** By hand. */
  readonly isPaused: boolean
  readonly partitions: readonly PartitionReading[]
}

export interface PartitionReading {
  readonly partition: number
  /** The number of this assignment: with another, nothing is compared. */
  readonly epoch: number
  /** `null`: not known, which is not 0. */
  readonly logEnd: number | null
  /** Records in memory that are not done. */
  readonly records: number
  /** Offsets below the log's end that have not arrived and that no earlier owner has completed; `null` while that is not known. */
  readonly notArrived: number | null
}

/** Costs a look at every record in memory. */
export interface HandlerWork extends HandlerReading {
  /** Nothing more is taken in, because memory is full. */
  readonly isIntakeHeld: boolean
  readonly partitions: readonly PartitionWork[]
}

export interface PartitionWork extends PartitionReading {
  /** Records that engines are at work on. */
  readonly inFlight: number
  /** Records that are neither in flight nor wait for a retry or a dead letter. */
  readonly queued: number
  /** Of these, how many could start at once, had they a slot. */
  readonly startable: number
  /** Of these, how many could run before long: what waits behind a retry of its key cannot, and of one key only so many as one slot can do. */
  readonly runnable: number
  /** It takes nothing more in: its own limit is reached, its metadata has no room, or its commits are refused. */
  readonly isFull: boolean
  /** The timestamp of the lowest record that is not done; `null` when it has not arrived. Milliseconds since the Unix epoch. */
  readonly oldestAt: number | null
}

export interface GroupReading<Handler extends HandlerReading = HandlerReading> {
  readonly group: string
  readonly handlers: readonly Handler[]
}

export type GroupWork = GroupReading<HandlerWork>
