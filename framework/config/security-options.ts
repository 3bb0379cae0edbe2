/** The options of `kafka.security`: which TLS and SASL settings there are, and which of them belong together. Connects to nothing. */
import { Type } from 'typebox'
import type { SecuritySettings } from '../model/settings.ts'
import { flag, type Option, section, withoutDefault } from './option-schema.ts'
import { variableOf } from './option-variables.ts'

export const pemRange = 'a PEM text that begins with `-----BEGIN`, or the path of a PEM file'

export function text(doc: { readonly what: string; readonly range: string; readonly worse: string }, isSecret = false) {
  return withoutDefault(Type.String({ minLength: 1, doc, ...(isSecret && { secret: true }) })) as Option<
    ReturnType<typeof Type.String>
  >
}

export function secret(doc: { readonly what: string; readonly range: string; readonly worse: string }) {
  return text(doc, true)
}

const sasl = section({
  mechanism: withoutDefault(
    Type.Unsafe<NonNullable<SecuritySettings['sasl']['mechanism']>>(
      Type.Union(
        (['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const).map((each) => Type.Literal(each)),
        {
          doc: {
            what: 'How this process proves who it is. Without it: by its certificate, or not at all.',
            range: "one of 'PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'",
            worse: "'PLAIN' hands the password to the broker: only with `tls`.",
          },
        },
      ),
    ),
  ),
  username: text({ what: 'The user of PLAIN and SCRAM.', range: 'a text', worse: 'Another user has other rights.' }),
  password: secret({
    what: 'The password of PLAIN and SCRAM.',
    range: 'a text',
    worse: 'Written into the file, it is known to everybody who reads the repository: use the variable.',
  }),
  clientId: text({
    what: 'The client of OAUTHBEARER, which asks for its token by OIDC client credentials.',
    range: 'a text',
    worse: 'Another client has other rights.',
  }),
  clientSecret: secret({
    what: 'The secret of that client.',
    range: 'a text',
    worse: 'Written into the file, it is known to everybody who reads the repository: use the variable.',
  }),
  tokenEndpoint: withoutDefault(
    Type.String({
      pattern: '^https?://[^\\s@]+$',
      doc: {
        what: 'Where the token of OAUTHBEARER is asked for.',
        range: 'an http or https URL without an @: user and password are `clientId` and `clientSecret`',
        worse: 'Over http, the secret can be read on its way.',
      },
    }),
  ),
  scope: text({
    what: 'The scope of that token.',
    range: 'a text',
    worse: 'A wider one than needed does more harm when it leaks.',
  }),
})

export const security = section({
  tls: flag(false, {
    what: 'Encrypts the connection, and checks the certificates of the brokers.',
    worse: 'Without it, records and passwords can be read on their way.',
  }),
  ca: text({
    what: "The authorities that the brokers' certificates are checked against. Without it: those of the system.",
    range: pemRange,
    worse: 'One authority too many can pretend to be your broker.',
  }),
  cert: text({
    what: 'The certificate by which this process proves who it is; goes with `key`.',
    range: pemRange,
    worse: 'One that has expired ends every new connection.',
  }),
  key: secret({
    what: 'The private key of that certificate.',
    range: pemRange,
    worse:
      'Written into the file, it is known to everybody who reads the repository: name a file, or use the variable.',
  }),
  keyPassphrase: secret({
    what: 'What `key` is encrypted with.',
    range: 'a text',
    worse: 'Written into the file, it is known to everybody who reads the repository: use the variable.',
  }),
  verifyHostname: flag(true, {
    what: "Whether a broker's certificate must be for the name that was connected to.",
    worse: 'false: whoever has any certificate of the authority can pretend to be your broker.',
  }),
  allowPlaintext: flag(false, {
    what: 'Whether a password or a token may go over the network in clear: PLAIN and OAUTHBEARER without `tls`, a token endpoint over http. Loopback addresses are always allowed.',
    worse: 'true: whoever is on the way can read the password, and use it.',
  }),
  sasl,
})

/** Two options below `kafka.security` that contradict each other. */
export interface SecurityMistake {
  /** `sasl.password` */
  readonly option: string
  /** The other one: `sasl.mechanism`. */
  readonly against: string
  /** The end of a sentence that begins with the option. */
  readonly text: string
}

/** What contradicts itself. No values: some are secret. */
export function securityMistakes({ tls, ca, cert, sasl }: SecuritySettings): readonly SecurityMistake[] {
  const mistakes = tls ? [] : withoutTls({ ca, cert })
  const { mechanism } = sasl
  if (mechanism === undefined) return mistakes
  const allowed: readonly string[] = mechanism === 'OAUTHBEARER' ? [...byToken, 'scope'] : byPassword
  for (const option of saslOptions) {
    if (allowed.includes(option) || sasl[option] === undefined) continue
    mistakes.push({
      option: `sasl.${option}`,
      against: 'sasl.mechanism',
      text: `is set, but ${mechanism} does not use it. Options of ${mechanism}: ${allowed.join(', ')}.`,
    })
  }
  return mistakes
}

/**
 * What is missing, as the ends of sentences that begin with the option. For whoever is about to connect, and for nobody else: secrets come by variables, which are not there
 * while one develops, generates or builds for another mode.
 */
export function securityGaps({ tls, cert, key, keyPassphrase, sasl }: SecuritySettings): readonly string[] {
  const gaps = tls ? [] : withoutTls({ key, keyPassphrase }).map(({ option, text }) => `${option} ${text}`)
  if (tls && cert !== undefined && key === undefined) gaps.push(`cert is set without key. ${setByVariable('key')}`)
  if (tls && key !== undefined && cert === undefined) gaps.push(`key is set without cert. ${setByVariable('cert')}`)
  if (tls && keyPassphrase !== undefined && key === undefined) {
    gaps.push(`keyPassphrase is set without key. ${setByVariable('key')}`)
  }
  const { mechanism } = sasl
  if (mechanism === undefined) {
    for (const option of saslOptions) {
      if (sasl[option] !== undefined) gaps.push(`sasl.${option} is set without sasl.mechanism. Set it too.`)
    }
    return gaps
  }
  for (const option of mechanism === 'OAUTHBEARER' ? byToken : byPassword) {
    if (sasl[option] !== undefined) continue
    gaps.push(`sasl.${option} is missing: ${mechanism} needs it. ${setByVariable(`sasl.${option}`)}`)
  }
  return gaps
}

const byPassword = ['username', 'password'] as const
const byToken = ['clientId', 'clientSecret', 'tokenEndpoint'] as const
const saslOptions = [...byPassword, ...byToken, 'scope'] as const

function withoutTls(options: Readonly<Record<string, string | undefined>>): SecurityMistake[] {
  const text = 'is set, but tls is false. Set kafka.security.tls: true.'
  return Object.entries(options).flatMap(([option, value]) =>
    value === undefined ? [] : [{ option, against: 'tls', text }],
  )
}

function setByVariable(option: string): string {
  return `Set ${variableOf(`kafka.security.${option}`)}.`
}
