/** Log lines of handlers for a terminal: without what the line of their record says, and as one line a second where there are many. Knows no colours. */
import type { Clock, Timer } from '../../../framework/time/clock.ts'

/** Lines in one second that are shown one by one, as the records beside them are; nobody reads more. */
const LINES_PER_SECOND = 20
const WINDOW_MS = 1_000

/** What the line of the record says already. */
const ofRecord: readonly string[] = ['topic', 'partition', 'offset', 'key', 'attempt']

type Fields = Readonly<Record<string, unknown>>

export interface LogFoldOptions {
  /** Takes one line of JSON, as pino writes it. */
  readonly write: (line: string) => void
  readonly clock: Clock
}

export class LogFold {
  readonly #options: LogFoldOptions
  /** By handler, level and message, in the order in which they came: the newest line, and how many there were. */
  readonly #folded = new Map<string, { fields: Fields; count: number }>()
  #seen = 0
  /** The last second was too busy: this one is summed up from its beginning. */
  #isBusy = false
  #timer: Timer | undefined

  constructor(options: LogFoldOptions) {
    this.#options = options
  }

  /** Warnings, errors, and what no handler has said, pass as they are: each may be the only one of its kind. */
  write(line: string): void {
    const fields = handlerFields(line)
    if (fields === undefined) {
      this.#options.write(line)
      return
    }
    this.#seen++
    this.#timer ??= this.#options.clock.setTimer(WINDOW_MS, () => this.#endWindow())
    if (this.#isBusy || this.#seen > LINES_PER_SECOND) this.#fold(fields)
    else this.#options.write(`${JSON.stringify(withoutRecord(fields))}\n`)
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#writeFolded()
  }

  #fold(fields: Fields): void {
    const key = JSON.stringify([fields.handler, fields.level, fields.msg])
    this.#folded.set(key, { fields, count: (this.#folded.get(key)?.count ?? 0) + 1 })
  }

  #endWindow(): void {
    this.#timer = undefined
    this.#writeFolded()
    this.#isBusy = this.#seen > LINES_PER_SECOND
    this.#seen = 0
    // It must end by itself, too, when nothing comes any more.
    if (this.#isBusy) this.#timer = this.#options.clock.setTimer(WINDOW_MS, () => this.#endWindow())
  }

  #writeFolded(): void {
    for (const { fields, count } of this.#folded.values()) {
      const { time, level, handler, msg } = fields
      // One that came once has more to say than its number.
      const shown = count === 1 ? withoutRecord(fields) : { time, level, handler, msg: `${msg} × ${count}` }
      this.#options.write(`${JSON.stringify(shown)}\n`)
    }
    this.#folded.clear()
  }
}

/** The fields of a line that a handler has written about a record, when it is one that may be folded. */
function handlerFields(line: string): Fields | undefined {
  // Lines are JSON unless something else writes to the same place, and most of those are no objects.
  if (!line.includes('"offset":')) return undefined
  try {
    const fields = JSON.parse(line) as Fields
    const isMild = fields.level === 'info' || fields.level === 'debug'
    return isMild && typeof fields.handler === 'string' && typeof fields.offset === 'number' ? fields : undefined
  } catch {
    return undefined
  }
}

function withoutRecord(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !ofRecord.includes(name)))
}
