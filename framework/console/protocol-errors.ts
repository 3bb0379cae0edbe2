/** What the console says where it has no answer. Types only. */
import type { ErrorAnswerCode } from './http/fault.ts'
import type { RecordView } from './protocol-records.ts'

/** Every answer that is none: statuses 400 401 403 404 405 409 413 415 421 429 500 503. */
export interface ErrorAnswer {
  readonly error: {
    readonly code: ErrorAnswerCode
    /** The facts, one sentence. */
    readonly message: string
    /** What to do now, one sentence. */
    readonly next: string
    /** Of `conflict` about a record: what it is by now. */
    readonly record?: RecordView
  }
}
