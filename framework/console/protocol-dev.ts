/** Faults on demand, in a dev session only, and the account that shows whether anything was lost. Types only; times as in `protocol.ts`. */

export const chaosKinds = ['rebalance', 'kill-thread', 'slow-commits', 'log-hole', 'fail-attempts'] as const
export type ChaosKind = (typeof chaosKinds)[number]

/** POST `/api/dev/chaos/{what}`. What does not concern the kind is refused. */
export interface ChaosBody {
  /** `slow-commits`, `fail-attempts`: it ends by itself then. 1,000 to 60,000. Default 10,000. */
  readonly forMs?: number
  /** `slow-commits`: each commit takes so much longer. 10 to 5,000. Default 1,000. */
  readonly delayMs?: number
  /** `fail-attempts`: so many. `log-hole`: so many offsets. 1 to 1,000. Default 10. */
  readonly count?: number
  /** `kill-thread`, `fail-attempts`. Default: any. */
  readonly handlerId?: string
  /** `log-hole`. Default: the topic of the first handler. */
  readonly topic?: string
}

/** Answer to that, and to POST `/api/dev/chaos/{what}/stop` with `{}`; also GET `/api/dev/chaos`. */
export interface ChaosAnswer {
  /** What each can do here: a fault that this broker or these handlers cannot have says why. */
  readonly kinds: readonly { readonly what: ChaosKind; readonly canNot: string | null }[]
  /** Faults that go on at the moment. */
  readonly active: readonly { readonly what: ChaosKind; readonly until: number; readonly left: number | null }[]
  /** What was done, the newest first; 50 at most. */
  readonly done: readonly { readonly at: number; readonly what: ChaosKind; readonly text: string }[]
  /** Since the first fault; `null` before it. */
  readonly account: ChaosAccount | null
}

/** Records of all partitions, since `sinceAt`. `written` = `done` + `dead` + `left` + `lost` once nothing moves. */
export interface ChaosAccount {
  readonly sinceAt: number
  /** Records in the logs, from the positions at that time on. */
  readonly written: number
  readonly done: number
  readonly dead: number
  /** Done more than once, after a rebalance for example: at least once is what is promised. */
  readonly doneAgain: number
  /** Not done yet: waiting, running, or not fetched. */
  readonly left: number
  /** A commit has passed them, and they are neither done nor dead letters. */
  readonly lost: number
  /** Places of the first 20. */
  readonly lostPlaces: readonly string[]
}
