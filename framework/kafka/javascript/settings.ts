/** What a connection of this client is made with. */
import type { Logger } from '../../model/logger.ts'
import type { SecuritySettings, WireSettings } from '../../model/settings.ts'
import type { Clock } from '../../time/clock.ts'
import type { Purpose } from './brokers.ts'

export interface JavascriptConnectionOptions extends WireSettings {
  /** `host:port`, several with commas between. */
  readonly brokers: string
  readonly clientId: string
  /** TLS and SASL. Default: neither. */
  readonly security?: SecuritySettings
  /** What the broker has for its consumer groups. Default 45 s, as there. Milliseconds. */
  readonly sessionTimeoutMs?: number
  /** `metadata`: by asking for them, which is all that librdkafka's mock cluster can do. Default `admin`. */
  readonly createTopicsBy?: 'admin' | 'metadata'
  /** The next step when no broker answers, said behind the facts. Default: to start one, or correct `brokers`. */
  readonly ifUnreachable?: string
  readonly log: Logger
  readonly clock?: Clock
}

/** An answer about the cluster is soon there; a commit, or a record that waits for a follower, may take its time. */
const CONTROL_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 30_000

export function requestTimeoutMs(purpose: Purpose, { requestTimeoutMs: own }: WireSettings): number {
  const longest = own ?? REQUEST_TIMEOUT_MS
  return purpose === 'control' ? Math.min(CONTROL_TIMEOUT_MS, longest) : longest
}

/** Kafka's own default. */
export const DEFAULT_SESSION_TIMEOUT_MS = 45_000
