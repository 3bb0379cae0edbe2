/** Under which name a request has asked, and whether a web page could have made that name up. Pure. */
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/**
 * A web page can let its own name resolve to an address of this machine (DNS rebinding), and the browser, which goes by the name, hands it the answer.
 * Only the name in the request tells the two apart. Where the socket came in decides, and not where the server listens: at 0.0.0.0 it is reached at
 * 127.0.0.1 too. At other addresses any name is right until some are listed, since nobody knows what others call this machine.
 * @param names in lower case, beside localhost and IP addresses
 */
export function mayAskByName(
  { headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>,
  names: ReadonlySet<string>,
): boolean {
  return isNoPage(hostOf(headers), names) || (names.size === 0 && !isLoopback(socket.localAddress))
}

/** HTTP/2 has it in a field of its own. */
export function hostOf(headers: IncomingMessage['headers']): string | undefined {
  const authority = headers[':authority']
  return headers.host ?? (typeof authority === 'string' ? authority : undefined)
}

export function isLoopback(address: string | undefined): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address ?? '')
}

/** A name that no web page can have, or that is this machine's. Without a Host header, it is no browser. */
function isNoPage(host: string | undefined, names: ReadonlySet<string>): boolean {
  if (host === undefined) return true
  const name = host.replace(/:\d+$/, '').toLowerCase()
  return name === 'localhost' || names.has(name) || isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0
}
