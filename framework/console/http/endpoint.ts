/** What an endpoint of the console is: its path, what it takes, and what it gives. */
import type { ServerResponse } from 'node:http'
import type { TSchema } from 'typebox'
import { badRequest } from './fault.ts'

export interface Asked {
  /** By the names in the path, decoded. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** What `body` of the endpoint says; undefined for a GET. */
  readonly body: unknown
  /** The address of the socket, for the log. */
  readonly from: string
  /** By the console of another process. */
  readonly isHandedOn?: boolean
}

export interface Endpoint {
  readonly method: 'GET' | 'POST'
  /** `/api/partitions/{group}/{topic}/{partition}`; no segment is a name and text at once. `{rest...}`, as the last: all that follow, encoded. */
  readonly path: string
  /** Of a POST: what it must bring. */
  readonly body?: TSchema
  /** Default 64 kB. */
  readonly maxBodyBytes?: number
  /** @returns plain JSON, or one of the answers below; @throws ApiFault */
  run(asked: Asked): unknown
}

/** JSON that has another status than 200. */
export class StatusAnswer {
  readonly status: number
  readonly value: unknown

  constructor(status: number, value: unknown) {
    this.status = status
    this.value = value
  }
}

/** A file to save. */
export class FileAnswer {
  /** Letters, digits, dots, dashes and underscores. */
  readonly name: string
  readonly contentType: string
  readonly body: Buffer

  constructor(name: string, contentType: string, body: Buffer) {
    this.name = name
    this.contentType = contentType
    this.body = body
  }
}

/** An answer without an end: whoever opens it writes head and body, and ends it. */
export class StreamAnswer {
  readonly open: (response: ServerResponse) => void

  constructor(open: (response: ServerResponse) => void) {
    this.open = open
  }
}

/** @throws ApiFault */
export function numberParam({ params }: Asked, name: string): number {
  const text = params[name] ?? ''
  const number = Number(text)
  if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(number)) return number
  throw badRequest(`${name} must be a whole number.`)
}

export function textParam({ params }: Asked, name: string): string {
  return params[name] ?? ''
}
