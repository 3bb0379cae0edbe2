/** What a connection of this client is made with. */
import type { Logger } from '../../model/logger.ts'
import type { SecuritySettings } from '../../model/settings.ts'
import type { Clock } from '../../time/clock.ts'

export interface JavascriptConnectionOptions {
  /** `host:port`, several with commas between. */
  readonly brokers: string
  readonly clientId: string
  /** TLS and SASL. Default: neither. */
  readonly security?: SecuritySettings
  /** What the broker has for its consumer groups. Default 45 s, as there. Milliseconds. */
  readonly sessionTimeoutMs?: number
  /** The next step when no broker answers, said behind the facts. Default: to start one, or correct `brokers`. */
  readonly ifUnreachable?: string
  readonly log: Logger
  readonly clock?: Clock
}

/** Kafka's own default. */
export const DEFAULT_SESSION_TIMEOUT_MS = 45_000
