/** What an operator sees of a running process at one moment. Plain data, safe for JSON: no buffers, no functions, no secrets. */
import type { TopicPartition } from './record.ts'
import type { Limits } from './settings.ts'
import type { FailureReason } from './work.ts'

/** The whole process. Taking one changes nothing, and costs about as much as one commit of all partitions. */
export interface SystemMetrics {
  /** Milliseconds since the Unix epoch. */
  readonly takenAt: number
  /** `failed`: a consumer cannot go on, and nothing more is taken in. */
  readonly state: RuntimeState
  /** One for each consumer group, by name. */
  readonly groups: readonly GroupMetrics[]
  /** What scaling out is decided by, at most a second old; `null` where nobody is answered over HTTP, and before the start. */
  readonly scale: ScaleMetrics | null
}

/**
 * What keeps the work from being done faster. `slots`: all are in use. `loop`: the event loop is busy all the time. `keys`: all that waits, waits for
 * its own key. `partitions`: one alone has more to do than one process can. `rate`: `rateLimit`, or the adaptive limit. `memory`: limits keep records out. `none`: it keeps up.
 */
export type BindingLimit = 'slots' | 'loop' | 'keys' | 'partitions' | 'rate' | 'memory' | 'none'

/** How much there is to do and how fast it is done, of this process alone. Rates are those of the last minute. */
export interface ScaleFigures {
  /**
   * How many processes like this one the work of this one's partitions needs; a part of one, too. Summed over all processes, it is the number that is
   * needed. Above 0 while any work is left.
   */
  readonly processesNeeded: number
  readonly limit: BindingLimit
  /** Records that are not done, whether they have arrived or not; without those above the position that are. `null`: some log's end is not known. */
  readonly backlog: number | null
  /** Since the timestamp of the oldest record that is not done; 0 without any. `null`: it has not arrived. Seconds. */
  readonly oldestAgeSeconds: number | null
  readonly arrivalsPerSecond: number
  readonly completionsPerSecond: number
  /** Assigned to this process. */
  readonly partitions: number
  /** Attempts that can run at once, but for the adaptive limit. */
  readonly slots: number
  /** Of the slots, how many were in use: 0 to 1. */
  readonly utilisation: number
}

/** The process. Sums of its groups; `processesNeeded` is the greatest of any handler, as each process has the slots of all. */
export interface ScaleMetrics extends ScaleFigures {
  readonly groups: readonly GroupScale[]
}

export interface GroupScale extends ScaleFigures {
  readonly group: string
  readonly handlers: readonly HandlerScale[]
}

export interface HandlerScale extends ScaleFigures {
  readonly handlerId: string
  readonly topic: string
  /** For how long one record occupies a slot; `null` as long as none was handled. */
  readonly secondsPerRecord: number | null
}

export type RuntimeState = 'new' | 'starting' | 'running' | 'stopping' | 'stopped' | 'failed'

/** Why nothing more is taken in: the limit that is closer to being passed. */
export type LimitReached = 'records' | 'bytes'

/**
 * Why nothing starts. `unacknowledged`: no commit was for so long that the group may have given the partitions to others. `uncommitted`: too much is done
 * that no acknowledged commit tells of. `outputs`: records and outputs of an exactly-once group that are done and not visible have reached `limits.maxBytes`.
 */
export type StartStop = 'unacknowledged' | 'uncommitted' | 'outputs'

/** What waits for the next transaction of an exactly-once group, and how the present one stands. */
export interface TransactionMetrics {
  /** Attempts, and dead letters, whose outputs are kept until it. */
  readonly waiting: number
  /** Of their records and outputs: at `limits.maxBytes` nothing starts. */
  readonly waitingBytes: number
  /** For how long one is under way: readers of committed records wait behind it. `null`: none is. Milliseconds. */
  readonly openMs: number | null
}

/** One consumer group that this process is a member of. Counts are of this process, not of the whole group. */
export interface GroupMetrics extends Load {
  readonly group: string
  /** `idle`: in the group, and the others have all partitions. */
  readonly membership: 'joining' | 'assigned' | 'idle' | 'leaving' | 'left'
  /** Since the last poll of the client settled. Milliseconds; it stays below a few hundred while all is well. `null`: not yet polled. */
  readonly sincePollMs: number | null
  /**
   * Since the coordinator was asked what it last answered to a member: an acknowledged commit, and for one without partitions any answer. It stays below
   * a third of `kafka.sessionTimeout` while all is well. `null`: nothing was answered yet. Milliseconds.
   */
  readonly sinceAnswerMs: number | null
  /** That is so long ago that nothing starts any more, and that the group may have given the partitions to others. */
  readonly isCutOff: boolean
  /**
   * For how long this member has been joining its group, or giving up or taking what the group wants of it, while the coordinator answers. `null`: it has
   * settled, it leaves, nobody answers, or the client cannot tell. Milliseconds.
   */
  readonly unsettledMs: number | null
  /** From here on `/livez` fails: twice the poll interval. Milliseconds. */
  readonly unsettledLimitMs: number
  /** For how long the brokers have refused the credentials of this member; `null` while they do not. Milliseconds. */
  readonly refusedMs: number | null
  /** Completions that no acknowledged commit tells of, and the next one will; limited by `limits.maxUncommitted`. */
  readonly uncommitted: number
  /** Nothing starts: no handler, no retry, no dead letter. `null` while they do. */
  readonly stoppedBecause: StartStop | null
  /** Records that engines are at work on, those of assignments that have ended included. */
  readonly inFlight: number
  /** Records that could run once there is a slot and their key is free. */
  readonly queued: number
  /** Failed records that wait for their next attempt. */
  readonly retriesWaiting: number
  /** Records that wait for the time that `notBefore` gives, or until they can be read. */
  readonly delayed: number
  /** Those of them that cannot be read yet: their schema is not here. */
  readonly notReady: number
  /** Records out of attempts that are parked. */
  readonly parked: number
  /** For how long the first of them is. `null`: none is. Milliseconds. */
  readonly oldestParkedMs: number | null
  /** Records that are given up and that the dead-letter topic has not acknowledged. */
  readonly deadLettersWaiting: number
  /** Of an exactly-once group; `null` for others. */
  readonly transactions: TransactionMetrics | null
  readonly limits: Limits
  /** `held`: nothing is polled for a moment; `paused`: every partition is paused at the client. */
  readonly intake: 'open' | 'held' | 'paused'
  /** `null` while intake is open. */
  readonly intakeReason: LimitReached | null
  readonly handlers: readonly HandlerMetrics[]
  /** All partitions assigned to this process, also those that the list leaves out. */
  readonly assignedPartitions: number
  /** At most 1,000, in the order of their assignment. */
  readonly partitions: readonly PartitionMetrics[]
}

/** What is incomplete and in memory: queued, in flight, parked, waiting for a retry or a dead letter. */
interface Load {
  readonly records: number
  /** Payload, key and headers, and a flat 96 bytes a record. */
  readonly bytes: number
}

/** One handler and the engine that runs it. */
export interface HandlerMetrics {
  readonly handlerId: string
  /** Of several, all, with commas between: `orders,payments`. */
  readonly topic: string
  /** The most attempts in flight at once. */
  readonly concurrency: number
  /** The same at this moment: less than `concurrency` while abandoned handlers keep their slots, or where the limit is adaptive. */
  readonly capacity: number
  /** Attempts in flight, abandoned ones included. */
  readonly inFlight: number
  /** Handlers that outlived their deadline, were given up, and have not settled yet. */
  readonly abandoned: number
  /** Somebody has paused it: nothing of it starts until it is resumed. What is in flight goes on. */
  readonly isPaused: boolean
  /** Where the adaptive limit on attempts in flight stands; `null` for a handler without one. */
  readonly adaptiveLimit: number | null
  /** Records that may start in a second; `null` for a handler without such a limit. */
  readonly rateLimit: number | null
  /** Something could start, had the rate not held it back. */
  readonly isHeldByRate: boolean
  /** Keys whose records go to the dead-letter topic without running, over the partitions that are listed. */
  readonly openBreakers: number
  /** `null` for an engine without threads. */
  readonly threads: ThreadCounters | null
  /** What it does again and again without a record; `null` for a handler without `every`. */
  readonly ticks: TickMetrics | null
}

/** How a handler's `tick` goes. */
export interface TickMetrics {
  readonly everyMs: number
  readonly per: 'process' | 'partition'
  /** Running now: at most one, or one for each partition. */
  readonly running: number
  /** Since the process began. */
  readonly done: number
  /** Threw, took longer than the handler's timeout, or were cut off at the end. */
  readonly failed: number
  /** Since the last one has ended; `null` before. Milliseconds. */
  readonly sinceLastMs: number | null
}

/** What an engine with threads counts. All but `running` only ever grow. */
export interface ThreadCounters {
  /** Threads that run now. */
  readonly running: number
  /** Threads that died, or were ended because a handler would not, and were replaced. */
  readonly restarts: number
  /** Messages that carried work to a thread; each carries one record or many. */
  readonly batches: number
  /** Time spent on packing, moving and unpacking work and answers. Milliseconds. */
  readonly boundaryMs: number
}

/** One partition in its present assignment. Offsets are Kafka's; `null` where there is none yet. */
export interface PartitionMetrics extends TopicPartition, Load {
  /** The number of this assignment, unique in the process. */
  readonly epoch: number
  /** The next offset to commit, exclusive: everything below it is done. */
  readonly position: number | null
  /** The position that the group has stored. */
  readonly committedPosition: number | null
  /** The lowest offset that has not arrived yet. */
  readonly nextOffset: number | null
  /** The log end offset as last heard from the broker; `null` while that may be old, because the brokers do not answer. */
  readonly logEnd: number | null
  /** Since that was heard. Milliseconds; a partition that is not fetched is asked about every 10 s. `null` with `logEnd`. */
  readonly logEndAgeMs: number | null
  /** `logEnd` minus `position`: every record that is not done, whether it has arrived or not. `null` while it is not known. */
  readonly trueLag: number | null
  readonly inFlight: number
  readonly queued: number
  readonly retriesWaiting: number
  /** Records that wait for the time that `notBefore` gives, or until they can be read. */
  readonly delayed: number
  readonly parked: number
  readonly deadLettersWaiting: number
  readonly gaps: GapMetrics
  /** What holds the commit back; `null` when nothing that has arrived is incomplete. */
  readonly blocking: BlockingRecord | null
  /** UTF-16 units of the commit metadata when it was last measured. */
  readonly metadataUsed: number
  /** UTF-16 units that it may have; 0 when completions above the position are not stored. */
  readonly metadataLimit: number
  /** The partition's own limit was reached. Intake as a whole may be held besides, see the group. */
  readonly pausedBecause: LimitReached | null
  /** Nothing new starts: revoke or shutdown. */
  readonly isDraining: boolean
  /** Metadata or span leave no room: only records below the highest completed offset start. */
  readonly isTight: boolean
  /** Nothing new starts: its offsets, or what its handlers publish in an exactly-once group, are refused though others' are not. Tried again by itself. */
  readonly isRefused: boolean
  /** Keys whose records go to the dead-letter topic without running: how many. */
  readonly openBreakers: number
  /** And which: the last 10, as UTF-8 text, the first 64 bytes of each. */
  readonly openBreakerKeys: readonly string[]
  readonly ribbon: Ribbon
}

/** Completed offsets above an incomplete one: done, and not yet part of the position. */
export interface GapMetrics {
  /** How many offsets they are. */
  readonly offsets: number
  /** How many stretches without an interruption. */
  readonly stretches: number
  /** From the position to above the highest completed offset; limited by `limits.maxOffsetSpan`. */
  readonly span: number
}

/** The lowest incomplete offset of a partition. */
export interface BlockingRecord {
  readonly offset: number
  /** The key's first 64 bytes: as text, or in base64 where they are none. `null` when the record has none. */
  readonly key: string | null
  /** `delayed`: for its time, or until it can be read. `waiting`: for its retry. `parked`: out of attempts, and kept. `dead`: for the dead-letter topic's acknowledgement. */
  readonly state: 'queued' | 'delayed' | 'in-flight' | 'waiting' | 'parked' | 'dead'
  /** The number of the attempt that runs, or of the next one. The first is 1. */
  readonly attempt: number
  /** How long it has held the position: since it arrived, or since the position came to it. Milliseconds. */
  readonly ageMs: number
  /**
   * The same since its handler was last resumed and its own time has come; 0 while it is paused by hand, or delayed: what counts for
   * `maxBlocking` and the warning. Milliseconds.
   */
  readonly unpausedMs: number
  /** Of the attempt before; `null` when none has failed. The message's first 200 characters. */
  readonly lastError: { readonly reason: FailureReason; readonly name: string; readonly message: string } | null
}

/** The offsets from the committed position to the last one that has arrived, drawn in at most 48 cells. */
export interface Ribbon {
  /** The first offset of the first cell. */
  readonly from: number
  /** Above the last offset of the last cell. */
  readonly to: number
  /**
   * One letter a cell. Where a cell stands for several offsets, the one that needs a look most: `p` is parked, `x` waits for a retry or a dead
   * letter, `r` runs, `w` waits for its turn or its time, `g` is done above an incomplete one (a gap), `d` is done or does not exist. With more
   * than 4,096 offsets, every so manieth is looked at.
   */
  readonly cells: string
}
