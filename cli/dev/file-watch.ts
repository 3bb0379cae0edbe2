/** Tells which files have changed, came or went, a burst of changes as one. Reads no file. */
import { basename, join, sep } from 'node:path'
import type { FSWatcher } from 'chokidar'
import type { Clock, Timer } from '../../framework/runtime/clock.ts'

/** Editors write in several steps, and save several files at once. Longer: a save takes longer to run. */
const QUIET_MS = 15
/** A burst that does not end (a checkout, a formatter) is told in parts. */
const LONGEST_BURST_MS = 500

export interface FileWatchOptions {
  /** The project's folder, absolute. */
  readonly root: string
  readonly clock: Clock
  /** @param files absolute, each once, in the order of their first change */
  readonly onChange: (files: readonly string[]) => void
  readonly onError: (error: Error) => void
}

export class FileWatch {
  readonly #options: FileWatchOptions
  readonly #watcher: FSWatcher
  readonly #files = new Set<string>()
  #changed = new Set<string>()
  #quiet: Timer | undefined
  #burstSince: number | undefined

  private constructor(options: FileWatchOptions, watcher: FSWatcher) {
    this.#options = options
    this.#watcher = watcher
  }

  /** Watches handlers/ as a whole. Settles once every change that comes is told. */
  static async open(options: FileWatchOptions, files: readonly string[]): Promise<FileWatch> {
    const { watch } = await import('chokidar')
    const handlers = join(options.root, 'handlers')
    const watcher = watch([handlers, ...files], {
      ignoreInitial: true,
      ignored: (path) => isIgnored(basename(path)),
    })
    const opened = new FileWatch(options, watcher)
    for (const file of files) opened.#files.add(file)
    watcher.on('all', (event, path) => {
      const isOfFile = event === 'add' || event === 'change' || event === 'unlink'
      if (isOfFile && opened.#isWatched(path)) opened.#onChange(path)
    })
    watcher.on('error', (error) => options.onError(error instanceof Error ? error : new Error(String(error))))
    await new Promise<void>((resolve) => watcher.once('ready', () => resolve()))
    return opened
  }

  /** These files outside of handlers/, and no others; also such that do not exist yet. */
  setFiles(files: readonly string[]): void {
    const wanted = new Set(files)
    const gone = [...this.#files].filter((file) => !wanted.has(file) && !this.#isInHandlers(file))
    const added = files.filter((file) => !this.#files.has(file))
    if (gone.length > 0) this.#watcher.unwatch(gone)
    if (added.length > 0) this.#watcher.add(added)
    for (const file of gone) this.#files.delete(file)
    for (const file of added) this.#files.add(file)
  }

  async close(): Promise<void> {
    this.#quiet?.cancel()
    await this.#watcher.close()
  }

  /** A file that is not there yet is watched through its folder, of which nothing else matters. */
  #isWatched(file: string): boolean {
    return this.#files.has(file) || this.#isInHandlers(file)
  }

  #isInHandlers(file: string): boolean {
    return file.startsWith(join(this.#options.root, 'handlers') + sep)
  }

  #onChange(path: string): void {
    const { clock } = this.#options
    const now = clock.now()
    this.#changed.add(path)
    this.#burstSince ??= now
    this.#quiet?.cancel()
    const wait = Math.min(QUIET_MS, Math.max(0, this.#burstSince + LONGEST_BURST_MS - now))
    this.#quiet = clock.setTimer(wait, () => {
      const files = [...this.#changed]
      this.#changed = new Set()
      this.#burstSince = undefined
      this.#quiet = undefined
      this.#options.onChange(files)
    })
  }
}

/** Editors' swap files, and what is nobody's source. */
function isIgnored(name: string): boolean {
  return name === 'node_modules' || (name.startsWith('.') && !name.startsWith('.env') && name !== '.')
}
