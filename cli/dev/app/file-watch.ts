/** Tells which files have changed, came or went, a burst of changes as one. Reads no file. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, join, sep } from 'node:path'
import type { FSWatcher } from 'chokidar'
import type { Clock, Timer } from '../../../framework/time/clock.ts'

/** Editors write in several steps, and save several files at once. Longer: a save takes longer to run. */
const QUIET_MS = 10
/** A burst that does not end (a checkout, a formatter) is told in parts. */
const LONGEST_BURST_MS = 500
/** For 50 ms after a change, chokidar tells no other one of the same file: a formatter that runs on save would be missed. */
const LOOK_AGAIN_MS = 60
/** How often it is asked whether a file has come that is waited for. */
const APPEARS_WITHIN_MS = 200
/** File systems round the time of a change down, to what the kernel's clock has last ticked. */
const TICK_MS = 10

export interface FileWatchOptions {
  /** The project's folder, absolute. */
  readonly root: string
  readonly clock: Clock
  /** When the files were read that are watched, milliseconds since the Unix epoch: what has changed after that is told at once. */
  readonly since: number
  /** @param files absolute, each once, in the order of their first change */
  readonly onChange: (files: readonly string[]) => void
  readonly onError: (error: Error) => void
}

export class FileWatch {
  readonly #options: FileWatchOptions
  readonly #watcher: FSWatcher
  readonly #handlers: string
  /** Outside of handlers/. */
  readonly #files = new Set<string>()
  /** Of these, and handlers/ itself, what is not there. chokidar would watch their folders, but not before it says that it is ready. */
  readonly #awaited = new Set<string>()
  #changed = new Set<string>()
  #quiet: Timer | undefined
  #burstSince: number | undefined
  /** How files were when they were told last, and the look that is due for that. */
  readonly #told = new Map<string, { readonly signature: string; readonly look: Timer }>()
  readonly #looks = new Set<Timer>()
  #poll: Timer | undefined

  private constructor(options: FileWatchOptions, watcher: FSWatcher) {
    this.#options = options
    this.#watcher = watcher
    this.#handlers = join(options.root, 'handlers')
  }

  /**
   * Watches handlers/ as a whole. Settles once every change that comes is told.
   * @param watched files outside of handlers/. Asked again at the end: what is told before it settles may have others loaded, which nobody could hand over.
   */
  static async open(options: FileWatchOptions, watched: () => readonly string[]): Promise<FileWatch> {
    const { watch } = await import('chokidar')
    const watcher = watch([], { ignoreInitial: true, ignored: (path) => isIgnored(basename(path)) })
    const opened = new FileWatch(options, watcher)
    watcher.on('all', (event, path) => opened.#onEvent(event, path))
    watcher.on('error', (error) => options.onError(error instanceof Error ? error : new Error(String(error))))
    const ready = new Promise<void>((resolve) => watcher.once('ready', () => resolve()))
    const files = watched()
    opened.#watch(opened.#handlers)
    opened.setFiles(files)
    if (files.some((file) => existsSync(file)) || existsSync(opened.#handlers)) await ready
    for (const file of [...files, ...filesBelow(opened.#handlers)]) {
      const stats = statSync(file, { throwIfNoEntry: false })
      if (stats !== undefined && stats.mtimeMs > options.since - TICK_MS) opened.#onChange(file)
    }
    opened.setFiles(watched())
    opened.#pollAwaited()
    return opened
  }

  /** These files outside of handlers/, and no others; also such that do not exist yet. */
  setFiles(files: readonly string[]): void {
    const wanted = new Set(files.filter((file) => !this.#isInHandlers(file)))
    const gone = [...this.#files].filter((file) => !wanted.has(file))
    if (gone.length > 0) this.#watcher.unwatch(gone)
    for (const file of gone) {
      this.#files.delete(file)
      this.#awaited.delete(file)
    }
    for (const file of wanted) {
      if (this.#files.has(file)) continue
      this.#files.add(file)
      this.#watch(file)
    }
  }

  async close(): Promise<void> {
    this.#quiet?.cancel()
    this.#poll?.cancel()
    for (const timer of this.#looks) timer.cancel()
    await this.#watcher.close()
  }

  #watch(path: string): void {
    if (existsSync(path)) this.#watcher.add(path)
    else this.#awaited.add(path)
  }

  #pollAwaited(): void {
    this.#poll = this.#options.clock.setTimer(APPEARS_WITHIN_MS, () => {
      for (const path of [...this.#awaited]) {
        if (!existsSync(path)) continue
        this.#awaited.delete(path)
        this.#watcher.add(path)
        for (const file of path === this.#handlers ? filesBelow(path) : [path]) this.#onChange(file)
      }
      this.#pollAwaited()
    })
  }

  #onEvent(event: string, path: string): void {
    // Once gone, it is watched no longer: an editor may write it anew.
    if ((event === 'unlink' && this.#files.has(path)) || (event === 'unlinkDir' && path === this.#handlers)) {
      this.#awaited.add(path)
    }
    const isOfFile = event === 'add' || event === 'change' || event === 'unlink'
    if (isOfFile && (this.#files.has(path) || this.#isInHandlers(path))) this.#onChange(path)
  }

  #isInHandlers(file: string): boolean {
    return file.startsWith(this.#handlers + sep)
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
      this.#lookAgainAt(files)
      this.#options.onChange(files)
    })
  }

  /** Before they are read: what is written while they are must count as another change. */
  #lookAgainAt(files: readonly string[]): void {
    const signatures = files.map((file) => [file, signatureOf(file)] as const)
    const look = this.#options.clock.setTimer(LOOK_AGAIN_MS, () => {
      this.#looks.delete(look)
      for (const file of files) {
        const told = this.#told.get(file)
        // Told again meanwhile: the look that is due for that is the one that counts.
        if (told?.look !== look) continue
        this.#told.delete(file)
        if (told.signature !== signatureOf(file)) this.#onChange(file)
      }
    })
    this.#looks.add(look)
    for (const [file, signature] of signatures) this.#told.set(file, { signature, look })
  }
}

/** Tells one content from another without reading it. */
function signatureOf(file: string): string {
  const stats = statSync(file, { bigint: true, throwIfNoEntry: false })
  return stats === undefined ? 'absent' : `${stats.mtimeNs}/${stats.size}/${stats.ino}`
}

function filesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return []
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

/** Editors' swap files, and what is nobody's source. */
function isIgnored(name: string): boolean {
  return name === 'node_modules' || (name.startsWith('.') && !name.startsWith('.env') && name !== '.')
}
