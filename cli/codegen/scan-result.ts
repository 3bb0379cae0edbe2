/** What goes into the scanner and what comes out: plain data on both sides, so that the compiler behind it can be changed. */
import type { Ordering } from '../../framework/model/work.ts'
import type { Diagnostic } from './diagnostic.ts'

export interface ScanRequest {
  /** The project's folder, absolute. */
  readonly root: string
  /** Handler files, relative to the project, with `/`. */
  readonly files: readonly string[]
  /** The group of handlers that name none. */
  readonly defaultGroup: string
}

/** What can be read of one handler without running it. */
export interface ScannedHandler {
  readonly id: string
  readonly file: string
  readonly topic: string
  /** `null`: the config's group. */
  readonly group: string | null
  /** `null`: the config's ordering. */
  readonly ordering: Ordering | null
}

export interface ScanResult {
  /** Sorted by id. */
  readonly handlers: readonly ScannedHandler[]
  /** Sorted by file, line and column. Not empty: nothing may be generated. */
  readonly diagnostics: readonly Diagnostic[]
}
