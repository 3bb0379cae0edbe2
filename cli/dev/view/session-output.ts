/** All that a session writes: events and notes on standard output, log lines on standard error. Both can be held back. */
import type { ResolvedConfig } from '../../../framework/config/config.ts'
import type { Logger } from '../../../framework/model/logger.ts'
import { createLogger } from '../../../framework/observability/logger.ts'
import { prettyLine } from '../../../framework/observability/pretty-line.ts'
import type { ResolvedHandler } from '../../../framework/runtime/runtime.ts'
import type { Clock } from '../../../framework/time/clock.ts'
import { HeldOutput } from '../../terminal/held-output.ts'
import { hasColor, type Io } from '../../terminal/io.ts'
import { type Paint, painter } from '../../terminal/paint.ts'
import { LogFold } from './log-fold.ts'
import { SessionView } from './session-view.ts'

export interface SessionOutputOptions {
  readonly io: Io
  readonly clock: Clock
  readonly isJson: boolean
  /** The project's folder, absolute. */
  readonly root: string
  readonly handlers: readonly ResolvedHandler[]
}

export class SessionOutput {
  readonly paint: Paint
  readonly view: SessionView
  readonly #isJson: boolean
  readonly #stdout: HeldOutput
  readonly #stderr: HeldOutput
  readonly #fold: LogFold

  constructor({ io, clock, isJson, root, handlers }: SessionOutputOptions) {
    this.#isJson = isJson
    this.#stdout = new HeldOutput(io.stdout)
    this.#stderr = new HeldOutput(io.stderr)
    const isColored = hasColor(io.stderr, io.env)
    this.#fold = new LogFold({ clock, write: (line) => this.#stderr.write(prettyLine(line, isColored)) })
    this.paint = painter(hasColor(io.stdout, io.env))
    const write = (text: string) => this.#stdout.write(text)
    this.view = new SessionView({ write, clock, paint: this.paint, isJson, root, handlers })
  }

  /** Held while somebody else has the terminal. */
  get outputs(): readonly HeldOutput[] {
    return [this.#stdout, this.#stderr]
  }

  /** On standard error, so that standard output carries nothing but events. */
  logOf({ logging }: ResolvedConfig): Logger {
    const { level, pretty } = logging
    const isForPeople = pretty === 'auto' ? !this.#isJson : pretty
    const write = (line: string) => (isForPeople ? this.#fold.write(line) : this.#stderr.write(line))
    return createLogger({ level, pretty: false }, { write })
  }

  /** Without it, its last lines are missing. */
  close(): void {
    try {
      this.#fold.close()
    } finally {
      this.view.close()
    }
  }
}
