/** The key that somebody looks for: as text, or in base64 where it is none. */
import { badRequest } from './http/fault.ts'

export interface AskedKey {
  readonly key?: string | undefined
  readonly keyBase64?: string | undefined
}

/**
 * @returns undefined where neither is there
 * @throws ApiFault for both, and for what is no base64, which would find another key, or none
 */
export function askedKey({ key, keyBase64 }: AskedKey): Buffer | undefined {
  if (keyBase64 === undefined) return key === undefined ? undefined : Buffer.from(key)
  if (key !== undefined) throw badRequest('Send one of key and keyBase64.')
  const bytes = Buffer.from(keyBase64, 'base64')
  if (bytes.toString('base64').replace(/=+$/, '') === keyBase64.replace(/=+$/, '')) return bytes
  throw badRequest(`keyBase64 is '${keyBase64}', which is no base64. The page of a record shows that of its key.`)
}
