/** What went wrong on the way to a broker, or was answered by one, with the codes that both clients share. Shows no secret. */
import { type ClientFault, faultCodes } from '../faults/codes.ts'

/** The sentences are those of `Errors.java` (4.4), shortened where a person gains by it. */
const sentences: Readonly<Record<number, string>> = {
  [-1]: 'the broker met an error that it does not name',
  1: 'offset out of range',
  2: 'a record is damaged',
  3: 'unknown topic or partition',
  5: 'there is no leader at the moment',
  6: 'the broker does not lead this partition (any more)',
  7: 'the request timed out at the broker',
  10: 'the message is too large',
  12: 'the metadata of an offset is too large',
  14: 'the coordinator is loading',
  15: 'there is no coordinator yet',
  16: 'the broker does not coordinate this group (any more)',
  17: 'the topic has no valid name',
  19: 'there are fewer replicas in sync than required',
  20: 'there were fewer replicas in sync than required',
  25: 'the group does not know this member (any more)',
  28: 'the commit is too large',
  29: 'topic authorization failed',
  30: 'group authorization failed',
  31: 'cluster authorization failed',
  35: 'the broker does not know this version of the request',
  36: 'the topic exists already',
  38: 'the number of replicas is not valid',
  42: 'the broker calls the request invalid',
  45: 'the sequence of the producer has a gap',
  47: 'another producer has begun under the same transactional id, or the transaction was ended by its time-out',
  48: 'there is no transaction that this can be done to',
  49: 'the coordinator does not know this producer of the transactional id (any more)',
  50: 'the time-out of the transaction is longer than transaction.max.timeout.ms',
  51: 'the last transaction of this transactional id is still being ended',
  53: 'transactional id authorization failed',
  58: 'SASL authentication failed',
  69: 'the group id does not exist',
  82: 'another member of the group has the static name of this one',
  88: 'an open transaction has changed this offset',
  90: 'another producer has begun under the same transactional id',
  100: 'unknown topic id',
  110: 'the epoch of the member is not the one of the group',
  111: 'the static name of this member is still in use',
  112: 'the assignor is not supported',
  113: 'the epoch of the member is out of date',
  120: 'the transaction cannot go on, and has to be aborted',
}

const CREDENTIALS_REFUSED = 'SASL authentication error'

export class KafkaFault extends Error implements ClientFault {
  readonly code: number

  constructor(code: number, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'KafkaFault'
    this.code = code
  }

  /** An answer that cannot be read ends its connection, as a lost one does: what was asked may be done or not. */
  get isRetriable(): boolean {
    return this.code === faultCodes.BAD_MESSAGE
  }

  /** Nobody has answered with a code of Kafka's: what was asked may be done or not. */
  get isUnanswered(): boolean {
    return this.code < faultCodes.UNKNOWN
  }

  /** Neither side could prove who it is, or would believe the other. */
  get isAuthentication(): boolean {
    return this.code === faultCodes.AUTHENTICATION || this.code === faultCodes.SSL
  }

  /** A broker has answered that it does not take them. Not: a token that could not be had, or a certificate that is not believed. */
  get isCredentialRefusal(): boolean {
    return this.code === faultCodes.AUTHENTICATION && this.message.includes(CREDENTIALS_REFUSED)
  }
}

/** @param told what the broker itself says, where it does */
export function answeredFault(code: number, told?: string | null): KafkaFault {
  return new KafkaFault(code, `Broker: ${told || sentences[code] || 'an error that this client cannot name'}`)
}

export function toFault(thrown: unknown): KafkaFault {
  if (thrown instanceof KafkaFault) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new KafkaFault(faultCodes.UNKNOWN, message, thrown)
}

/** The library's own code of refused credentials. */
const AUTHENTICATION = 'PLT_KFK_AUTHENTICATION'

/** What Node and OpenSSL say of certificates that are not believed, by either side. */
const tlsCode = /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/

/**
 * An error of the library's connection. It wraps what has happened, so its causes are searched.
 * @param address `host:port`
 */
export function connectionFault(error: Error, address: string): KafkaFault {
  const chain = causesOf(error)
  const withCode = chain.find((each) => typeof each.code === 'string' && !each.code.startsWith('PLT_'))
  const code = typeof withCode?.code === 'string' ? withCode.code : ''
  if (chain.some((each) => each.code === AUTHENTICATION || each.name === 'KafkaTokenError')) {
    const last = chain.at(-1)
    return new KafkaFault(faultCodes.AUTHENTICATION, `${address}: ${saslReason(chain) ?? last?.message}`, error)
  }
  if (tlsCode.test(code)) {
    return new KafkaFault(faultCodes.SSL, `${address}: SSL handshake failed: ${withCode?.message} (${code})`, error)
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new KafkaFault(faultCodes.RESOLVE, `${address}: the host has no address (${code})`, error)
  }
  const reason = code === '' ? (chain.at(-1)?.message ?? error.message) : `${withCode?.message}`
  return new KafkaFault(faultCodes.TRANSPORT, `${address}: ${reason}`, error)
}

interface Caused extends Error {
  readonly code?: unknown
  readonly serverErrorMessage?: unknown
}

/** The broker's own words on refused credentials, which name neither the user's secret nor its guess. */
function saslReason(chain: readonly Caused[]): string | undefined {
  const told = chain.map((each) => each.serverErrorMessage).find((each) => typeof each === 'string' && each !== '')
  return told === undefined ? undefined : `${CREDENTIALS_REFUSED}: ${String(told)}`
}

function causesOf(error: Error): readonly Caused[] {
  const chain: Caused[] = []
  const open: unknown[] = [error]
  while (open.length > 0 && chain.length < 20) {
    const next = open.shift()
    if (!(next instanceof Error) || chain.includes(next)) continue
    chain.push(next)
    open.push(next.cause)
    if ('errors' in next && Array.isArray(next.errors)) open.push(...next.errors)
  }
  return chain
}
