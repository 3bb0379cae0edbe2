/** Who may ask the console, and how. Looks at the head of a request only, and answers nothing. */
import type { IncomingMessage } from 'node:http'
import { hostOf, mayAskByName } from '../../observability/asked-host.ts'
import type { TokenCheck } from '../../observability/token-check.ts'
import { ApiFault } from './fault.ts'

export interface GuardOptions {
  /** Host names under which it may be asked, in lower case. */
  readonly names: ReadonlySet<string>
  /** Undefined: whoever reaches it may ask. */
  readonly token: TokenCheck | undefined
}

type Head = Pick<IncomingMessage, 'headers' | 'socket' | 'url'>

/** Names of parameters under which somebody might send a token. */
const secretParameter = /token|auth|secret|password/i

/** @throws ApiFault */
export function guardName(request: Head, { names }: GuardOptions): void {
  if (mayAskByName(request, names)) return
  throw new ApiFault(
    'misdirected',
    'A web page may have made up the name under which this was asked.',
    'Ask localhost or an IP address, or list the name in http.names.',
  )
}

/** @throws ApiFault */
export function guardToken({ headers, socket, url = '' }: Head, { token }: GuardOptions): void {
  const query = url.slice(url.indexOf('?') + 1 || url.length)
  // It would stand in the logs of proxies, and in the history of browsers: whoever sends it there must notice.
  if ([...new URLSearchParams(query).keys()].some((name) => secretParameter.test(name))) {
    throw new ApiFault(
      'token-in-query',
      'A token has no place in an address: addresses are logged.',
      'Send it as `Authorization: Bearer <token>`, and make another one if this one was right.',
    )
  }
  if (token === undefined) return
  switch (token.check(headers.authorization, socket.remoteAddress ?? '')) {
    case 'right':
      return
    case 'none':
      throw new ApiFault('no-token', 'This needs a token.', 'Send `Authorization: Bearer <token>`.')
    case 'wrong':
      throw new ApiFault('wrong-token', 'This token is not the one.', 'Take it from where the address was printed.')
    case 'too-many':
      throw new ApiFault(
        'too-many-wrong-tokens',
        '20 wrong tokens have come from this address within a minute.',
        'Wait a minute, then send the right one.',
      )
  }
}

/**
 * What changes something must come from our own page, or from no browser at all. Browsers cannot send JSON to a stranger without asking first, and we
 * answer no such question; the other two checks are for those that would.
 * @throws ApiFault
 */
export function guardChange({ headers }: Pick<IncomingMessage, 'headers'>): void {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin') {
    throw new ApiFault('forbidden', `This came from another site (${site}).`, 'Use the page of this console.')
  }
  const { origin } = headers
  if (origin !== undefined && !isOwnOrigin(origin, hostOf(headers))) {
    throw new ApiFault('forbidden', 'This came from the page of another origin.', 'Use the page of this console.')
  }
  if (/^application\/json *(;|$)/i.test(headers['content-type'] ?? '')) return
  throw new ApiFault('content-type', 'The body is not application/json.', 'Send JSON, and say so in content-type.')
}

function isOwnOrigin(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false
  const { protocol, host: ofOrigin } = new URL(origin)
  // Behind a proxy that speaks TLS, the page is of https and asks the same host. Default ports are left out by both.
  return /^https?:$/.test(protocol) && ofOrigin === host.toLowerCase()
}
