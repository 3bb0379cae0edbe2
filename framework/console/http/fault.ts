/** A request that gets no answer, and why: the one error that endpoints of the console throw. */
export const faultStatuses = {
  'bad-request': 400,
  'token-in-query': 400,
  'no-token': 401,
  'wrong-token': 401,
  forbidden: 403,
  'actions-off': 403,
  'not-found': 404,
  method: 405,
  conflict: 409,
  'too-large': 413,
  'content-type': 415,
  misdirected: 421,
  'too-many-wrong-tokens': 429,
  broken: 500,
  'too-many-streams': 503,
  'not-running': 503,
  'instance-dead': 503,
  'instance-refused': 503,
} as const
export type ErrorAnswerCode = keyof typeof faultStatuses

export class ApiFault extends Error {
  readonly code: ErrorAnswerCode
  readonly next: string
  /** Of a conflict: how what was to be changed stands now. */
  readonly record: object | undefined

  /**
   * @param message the facts, one sentence
   * @param next what to do, one sentence
   */
  constructor(code: ErrorAnswerCode, message: string, next: string, record?: object) {
    super(message)
    this.name = 'ApiFault'
    this.code = code
    this.next = next
    this.record = record
  }

  get status(): number {
    return faultStatuses[this.code]
  }
}

export function badRequest(message: string): ApiFault {
  return new ApiFault('bad-request', message, 'docs/console.md has what each path takes.')
}

export function notFound(message: string): ApiFault {
  return new ApiFault('not-found', message, 'docs/console.md has all paths; GET /api has the groups and handlers.')
}

export function notRunning(): ApiFault {
  return new ApiFault('not-running', 'No handlers run at the moment.', 'Ask again in a second: they are starting.')
}
