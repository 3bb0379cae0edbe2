/** Turns `kafka.security` into what the library's connection takes. The only place that knows both names; shows no value to anybody. */
import { readFileSync } from 'node:fs'
import { PyrallelError, toError } from '../../model/errors.ts'
import type { SecuritySettings } from '../../model/settings.ts'
import type { JavascriptLibrary, LibraryConnection, SaslOptions } from './binding.ts'
import type { OauthTokens } from './oauth-tokens.ts'

/** A refused token is answered with a reason, and is an error only once the client has said that it has read it (RFC 7628, section 3.2.3). */
const OAUTH_REFUSAL_READ = Buffer.from([1])

/** `undefined` when no TLS is asked for. @throws PyrallelError PYR_CONFIG_INVALID when a file that it names cannot be read */
export function tlsOptions(settings: SecuritySettings | undefined): Readonly<Record<string, unknown>> | undefined {
  if (settings?.tls !== true) return undefined
  const { ca, cert, key, keyPassphrase, verifyHostname } = settings
  return {
    ...(ca !== undefined && { ca: pem('ca', ca) }),
    ...(cert !== undefined && { cert: pem('cert', cert) }),
    ...(key !== undefined && { key: pem('key', key) }),
    ...(keyPassphrase !== undefined && { passphrase: keyPassphrase }),
    ...(!verifyHostname && { checkServerIdentity: () => undefined }),
  }
}

/**
 * Authentication by the library's own parts, which are told that a session never ends: else the library would authenticate anew while requests are
 * under way, and brokers close the connection then.
 * @param onSession called with the true length of each session, in milliseconds; 0 for one without an end
 */
export function saslOptions(
  library: JavascriptLibrary,
  { sasl }: SecuritySettings,
  tokens: OauthTokens | undefined,
  onSession: (connection: LibraryConnection, lifetimeMs: number) => void,
): SaslOptions | undefined {
  const { mechanism, username, password } = sasl
  if (mechanism === undefined) return undefined
  return {
    mechanism,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tokens !== undefined && { token: () => tokens.token() }),
    authenticate(_mechanism, connection, api, user, secret, token, done) {
      const told: typeof done = (error, answer) => {
        if (error) return done(error, answer)
        onSession(connection, Number(answer.sessionLifetimeMs))
        done(null, { ...answer, sessionLifetimeMs: 0n })
      }
      if (mechanism === 'PLAIN') library.saslPlain.authenticate(api, connection, user, secret, told)
      else if (mechanism === 'OAUTHBEARER') {
        const heard: typeof done = (error, answer) => {
          if (error || answer.authBytes.length === 0) told(error, answer)
          else api(connection, OAUTH_REFUSAL_READ, told)
        }
        library.saslOAuthBearer.authenticate(api, connection, token, undefined, heard)
      } else {
        const { authenticate, defaultCrypto } = library.saslScramSha
        authenticate(api, connection, mechanism.slice('SCRAM-'.length), user, secret, defaultCrypto, told)
      }
    },
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
      `option kafka.security.${option} names a file that cannot be read (${code ?? 'unknown error'}). Write the path of a PEM file, relative to the folder in which the process runs, or the PEM text itself.`,
    )
  }
}
