/** Asks the console's interface. Every request carries the token; every answer that is none becomes an error with the next step. */
import type { AboutAnswer } from '../../protocol.ts'
import type { ErrorAnswer } from '../../protocol-errors.ts'
import type { InstancesAnswer } from '../../protocol-groups.ts'
import type { RecordView } from '../../protocol-records.ts'
import { instance } from './instance.ts'
import { token } from './token.ts'

export class RequestError extends Error {
  readonly status: number
  readonly code: string
  /** What to do now. */
  readonly next: string
  /** Of a conflict about a record: what it is by now. */
  readonly record: RecordView | undefined

  constructor(status: number, { code, message, next, record }: ErrorAnswer['error']) {
    super(message)
    this.status = status
    this.code = code
    this.next = next
    this.record = record
  }
}

/** A path below the interface of the process that is looked at: `path('dead-letters', topic, 2, 19)`. */
export function path(...parts: readonly (string | number)[]): string {
  const { value: id } = instance
  return id === undefined ? ownPath(...parts) : ownPath('instances', id, ...parts)
}

/** The same of the process that serves the page. */
export function ownPath(...parts: readonly (string | number)[]): string {
  return ['api', ...parts.map((part) => encodeURIComponent(part))].join('/')
}

export async function get<Answer>(address: string, signal?: AbortSignal): Promise<Answer> {
  const response = await send(address, { ...(signal === undefined ? {} : { signal }) })
  return (await response.json()) as Answer
}

/** Who is looked at, and what may be done there. */
export async function getAbout(signal: AbortSignal): Promise<AboutAnswer> {
  const { value: id } = instance
  if (id === undefined) return await get<AboutAnswer>(ownPath(), signal)
  const { instances } = await get<InstancesAnswer>(ownPath('instances'), signal)
  const row = instances.find((each) => each.id === id)
  if (row === undefined || row.about === null) throw new Error(row?.why ?? `${id} is no instance any more.`)
  return row.about
}

export async function post<Answer>(address: string, body: unknown): Promise<Answer> {
  const response = await send(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return (await response.json()) as Answer
}

/** @throws RequestError for an answer that is none, TypeError where nobody answers */
export async function send(address: string, init: RequestInit = {}): Promise<Response> {
  const own = token()
  const headers = new Headers(init.headers)
  if (own !== undefined) headers.set('authorization', `Bearer ${own}`)
  const response = await fetch(address, { cache: 'no-store', credentials: 'omit', redirect: 'error', ...init, headers })
  if (response.ok) return response
  throw new RequestError(response.status, await errorOf(response))
}

async function errorOf(response: Response): Promise<ErrorAnswer['error']> {
  try {
    return ((await response.json()) as ErrorAnswer).error
  } catch {
    return {
      code: 'broken',
      message: `The server answered ${response.status}, and not in the way of the console.`,
      next: 'See whether a proxy stands between.',
    }
  }
}

/** For people: what went wrong, and what to do. */
export function errorText(error: unknown): string {
  if (error instanceof RequestError) return `${error.message} ${error.next}`
  if (error instanceof TypeError) return 'The server does not answer. It is asked again.'
  return error instanceof Error ? error.message : String(error)
}
