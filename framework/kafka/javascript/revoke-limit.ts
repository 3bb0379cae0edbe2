/** How long the hook of a revoke may take, so that the group still waits for it. Pure. */

/** Of the rebalance time-out, so that the report still arrives when a heartbeat or two of it are lost. */
const REVOKE_SHARE = 0.8

/** Milliseconds. */
export function revokeLimitMs(rebalanceTimeoutMs: number): number {
  return Math.floor(rebalanceTimeoutMs * REVOKE_SHARE)
}
