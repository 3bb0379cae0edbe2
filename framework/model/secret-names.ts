/** Which names stand for secrets, in a config as in a log line. Blind to case. */

/** A section of secrets counts as one itself: whatever stands there instead of it may be the password. */
const secretName =
  /pass|pasw|pwd|secret|token|credential|private|cookie|authoriz|bearer|jwt|^auth$|(api|access|signing|encryption)[-_. ]?key|connection[-_. ]?string|sasl\.jaas|\.key|security\.(sasl\.)?$/i

/**
 * Names of librdkafka that speak of TLS and SASL. All are hidden but those below: any other may be that of a secret, misspelt, and librdkafka
 * is the only one who would notice.
 */
const securityName = /^(sasl|ssl)([._-]|$)/i
const openNames: ReadonlySet<string> = new Set([
  'sasl.mechanism',
  'sasl.mechanisms',
  'sasl.username',
  'sasl.kerberos.service.name',
  'sasl.oauthbearer.method',
  'ssl.ca.location',
  'ssl.certificate.location',
  'ssl.cipher.suites',
  'ssl.crl.location',
  'ssl.curves.list',
  'ssl.sigalgs.list',
  'ssl.endpoint.identification.algorithm',
])

/** A name, or the path of an option with dots. */
export function isSecretName(name: string): boolean {
  return secretName.test(name) || (securityName.test(name) && !openNames.has(name))
}
