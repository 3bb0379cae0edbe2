/** Fetches tokens for SASL OAUTHBEARER by the grant `client_credentials` (RFC 6749, section 4.4), and keeps each for most of its life. */
import { toError } from '../../model/errors.ts'
import type { SecuritySettings } from '../../model/settings.ts'
import type { Clock } from '../../time/clock.ts'

const ANSWER_LIMIT_MS = 10_000
/** A token is used for so much of its life: a connection that is made with it must outlive its making. */
const USABLE_SHARE = 0.8
const DEFAULT_LIFE_S = 60

/** Its name tells that no broker was asked. */
export class KafkaTokenError extends Error {
  constructor(why: string, cause?: unknown) {
    super(`no token could be had from kafka.security.sasl.tokenEndpoint: ${why}`, { cause })
    this.name = 'KafkaTokenError'
  }
}

export class OauthTokens {
  readonly #sasl: SecuritySettings['sasl']
  readonly #clock: Clock
  #kept: { readonly token: string; readonly untilMs: number } | undefined
  #asking: Promise<string> | undefined

  constructor(sasl: SecuritySettings['sasl'], clock: Clock) {
    this.#sasl = sasl
    this.#clock = clock
  }

  /** Rejects with a `KafkaTokenError`, which shows neither the secret nor what was answered. */
  token(): Promise<string> {
    if (this.#kept !== undefined && this.#clock.now() < this.#kept.untilMs) return Promise.resolve(this.#kept.token)
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #ask(): Promise<string> {
    const { tokenEndpoint, clientId = '', clientSecret = '', scope } = this.#sasl
    const askedAtMs = this.#clock.now()
    const credentials = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`)
    const response = await fetch(tokenEndpoint ?? '', {
      method: 'POST',
      headers: {
        authorization: `Basic ${credentials.toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
      },
      body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope !== undefined && { scope }) }),
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    }).catch((thrown: unknown) => {
      const { cause, message } = toError(thrown)
      throw new KafkaTokenError(cause instanceof Error ? cause.message : message)
    })
    if (!response.ok) throw new KafkaTokenError(`it answers with status ${response.status}`)
    const answer: unknown = await response.json().catch(() => undefined)
    const { access_token: token, expires_in: lifeS } = (answer ?? {}) as Readonly<Record<string, unknown>>
    if (typeof token !== 'string' || token === '') throw new KafkaTokenError('its answer has no access_token')
    const lifeMs = (typeof lifeS === 'number' && lifeS > 0 ? lifeS : DEFAULT_LIFE_S) * 1_000
    this.#kept = { token, untilMs: askedAtMs + lifeMs * USABLE_SHARE }
    return token
  }
}
