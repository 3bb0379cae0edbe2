/** The options of `registry`: where the schemas of values are, and how this process proves who it is there. Connects to nothing. */
import { Type } from 'typebox'
import type { RegistrySettings } from '../model/settings.ts'
import { duration, flag, section, withoutDefault } from './option-schema.ts'
import { variableOf } from './option-variables.ts'
import { pemRange, secret, text } from './security-options.ts'

const useVariable = 'Written into the file, it is known to everybody who reads the repository: use the variable.'

const auth = section({
  username: text({
    what: 'The user of the registry, who proves himself by `password` (HTTP Basic).',
    range: 'a text',
    worse: 'Another user has other rights.',
  }),
  password: secret({ what: 'The password of that user.', range: 'a text', worse: useVariable }),
  token: secret({ what: 'A token that is sent as it is (HTTP Bearer).', range: 'a text', worse: useVariable }),
  clientId: text({
    what: 'The client that asks `tokenEndpoint` for tokens, by OAuth client credentials.',
    range: 'a text',
    worse: 'Another client has other rights.',
  }),
  clientSecret: secret({ what: 'The secret of that client.', range: 'a text', worse: useVariable }),
  tokenEndpoint: withoutDefault(
    Type.String({
      pattern: '^https?://[^\\s@]+$',
      doc: {
        what: 'Where those tokens are asked for. Its certificate is checked as that of the registry.',
        range: 'an http or https URL without an @: user and password are `clientId` and `clientSecret`',
        worse: 'Over http, the secret can be read on its way.',
      },
    }),
  ),
  scope: text({
    what: 'The scope of those tokens.',
    range: 'a text',
    worse: 'A wider one than needed does more harm when it leaks.',
  }),
})

const tls = section({
  ca: text({
    what: "The authorities that the registry's certificate is checked against. Without it: those that Node knows.",
    range: pemRange,
    worse: 'One authority too many can pretend to be your registry.',
  }),
  cert: text({
    what: 'The certificate by which this process proves who it is (mutual TLS); goes with `key`.',
    range: pemRange,
    worse: 'One that has expired ends every new connection.',
  }),
  key: secret({
    what: 'The private key of that certificate.',
    range: pemRange,
    worse:
      'Written into the file, it is known to everybody who reads the repository: name a file, or use the variable.',
  }),
  keyPassphrase: secret({ what: 'What `key` is encrypted with.', range: 'a text', worse: useVariable }),
  verifyHostname: flag(true, {
    what: "Whether the registry's certificate must be for the name that was connected to.",
    worse: 'false: whoever has any certificate of the authority can pretend to be your registry.',
  }),
})

export const registry = section({
  url: withoutDefault(
    Type.String({
      pattern: '^https?://[^\\s@?#]+$',
      doc: {
        what: "Where the schema registry answers Confluent's interface: `https://registry:8081`, of Apicurio `http://registry:8080/apis/ccompat/v7`.",
        range: 'an http or https URL without an @: user and password are `auth.username` and `auth.password`',
        worse: 'Another registry gives the same ids to other schemas: values are read as what they are not.',
      },
    }),
  ),
  auth,
  tls,
  allowPlaintext: flag(false, {
    what: 'Whether a password, a token or a secret may go over the network in clear, by http. Loopback addresses are always allowed.',
    worse: 'true: whoever is on the way can read it, and use it.',
  }),
  requestTimeout: duration(1_000, 300_000, '10s', {
    what: 'How long one request to the registry may take. Three are made before it counts as unreachable.',
    worse: 'Longer: a registry that hangs is found out later. Shorter: a slow one is given up though it would answer.',
  }),
})

/** Two options below `registry` that contradict each other. */
export interface RegistryMistake {
  /** `auth.token` */
  readonly option: string
  /** The end of a sentence that begins with the option. */
  readonly text: string
}

const ways = {
  password: ['username', 'password'],
  token: ['token'],
  client: ['clientId', 'clientSecret', 'tokenEndpoint', 'scope'],
} as const

/** What contradicts itself. No values: some are secret. */
export function registryMistakes({ url, auth, tls }: RegistrySettings): readonly RegistryMistake[] {
  const used = Object.values(ways).filter((options) => options.some((option) => auth[option] !== undefined))
  const mistakes: RegistryMistake[] = []
  const [first, ...others] = used.map((options) => options.find((option) => auth[option] !== undefined))
  for (const option of others) {
    mistakes.push({
      option: `auth.${option}`,
      text: `is set beside registry.auth.${first}. Take one of them out: only one way to prove who one is can be used.`,
    })
  }
  if (url?.startsWith('http:') === true) {
    for (const option of ['ca', 'cert', 'key', 'keyPassphrase'] as const) {
      if (tls[option] === undefined) continue
      // The token's endpoint may speak TLS where the registry does not.
      if (option === 'ca' && auth.tokenEndpoint?.startsWith('https:') === true) continue
      mistakes.push({ option: `tls.${option}`, text: 'is set, but registry.url begins with http:. Write https.' })
    }
  }
  return mistakes
}

/**
 * What is missing, as sentences that begin with the option. For whoever is about to ask the registry, and for nobody else: secrets come by variables, which
 * are not there while one generates or builds.
 */
export function registryGaps({ url, auth, tls }: RegistrySettings): readonly string[] {
  if (url === undefined) {
    return [`registry.url is missing. Set it, or ${variableOf('registry.url')}.`]
  }
  const gaps: string[] = []
  const needs = (option: string, other: string) =>
    gaps.push(`registry.${option} is missing, and registry.${other} is set. Set ${variableOf(`registry.${option}`)}.`)
  if (auth.username !== undefined && auth.password === undefined) needs('auth.password', 'auth.username')
  if (auth.password !== undefined && auth.username === undefined) needs('auth.username', 'auth.password')
  const ofClient = ways.client.find((option) => auth[option] !== undefined)
  if (ofClient !== undefined) {
    for (const option of ['clientId', 'clientSecret', 'tokenEndpoint'] as const) {
      if (auth[option] === undefined) needs(`auth.${option}`, `auth.${ofClient}`)
    }
  }
  if (tls.cert !== undefined && tls.key === undefined) needs('tls.key', 'tls.cert')
  if (tls.key !== undefined && tls.cert === undefined) needs('tls.cert', 'tls.key')
  if (tls.keyPassphrase !== undefined && tls.key === undefined) needs('tls.key', 'tls.keyPassphrase')
  return gaps
}
