/** What of a connection's settings lets others on the way read a password or a token, or pretend to be the broker. Connects to nothing, shows no value. */
import type { SecuritySettings } from '../model/settings.ts'

export interface ConnectionRisks {
  /** Refused unless `allowPlaintext` is true. Ends of sentences that begin with the option. */
  readonly refused: readonly string[]
  /** To be logged. */
  readonly warnings: readonly string[]
}

export interface RiskyConnection {
  /** `host:port`, several with commas between. */
  readonly brokers: string
  readonly security: SecuritySettings | undefined
  readonly librdkafka: Readonly<Record<string, unknown>>
}

/** How this process proves who it is, wherever that was written: in `kafka.security`, or as properties of librdkafka. */
interface Proof {
  readonly isEncrypted: boolean
  readonly mechanism: string | undefined
  readonly tokenEndpoint: string | undefined
  /** A broker's certificate is not, or not fully, looked at. */
  readonly isUnverified: boolean
  /** What to write. */
  readonly names: {
    readonly mechanism: string
    readonly tokenEndpoint: string
    readonly verify: string
    readonly tls: string
  }
}

export function connectionRisks({ brokers, security, librdkafka }: RiskyConnection): ConnectionRisks {
  const proof =
    security !== undefined && (security.tls || security.sasl.mechanism !== undefined)
      ? proofOf(security)
      : proofOfProperties(librdkafka)
  const { isEncrypted, mechanism, tokenEndpoint, isUnverified, names } = proof
  const refused: string[] = []
  const warnings: string[] = []
  if (mechanism !== undefined && !isEncrypted && !brokers.split(',').every(isLoopback)) {
    if (mechanism.startsWith('SCRAM')) {
      warnings.push(
        `${names.mechanism} is ${mechanism} without TLS: records can be read on their way, and the password be guessed from what is seen`,
      )
    } else if (mechanism !== 'GSSAPI') {
      const what = mechanism === 'OAUTHBEARER' ? 'the token' : 'the password'
      refused.push(
        `${names.mechanism} is ${mechanism} without TLS: ${what} would go to the broker in clear. Set ${names.tls}`,
      )
    }
  }
  if (mechanism === 'OAUTHBEARER' && tokenEndpoint !== undefined && isClearAddress(tokenEndpoint)) {
    refused.push(
      `${names.tokenEndpoint} begins with http: the client's secret would go there in clear. Write an https address`,
    )
  }
  if (isEncrypted && isUnverified) {
    warnings.push(`${names.verify}: whoever is on the way can pretend to be the broker`)
  }
  return { refused, warnings }
}

function proofOf({ tls, verifyHostname, sasl }: SecuritySettings): Proof {
  return {
    isEncrypted: tls,
    mechanism: sasl.mechanism,
    tokenEndpoint: sasl.tokenEndpoint,
    isUnverified: !verifyHostname,
    names: {
      mechanism: 'kafka.security.sasl.mechanism',
      tokenEndpoint: 'kafka.security.sasl.tokenEndpoint',
      verify: 'kafka.security.verifyHostname is false',
      tls: 'kafka.security.tls: true',
    },
  }
}

function proofOfProperties(properties: Readonly<Record<string, unknown>>): Proof {
  const text = (name: string) => {
    const value = Object.hasOwn(properties, name) ? properties[name] : undefined
    return value === undefined ? undefined : String(value)
  }
  const protocol = text('security.protocol')?.toLowerCase() ?? 'plaintext'
  const isUnverified =
    text('enable.ssl.certificate.verification') === 'false' ||
    text('ssl.endpoint.identification.algorithm')?.toLowerCase() === 'none'
  return {
    isEncrypted: protocol.endsWith('ssl'),
    // librdkafka's own default.
    mechanism: protocol.startsWith('sasl')
      ? (text('sasl.mechanisms') ?? text('sasl.mechanism') ?? 'GSSAPI').toUpperCase()
      : undefined,
    tokenEndpoint: text('sasl.oauthbearer.token.endpoint.url'),
    isUnverified,
    names: {
      mechanism: "kafka.librdkafka['sasl.mechanisms']",
      tokenEndpoint: "kafka.librdkafka['sasl.oauthbearer.token.endpoint.url']",
      verify: "kafka.librdkafka turns the check of the broker's certificate off",
      tls: "kafka.librdkafka['security.protocol'] to 'sasl_ssl'",
    },
  }
}

/** Nobody is on the way. `broker` is `host:port`, or `[::1]:port`. */
export function isLoopback(broker: string): boolean {
  const host = broker
    .trim()
    .replace(/^[a-z_]+:\/\//i, '')
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase()
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}

function isClearAddress(url: string): boolean {
  if (!/^http:/i.test(url.trim())) return false
  try {
    const { hostname, port } = new URL(url)
    return !isLoopback(`${hostname}:${port || 80}`)
  } catch {
    return true
  }
}
