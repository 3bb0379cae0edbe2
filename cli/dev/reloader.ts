/** Turns changes on the disk into changes of what runs, one after the other, and says what came of each. Loads and runs nothing itself. */
import { PyrallelError, toError } from '../../framework/model/errors.ts'
import type { Diagnostic } from '../diagnostics/diagnostic.ts'
import type { AppLoad, LoadedApp } from './app/app-loader.ts'
import type { AppliedChange } from './dev-runtime.ts'
import type { DevNote } from './view/dev-note.ts'

export interface ReloaderOptions {
  /** @param changed absolute */
  readonly load: (changed: readonly string[]) => Promise<AppLoad>
  readonly apply: (app: LoadedApp) => Promise<AppliedChange>
  readonly isRunning: () => boolean
  readonly say: (note: DevNote) => void
  /** After each attempt, whatever came of it: what is to be watched may have changed. */
  readonly onLoaded: () => void
  /** Warnings that were shown before: of the generator, and of config and environment. */
  readonly warnings: readonly Diagnostic[]
  readonly advice: readonly string[]
  /** Milliseconds; for what is told only. */
  readonly now: () => number
}

export class Reloader {
  readonly #options: ReloaderOptions
  #changed = new Set<string>()
  /** Settles when the reload that was begun last has ended. */
  #ended: Promise<void> = Promise.resolve()
  #isRunning = false
  /** What is wrong, as it was shown: the same mistake is not shown at every save. */
  #shown: string | undefined
  /** Files whose change led to a mistake: they count as changed until something has been loaded. */
  #unsettled: readonly string[] = []
  #isClosed = false
  /** Those of the code that runs: what was corrected and comes again is shown again. */
  #warned: ReadonlySet<string>
  #advised: readonly string[]

  constructor(options: ReloaderOptions) {
    this.#options = options
    this.#warned = new Set(options.warnings.map(nameOf))
    this.#advised = options.advice
  }

  onChange(files: readonly string[]): void {
    for (const file of files) this.#changed.add(file)
    if (!this.#isRunning && !this.#isClosed) this.#ended = this.#run()
  }

  /** Waits for the change that is under way; later ones are nobody's business any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#ended
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    try {
      while (this.#changed.size > 0 && !this.#isClosed) {
        const files = [...new Set([...this.#unsettled, ...this.#changed])]
        this.#changed = new Set()
        this.#unsettled = files
        const mistake = await this.#reload(files)
        if (mistake === undefined) this.#unsettled = []
        this.#options.onLoaded()
        if (this.#isClosed) return
        this.#tell(mistake)
      }
    } finally {
      // Here and not when somebody who waits for the end gets his turn: a change that comes between would wait for the next one.
      this.#isRunning = false
    }
  }

  /** @returns what was wrong */
  async #reload(files: readonly string[]): Promise<DevNote | undefined> {
    const { load, apply, say, now, isRunning } = this.#options
    const startedAt = now()
    try {
      const loaded = await load(files)
      if (loaded.kind === 'failed') {
        const [diagnostic, ...others] = loaded.diagnostics
        if (diagnostic === undefined) return undefined
        return { kind: 'mistake', diagnostic, more: others.length, isRunning: isRunning() }
      }
      if (loaded.app.isFresh) say({ kind: 'variables' })
      const change = await apply(loaded.app)
      const tookMs = now() - startedAt
      if (change.kind === 'restarted') say({ kind: 'restarted', options: change.options, tookMs })
      else if (change.update.replaced.length + change.update.groups.length > 0) {
        say({ kind: 'reloaded', ...change.update, tookMs, startFrom: loaded.app.project.config.kafka.startFrom })
        this.#shown = undefined
      }
      this.#warn(loaded.app.warnings)
      this.#advise(loaded.app.project.warnings)
      return undefined
    } catch (thrown) {
      const error = toError(thrown)
      const code = thrown instanceof PyrallelError ? thrown.code : error.name
      return { kind: 'error', code, message: error.message, isRunning: isRunning() }
    }
  }

  #warn(warnings: readonly Diagnostic[]): void {
    for (const diagnostic of warnings) {
      if (!this.#warned.has(nameOf(diagnostic))) this.#options.say({ kind: 'warned', diagnostic })
    }
    this.#warned = new Set(warnings.map(nameOf))
  }

  #advise(advice: readonly string[]): void {
    for (const message of advice) if (!this.#advised.includes(message)) this.#options.say({ kind: 'advice', message })
    this.#advised = advice
  }

  #tell(mistake: DevNote | undefined): void {
    const text = mistake === undefined ? undefined : JSON.stringify(mistake)
    if (mistake !== undefined && text !== this.#shown) this.#options.say(mistake)
    // After a reload that was told, this would say the same again.
    if (mistake === undefined && this.#shown !== undefined) this.#options.say({ kind: 'corrected' })
    this.#shown = text
  }
}

/** The same wherever it stands in its file. */
function nameOf({ file, code, message }: Diagnostic): string {
  return JSON.stringify([file, code, message])
}
