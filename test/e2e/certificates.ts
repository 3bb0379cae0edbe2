/** Makes what TLS tests need, with openssl, in a folder that the test removes: two authorities, a broker's certificate, and two clients'. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface KeyPair {
  /** Paths of PEM files. */
  readonly cert: string
  readonly key: string
}

export interface Certificates {
  /** The authority that the broker trusts, and that has issued its certificate. Path of a PEM file. */
  readonly ca: string
  /** The authority's list of revoked certificates: with the broker's on it, and with none. Paths of PEM files. */
  readonly revoked: { readonly broker: string; readonly nobody: string }
  /** One that nobody here trusts. */
  readonly strangerCa: string
  /** The broker's key and certificate in one file, as Kafka reads them. Valid for 127.0.0.1 only. */
  readonly broker: string
  /** The same in two files. */
  readonly server: KeyPair
  readonly client: KeyPair
  /** The same client with its key encrypted by `passphrase`. */
  readonly encryptedKey: string
  readonly passphrase: string
  /** Issued by the authority that nobody trusts. */
  readonly stranger: KeyPair
}

export function makeCertificates(folder: string): Certificates {
  const ca = authority(folder, 'ca')
  const strangerCa = authority(folder, 'stranger-ca')
  const broker = issue(folder, 'broker', ca, 'subjectAltName=IP:127.0.0.1')
  const client = issue(folder, 'client', ca, 'extendedKeyUsage=clientAuth')
  const stranger = issue(folder, 'stranger', strangerCa, 'extendedKeyUsage=clientAuth')
  const store = join(folder, 'broker-store.pem')
  writeFileSync(store, readFileSync(broker.key, 'utf8') + readFileSync(broker.cert, 'utf8'))
  const passphrase = 'passphrase-of-the-test'
  const encryptedKey = join(folder, 'client-encrypted.key')
  openssl('pkcs8', '-topk8', '-in', client.key, '-out', encryptedKey, '-passout', `pass:${passphrase}`)
  return {
    ca: ca.cert,
    revoked: { broker: revocations(folder, 'revoked', ca, broker.cert), nobody: revocations(folder, 'none', ca) },
    strangerCa: strangerCa.cert,
    broker: store,
    server: broker,
    client,
    encryptedKey,
    passphrase,
    stranger,
  }
}

/** What brokers present that should not be believed, by somebody who trusts `ca`: valid for 127.0.0.1 otherwise. */
export interface BrokenChains {
  readonly ca: string
  readonly expired: KeyPair
  readonly selfSigned: KeyPair
  /** The one in between, which the authority has issued, is not there. */
  readonly gap: KeyPair
  /** With the one in between. */
  readonly whole: KeyPair
}

export function makeBrokenChains(folder: string): BrokenChains {
  const name = 'subjectAltName=IP:127.0.0.1'
  const ca = authority(folder, 'chain-ca')
  const between = issue(folder, 'between', ca, 'basicConstraints=critical,CA:TRUE')
  const gap = issue(folder, 'gap', between, name)
  const whole = { key: gap.key, cert: join(folder, 'whole.pem') }
  writeFileSync(whole.cert, readFileSync(gap.cert, 'utf8') + readFileSync(between.cert, 'utf8'))
  const expired = issue(folder, 'expired', ca, name, -1)
  return { ca: ca.cert, expired, selfSigned: authority(folder, 'self-signed'), gap, whole }
}

function authority(folder: string, name: string): KeyPair {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)]
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '1',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    key,
    '-out',
    cert,
  )
  return { cert, key }
}

function issue(folder: string, name: string, by: KeyPair, extension: string, days = 1): KeyPair {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)]
  const [request, extensions] = [join(folder, `${name}.csr`), join(folder, `${name}.ext`)]
  writeFileSync(extensions, `${extension}\n`)
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-keyout', key, '-out', request)
  const issuer = ['-CA', by.cert, '-CAkey', by.key, '-CAcreateserial']
  openssl('x509', '-req', '-in', request, ...issuer, '-days', String(days), '-extfile', extensions, '-out', cert)
  return { cert, key }
}

/** @param revoked the certificate that is on the list */
function revocations(folder: string, name: string, by: KeyPair, revoked?: string): string {
  const books = join(folder, `${name}-books`)
  mkdirSync(books)
  const [config, list] = [join(books, 'ca.cnf'), join(folder, `${name}.crl`)]
  writeFileSync(join(books, 'index.txt'), '')
  const lines = [
    '[ca]',
    'default_ca = books',
    '[books]',
    `database = ${join(books, 'index.txt')}`,
    'default_md = sha256',
  ]
  writeFileSync(config, `${[...lines, 'default_crl_days = 1'].join('\n')}\n`)
  const authority = ['-config', config, '-cert', by.cert, '-keyfile', by.key]
  if (revoked !== undefined) openssl('ca', ...authority, '-revoke', revoked)
  openssl('ca', ...authority, '-gencrl', '-out', list)
  return list
}

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' })
}
