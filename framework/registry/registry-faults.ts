/** What goes wrong between this process and a schema registry, in words with the next step. Pure; shows no secret. */
import { PyrallelError, toError } from '../model/errors.ts'
import { cutText, harmless } from '../model/plain-text.ts'

const MAX_TOLD = 300

/** Codes of certificates that are not believed: to ask again changes nothing. */
const certificateFault = /^(ERR_TLS_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_SSL_|HOSTNAME_MISMATCH|EPROTO)/

/** @param where `the registry at https://…`, or the option that has the address */
export function networkFault(where: string, thrown: unknown): PyrallelError {
  if (thrown instanceof PyrallelError) return thrown
  const error = toError(thrown) as Error & { readonly code?: string }
  if (certificateFault.test(error.code ?? '')) {
    return new PyrallelError(
      'PYR_REGISTRY_REFUSED',
      `No TLS connection to ${where} (${told(error.code ?? error.message)}). Look at registry.tls: the authority in \`ca\`, the certificate and its key, and the name in the address. Or it speaks no TLS: then registry.url begins with http.`,
      { cause: error },
    )
  }
  const why =
    error.name === 'TimeoutError' || error.code === 'ABORT_ERR'
      ? 'no answer within registry.requestTimeout'
      : told(error.code ?? error.message)
  return new PyrallelError(
    'PYR_REGISTRY_UNREACHABLE',
    `Nothing answers for ${where} (${why}). Look at registry.url, and whether the registry runs.`,
    { cause: error, retriable: true },
  )
}

/** Status 401, 403 and others that say who may ask what. */
export function registryRefusal(where: string, status: number): PyrallelError {
  if (status === 429 || status >= 500) {
    return new PyrallelError(
      'PYR_REGISTRY_UNREACHABLE',
      `No answer of use from ${where} (status ${status}). Look whether it is well, and ask again.`,
      { retriable: true },
    )
  }
  return new PyrallelError(
    'PYR_REGISTRY_REFUSED',
    `This process may not ask ${where} (status ${status}). Look at registry.auth, and at the rights of that user.`,
  )
}

/** Text of strangers, short and harmless. */
export function told(text: string): string {
  return cutText(harmless(text), MAX_TOLD)
}
