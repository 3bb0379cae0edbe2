/** Which secrets and certificates a pod needs, by the variables that bring them. Holds names only, never a value. */
import type { ResolvedConfig } from '../../framework/config/config.ts'
import { variableOf } from '../../framework/config/option-variables.ts'

type Security = ResolvedConfig['kafka']['security']

/** One entry of the Secret. */
export interface Credential {
  /** `kafka.security.sasl.password` */
  readonly option: string
  /** The name of the entry, and of the option's variable. */
  readonly key: string
  /** How the process gets it: the variable names the file in which it is mounted, or is the text itself. */
  readonly by: { readonly kind: 'file'; readonly variable: string } | { readonly kind: 'text' }
}

export interface Setting {
  readonly option: string
  /** Its variable. */
  readonly key: string
  readonly value: string
}

export interface Credentials {
  /** Empty: the brokers ask for nothing that is not in the bundle. */
  readonly secret: readonly Credential[]
  readonly tls: boolean
  /** `ca` and `cert` where they are texts in the config, so that they are in the bundle. */
  readonly bundled: readonly string[]
  readonly mechanism: Security['sasl']['mechanism']
  /** What is no secret and stands in the file, for those beside the process who need it. */
  readonly settings: readonly Setting[]
  readonly scope: string | undefined
}

const section = 'kafka.security'

/** @param written options that the config file sets */
export function credentialsOf(security: Security, written: ReadonlySet<string>): Credentials {
  const { tls, ca, cert, key, keyPassphrase, sasl } = security
  const isWritten = (option: string) => written.has(`${section}.${option}`)
  const secret: Credential[] = []
  // A path in the config is one of the machine that it was written on.
  if (tls && ca !== undefined && !isPem(ca)) secret.push(fileNamed('ca'))
  if (tls && cert !== undefined && !isPem(cert)) secret.push(fileNamed('cert'))
  if (tls && (cert !== undefined || key !== undefined)) secret.push(secretFile('key'))
  if (tls && keyPassphrase !== undefined) secret.push(secretFile('keyPassphrase'))
  const isByToken = sasl.mechanism === 'OAUTHBEARER'
  if (sasl.mechanism !== undefined) {
    const user = isByToken ? 'sasl.clientId' : 'sasl.username'
    if (!isWritten(user)) secret.push(textOf(user))
    if (isByToken && !isWritten('sasl.tokenEndpoint')) secret.push(textOf('sasl.tokenEndpoint'))
    secret.push(secretFile(isByToken ? 'sasl.clientSecret' : 'sasl.password'))
  }
  return {
    secret,
    tls,
    bundled: Object.entries({ ca, cert }).flatMap(([option, text]) =>
      text !== undefined && isPem(text) ? [option] : [],
    ),
    mechanism: sasl.mechanism,
    settings: settingsOf(isByToken ? ['clientId', 'tokenEndpoint'] : ['username'], sasl),
    scope: sasl.scope,
  }
}

function settingsOf(
  names: readonly ('username' | 'clientId' | 'tokenEndpoint')[],
  sasl: Security['sasl'],
): readonly Setting[] {
  if (sasl.mechanism === undefined) return []
  return names.flatMap((name) => {
    const option = `${section}.sasl.${name}`
    const value = sasl[name]
    return value === undefined ? [] : [{ option, key: variableOf(option), value }]
  })
}

function isPem(text: string): boolean {
  return text.trimStart().startsWith('-----BEGIN')
}

/** Its variable takes a path. */
function fileNamed(option: string): Credential {
  const variable = variableOf(`${section}.${option}`)
  return { option: `${section}.${option}`, key: variable, by: { kind: 'file', variable } }
}

/** Its variable would be the secret itself; the one with `_FILE` names the file. */
function secretFile(option: string): Credential {
  const variable = variableOf(`${section}.${option}`)
  return { option: `${section}.${option}`, key: variable, by: { kind: 'file', variable: `${variable}_FILE` } }
}

function textOf(option: string): Credential {
  return { option: `${section}.${option}`, key: variableOf(`${section}.${option}`), by: { kind: 'text' } }
}
