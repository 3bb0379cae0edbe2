/** The options of a handler, as users write them. Each is described once, in the schemas of framework/config; this file is made from them. */
import type { Duration } from '../model/duration.ts'

// options: made from framework/config/config.ts; npm run documents writes it
/** When a failed record is tried again, and how often. */
export interface RetryOptions {
  /**
   * All tries of a record, the first included. They are counted in the commits, so the next owner of its partition
   * goes on with them: see docs/guarantees.md. Default 28. A whole number from 1 to 1,000. More: a bad record holds
   * its key longer. Fewer: an outage that lasts longer than all delays together ends in the dead-letter topic.
   */
  readonly attempts?: number
  /**
   * How the delay grows: 'fixed' stays at `min`, 'exponential' doubles up to `max`. Default 'exponential'. 'fixed'
   * keeps hitting a service that is down at the same pace.
   */
  readonly backoff?: 'fixed' | 'exponential'
  /**
   * The delay before the second try. Default '200ms'. A duration from 0ms to 1h. Shorter: tries are used up before an
   * outage is over. Longer: the key waits longer after every failure.
   */
  readonly min?: Duration
  /**
   * The longest delay between two tries. Default '30s'. A duration from 0ms to 24h. Longer: the key waits on after the
   * outage is over.
   */
  readonly max?: Duration
  /**
   * Spreads each delay at random over its upper half. Default true. Without it, records that failed together are tried
   * again together.
   */
  readonly jitter?: boolean
  /**
   * Once a record is so old, by its own timestamp, its next failure is its last; two attempts it has always. 0: its
   * age does not matter. Default 0. A duration from 0ms to 8760h. Shorter: what waited out an outage, or in a backlog,
   * ends in the dead-letter topic after two tries.
   */
  readonly maxAge?: Duration
  /**
   * What becomes of a record that has used up its attempts: 'dead-letter' sends it to the dead-letter topic. 'park'
   * keeps it incomplete, in no slot, and the later records of its key wait behind it; 'park-alone' lets those go on. A
   * parked record is retried, given up or discarded by hand, and goes to the dead-letter topic once it is in the way:
   * see docs/failures.md. Default 'dead-letter'. 'park': a key stands still until somebody looks. 'park-alone': later
   * records of a key are done before the parked one. Both hold back the commit; `maxBlocking` bounds that.
   */
  readonly then?: 'dead-letter' | 'park' | 'park-alone'
  /**
   * Whether what the handler threw is worth another attempt; false sends the record to the dead-letter topic at once.
   * Without it: everything is. Not asked about `RetryAfter`, `DeadLetter`, time-outs and invalid values. Too much said
   * no to: short outages end in the dead-letter topic.
   */
  readonly when?: (error: Error) => boolean
  /**
   * The delay before the next attempt, in place of `backoff`, `min`, `max` and `jitter`. `attempt` is the one that has
   * just failed; the first is 1. Not asked about `RetryAfter` and time-outs. Without jitter of its own, records that
   * failed together are tried again together.
   */
  readonly delay?: (attempt: number, error: Error) => Duration
}

/** Finds the limit on attempts in flight by itself. */
export interface AdaptiveOptions {
  /**
   * Finds the limit on attempts in flight by itself, between `min` and `concurrency`, from how long they take and
   * whether more are waiting. Default false. With handlers whose durations differ by nature, it may settle too low.
   * About every 30 seconds it halves the limit for a moment, to measure how fast the service is when it is idle.
   */
  readonly enabled?: boolean
  /**
   * The limit never goes below. Default 1. A whole number from 1 to 10,000. Higher: a service that is in trouble is
   * still called so often at once.
   */
  readonly min?: number
  /**
   * The shortest time between two changes of the limit. Default '1s'. A duration from 100ms to 1m. Shorter: chance
   * moves it. Longer: it takes longer to find its place.
   */
  readonly interval?: Duration
}

/** Keeps records of a key from running behind those that were given up. */
export interface PoisonOptions {
  /**
   * After so many records of one key were given up in a row, the next ones go to the dead-letter topic without
   * running. 0: never. Default 0. A whole number from 0 to 1,000. Lower: good records of a key that had bad luck end
   * in the dead-letter topic.
   */
  readonly threshold?: number
  /**
   * For so long the records of the key do not run. Then the next one does: if it succeeds, the breaker closes; if it
   * is given up, it opens again. Default '30s'. A duration from 1ms to 24h. Longer: more records of the key end in the
   * dead-letter topic after the fault is over.
   */
  readonly cooldown?: Duration
}

/** For `engine: 'worker'`. */
export interface WorkerOptions {
  /**
   * Threads for this handler, in this process. Without it: one for each core. A whole number from 1 to 256. More than
   * there are cores: threads wait for each other. Less: cores stay idle.
   */
  readonly threads?: number
  readonly resourceLimits?: {
    /**
     * The heap of each thread; one that needs more is ended, and what it ran is tried again. No limit helps where a
     * single array or `Map` grows for ever: V8 ends the whole process then. A whole number of MiB from 8 to 65,536.
     * Less: threads are ended that need more, and their records are tried again. More: one handler can take all
     * memory.
     */
    readonly maxOldGenerationSizeMb?: number
    /**
     * The part of the heap for objects that live shortly. A whole number of MiB from 1 to 65,536. Less: threads are
     * ended that need more, and their records are tried again. More: one handler can take all memory.
     */
    readonly maxYoungGenerationSizeMb?: number
    /**
     * The stack of each thread. A whole number of MiB from 1 to 1,024. Less: threads are ended that need more, and
     * their records are tried again. More: one handler can take all memory.
     */
    readonly stackSizeMb?: number
  }
  /**
   * A thread is renewed once it has been given so many records, for handlers that leak. Without it: never. A whole
   * number from 1 to 1,000,000,000. Less: more time goes into starting threads and their `setup`.
   */
  readonly recycleAfter?: number
}

/** Which records make a batch. */
export interface BatchOptions {
  /**
   * The most records of one call of a batch handler. Default 100. A whole number from 1 to 10,000. More: more is run
   * again when a call fails. Less: more calls.
   */
  readonly size?: number
  /**
   * How long a record may wait for others, while there are too few for a whole batch. Default '50ms'. A duration from
   * 0ms to 1m. Longer: records are done later. Shorter: smaller batches.
   */
  readonly wait?: Duration
}

/** Where records go that cannot be handled, and what of them. */
export interface DeadLetterOptions {
  /**
   * Without it: `<topic>.<group>.dlq`. 1 to 200 letters, digits, dots, dashes or underscores. With one topic for
   * several handlers, their letters can be told apart by a header only.
   */
  readonly topic?: string
  /**
   * What of the record goes along: 'metadata' leaves the value out, for what must not be kept twice. Default 'full'.
   * With 'metadata', a record cannot be replayed from there.
   */
  readonly payload?: 'full' | 'metadata'
}

/** What a handler may set. */
export interface SchemaOptions {
  /**
   * Names the handler. Without it: its path below handlers/, without `.ts`. 1 to 200 characters without spaces and
   * colons. A changed id looks like another handler to dashboards and alerts.
   */
  readonly id?: string
  /**
   * The consumer group, when it is not that of the config. 1 to 200 letters, digits, dots, dashes or underscores.
   * Another name starts its own offsets.
   */
  readonly group?: string
  /**
   * The most attempts of one handler in flight at once, in this process. Default 100. A whole number from 1 to 10,000.
   * More: more load on what the handler calls, and more to finish at a shutdown. Less: lower throughput.
   */
  readonly concurrency?: number
  /**
   * Which records run one after the other: those of one key, those of one partition, or none. Records without a key
   * may run in any order under 'key'. Default 'key'. 'partition' allows one record per partition at a time;
   * 'unordered' lets an older record overtake a newer one of its key.
   */
  readonly ordering?: 'key' | 'partition' | 'unordered'
  /**
   * How long one attempt may take before its signal aborts and it counts as failed. Default '30s'. A duration from 1ms
   * to 24h. Longer: a call that hangs holds its key and its slot longer. Shorter: slow calls are repeated although
   * they would have ended well.
   */
  readonly timeout?: Duration
  /** When a failed record is tried again, and how often. */
  readonly retry?: RetryOptions
  /**
   * Records that may start in a second, retries included, in this process. Without it: no limit. A whole number from 1
   * to 1,000,000. Lower: lag grows once more arrives than that. With more processes, the service gets that many times
   * more.
   */
  readonly rateLimit?: number
  /** Finds the limit on attempts in flight by itself. */
  readonly adaptive?: AdaptiveOptions
  /** Keeps records of a key from running behind those that were given up. */
  readonly poison?: PoisonOptions
  /**
   * A failed record that has held back the commit of its partition for so long gets no further attempt. 0: as many as
   * `retry.attempts` says. Default 0. A duration from 0ms to 168h. Shorter: retries are cut short, so that shorter
   * outages end in the dead-letter topic.
   */
  readonly maxBlocking?: Duration
  /**
   * Where the handler runs: 'async' on the event loop, for handlers that wait; 'worker' on threads of its own, for
   * those that keep a core busy. Default 'async'. A handler that computes for long blocks everything else under
   * 'async'; under 'worker', each record costs its way to a thread and back.
   */
  readonly engine?: 'async' | 'worker'
  /** For `engine: 'worker'`. */
  readonly worker?: WorkerOptions
  /**
   * How often `tick` runs, from one beginning to the next; no tick begins before the last one has ended. A duration
   * from 100ms to 24h. Longer: what waits in memory waits longer. Shorter: more runs that find little to do.
   */
  readonly every?: Duration
  /**
   * What a tick is for: 'process', one at a time, in threads one in each; 'partition', one at a time for each
   * partition that is assigned, on the event loop only. Default 'process'. With 'partition', as many run at once as
   * there are partitions.
   */
  readonly everyPer?: 'process' | 'partition'
  /**
   * A record whose time under `notBefore` is further away when its turn comes goes to the dead-letter topic without
   * running. Default '1h'. A duration from 1ms to 168h. Longer: one record can hold back its partition, and what is
   * done above it, for so long.
   */
  readonly maxDelay?: Duration
  /**
   * Where records go that cannot be handled, and what of them. Without it: all of them, to `<topic>.<group>.dlq`.
   * `payload: 'metadata'` leaves the value out. { topic: 'name', payload: 'full' or 'metadata' }, each of them
   * optional, or false to drop them. false loses every record that cannot be handled. Without the value, a record
   * cannot be replayed from there.
   */
  readonly deadLetter?: false | DeadLetterOptions
}
// /options
