/** How long the end of a process may take: the bounds of its steps, in their order, and their sum. Waits for nothing itself. */
import { LAST_COMMIT_MS, UNWIND_MS } from '../control-plane/shell/shutdown.ts'
import { EXIT_MS, TERMINATE_MS } from '../execution-plane/worker/lane/lane-life.ts'

/** Handlers unwind, then threads end by themselves, or are ended. */
const ENGINES_MS = UNWIND_MS + EXIT_MS + TERMINATE_MS
/**
 * Leaving the groups and closing all connections, together. A coordinator that answers takes milliseconds. One that does not answer gives the
 * partitions to others when the session is over, however long somebody waits here.
 */
const LEAVING_MS = 2_000
/** What a stop may take beyond its drain. */
export const STOP_SLACK_MS = ENGINES_MS + LAST_COMMIT_MS + LEAVING_MS
/** Of `LEAVING_MS`: what else is to be closed must have its turn. */
export const CONNECTION_CLOSE_MS = 1_000
/** Where pipes are written to later, what the process still has to say is waited for. */
export const LAST_LINES_MS = 1_000
/** A signal is heard, and the process gone, as soon as an event loop that is busy allows. */
const PROCESS_MS = 4_000

/** From the signal to the end of the process at the latest: what Kubernetes calls the grace period. 45 s with the default drain. */
export function shutdownLimitMs({ shutdown }: { readonly shutdown: { readonly drainMs: number } }): number {
  return shutdown.drainMs + STOP_SLACK_MS + LAST_LINES_MS + PROCESS_MS
}

/** The same in full seconds, as orchestrators count. */
export function graceSeconds(config: Parameters<typeof shutdownLimitMs>[0]): number {
  return Math.ceil(shutdownLimitMs(config) / 1_000)
}
