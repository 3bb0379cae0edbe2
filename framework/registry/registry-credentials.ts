/** What proves to a registry who this process is: certificates, and the header of each request. Shows no value to anybody. */
import { readFileSync } from 'node:fs'
import { isLoopback } from '../kafka/plaintext-risks.ts'
import { PyrallelError, toError } from '../model/errors.ts'
import type { RegistrySettings } from '../model/settings.ts'
import type { Clock } from '../time/clock.ts'
import type { HttpExchange, TlsParts } from './http-exchange.ts'
import { networkFault, registryRefusal } from './registry-faults.ts'

/** A token is used for so much of its life: requests that are made with it must arrive in time. */
const USABLE_SHARE = 0.8
const DEFAULT_LIFE_S = 60

/** @throws PyrallelError PYR_CONFIG_INVALID when a file that it names cannot be read */
export function tlsParts({ tls }: RegistrySettings): TlsParts {
  const { ca, cert, key, keyPassphrase, verifyHostname } = tls
  return {
    ...(ca !== undefined && { ca: pem('ca', ca) }),
    ...(cert !== undefined && { cert: pem('cert', cert) }),
    ...(key !== undefined && { key: pem('key', key) }),
    ...(keyPassphrase !== undefined && { passphrase: keyPassphrase }),
    ...(!verifyHostname && { checkServerIdentity: () => undefined }),
  }
}

/** A PEM text as it is; anything else is the path of a file. */
function pem(option: 'ca' | 'cert' | 'key', value: string): string {
  if (value.trimStart().startsWith('-----BEGIN')) return value
  try {
    return readFileSync(value, 'utf8')
  } catch (thrown) {
    // Not the path: a text that was meant to be a key would be shown.
    const { code } = toError(thrown) as NodeJS.ErrnoException
    throw new PyrallelError(
      'PYR_CONFIG_INVALID',
      `option registry.tls.${option} names a file that cannot be read (${code ?? 'unknown error'}). Write the path of a PEM file, relative to the folder in which the process runs, or the PEM text itself.`,
    )
  }
}

/** What would go over the network in clear, as sentences that begin with the option; none where that is allowed. */
export function clearSecrets({ url = '', auth, allowPlaintext }: RegistrySettings): readonly string[] {
  if (allowPlaintext) return []
  const { password, token, clientId, tokenEndpoint } = auth
  const secret = password !== undefined ? 'the password' : 'the token'
  const isProven = password !== undefined || token !== undefined || clientId !== undefined
  return [
    ...(isProven && isClear(url)
      ? [`registry.url begins with http: ${secret} would go there in clear. Write an https address.`]
      : []),
    ...(tokenEndpoint !== undefined && isClear(tokenEndpoint)
      ? ["registry.auth.tokenEndpoint begins with http: the client's secret would go there in clear. Write https."]
      : []),
  ]
}

function isClear(url: string): boolean {
  if (!url.startsWith('http:')) return false
  const { hostname, port } = new URL(url)
  return !isLoopback(`${hostname}:${port || 80}`)
}

export class RegistryCredentials {
  readonly #auth: RegistrySettings['auth']
  readonly #exchange: HttpExchange
  readonly #clock: Clock
  #kept: { readonly token: string; readonly untilMs: number } | undefined
  #asking: Promise<string> | undefined

  constructor(auth: RegistrySettings['auth'], exchange: HttpExchange, clock: Clock) {
    this.#auth = auth
    this.#exchange = exchange
    this.#clock = clock
  }

  /** For `Authorization`; `undefined` where nothing has to be proven. Rejects as the registry's client does, when no token can be had. */
  async header(): Promise<string | undefined> {
    const { username, password, token, clientId } = this.#auth
    if (username !== undefined) return `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`
    if (token !== undefined) return `Bearer ${token}`
    return clientId === undefined ? undefined : `Bearer ${await this.#token()}`
  }

  /** The registry has refused what it was shown. @returns whether another token may be taken instead */
  forget(): boolean {
    const hadToken = this.#kept !== undefined
    this.#kept = undefined
    return hadToken
  }

  #token(): Promise<string> {
    if (this.#kept !== undefined && this.#clock.now() < this.#kept.untilMs) return Promise.resolve(this.#kept.token)
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  /** By the grant `client_credentials` (RFC 6749, section 4.4). */
  async #ask(): Promise<string> {
    const { tokenEndpoint: url = '', clientId = '', clientSecret = '', scope } = this.#auth
    const askedAtMs = this.#clock.now()
    const credentials = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`)
    const where = 'registry.auth.tokenEndpoint'
    const answer = await this.#exchange
      .ask({
        method: 'POST',
        url,
        headers: {
          authorization: `Basic ${credentials.toString('base64')}`,
          'content-type': 'application/x-www-form-urlencoded',
          accept: 'application/json',
        },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          ...(scope !== undefined && { scope }),
        }).toString(),
      })
      .catch((thrown: unknown) => {
        throw networkFault(where, thrown)
      })
    if (answer.status !== 200) throw registryRefusal(where, answer.status)
    const { access_token: token, expires_in: lifeS } = objectIn(answer.text)
    if (typeof token !== 'string' || token === '') {
      throw new PyrallelError('PYR_REGISTRY', `The answer of ${where} has no access_token. Look at its address.`)
    }
    const lifeMs = (typeof lifeS === 'number' && lifeS > 0 ? lifeS : DEFAULT_LIFE_S) * 1_000
    this.#kept = { token, untilMs: askedAtMs + lifeMs * USABLE_SHARE }
    return token
  }
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  } catch {
    return {}
  }
}
