/** Turns `kafka.security` into librdkafka's properties. The only place that knows both names; shows no value to anybody. */
import { accessSync, constants } from 'node:fs'
import { PyrallelError, toError } from '../../model/errors.ts'
import type { SecuritySettings } from '../../model/settings.ts'
import { isSecured } from '../owned-properties.ts'
import type { NativeConfig } from './binding.ts'

/** Empty when nothing is secured. @throws PyrallelError PYR_CONFIG_INVALID when a file that it names cannot be read */
export function securityConfig(settings: SecuritySettings | undefined): NativeConfig {
  if (settings === undefined || !isSecured(settings)) return {}
  const isSasl = settings.sasl.mechanism !== undefined
  const protocol = settings.tls ? (isSasl ? 'sasl_ssl' : 'ssl') : 'sasl_plaintext'
  return {
    'security.protocol': protocol,
    ...(settings.tls && tlsConfig(settings)),
    ...(isSasl && saslConfig(settings.sasl)),
  }
}

function tlsConfig(settings: SecuritySettings): NativeConfig {
  return {
    ...pem('ca', settings.ca, 'ssl.ca.pem', 'ssl.ca.location'),
    ...pem('cert', settings.cert, 'ssl.certificate.pem', 'ssl.certificate.location'),
    ...pem('key', settings.key, 'ssl.key.pem', 'ssl.key.location'),
    ...(settings.keyPassphrase !== undefined && { 'ssl.key.password': settings.keyPassphrase }),
    'ssl.endpoint.identification.algorithm': settings.verifyHostname ? 'https' : 'none',
  }
}

function saslConfig(sasl: SecuritySettings['sasl']): NativeConfig {
  const { mechanism } = sasl
  if (mechanism !== 'OAUTHBEARER') {
    return {
      'sasl.mechanisms': mechanism,
      ...(sasl.username !== undefined && { 'sasl.username': sasl.username }),
      ...(sasl.password !== undefined && { 'sasl.password': sasl.password }),
    }
  }
  return {
    'sasl.mechanisms': mechanism,
    'sasl.oauthbearer.method': 'oidc',
    ...(sasl.clientId !== undefined && { 'sasl.oauthbearer.client.id': sasl.clientId }),
    ...(sasl.clientSecret !== undefined && { 'sasl.oauthbearer.client.secret': sasl.clientSecret }),
    ...(sasl.tokenEndpoint !== undefined && { 'sasl.oauthbearer.token.endpoint.url': sasl.tokenEndpoint }),
    ...(sasl.scope !== undefined && { 'sasl.oauthbearer.scope': sasl.scope }),
  }
}

/** A PEM text as it is; anything else is the path of a file. */
function pem(option: 'ca' | 'cert' | 'key', value: string | undefined, inline: string, location: string): NativeConfig {
  if (value === undefined) return {}
  if (value.trimStart().startsWith('-----BEGIN')) return { [inline]: value }
  try {
    accessSync(value, constants.R_OK)
  } catch (thrown) {
    // Not the path: a text that was meant to be a key would be shown.
    const { code } = toError(thrown) as NodeJS.ErrnoException
    throw new PyrallelError(
      'PYR_CONFIG_INVALID',
      `option kafka.security.${option} names a file that cannot be read (${code ?? 'unknown error'}). Write the path of a PEM file, relative to the folder in which the process runs, or the PEM text itself.`,
    )
  }
  return { [location]: value }
}
