/** Runs one peer as a process group of its own, listens to it, watches what it uses, and ends it within its time. Knows no workload. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { type PeerMessage, type PeerResult, type PeerSettings, parseMessage } from '../peers/protocol.ts'
import { usageOfGroup } from './process-usage.ts'

/** A program and its first arguments; the settings are appended. */
export type Command = readonly string[]

export type PeerOutcome =
  | PeerMeasured
  | { readonly kind: 'calibrated'; readonly perSecond: number; readonly latencyMs: number }
  /** Ended by whoever started it. */
  | { readonly kind: 'killed' }
  | { readonly kind: 'failed'; readonly why: string }

export interface PeerMeasured {
  readonly kind: 'measured'
  readonly result: PeerResult
  /** Processor time while measuring; `undefined` where it cannot be known. */
  readonly cpuMs: number | undefined
  readonly peakBytes: number | undefined
}

export interface PeerHooks {
  /** Asks it to end by itself when it has measured, because it has something to write then. Default: it is killed. */
  readonly endsInOrder?: boolean
  onStarted?(): void
  /** @param violations of the order, until now */
  onProgress?(done: number, peer: LivePeer, violations: number): void
}

export interface LivePeer {
  /** The most memory until now. */
  readonly peakBytes: number | undefined
  /** The memory of now; `undefined` where it cannot be known. */
  readonly residentBytes: number | undefined
  /** Processor time that it has used until now; `undefined` where it cannot be known. */
  readonly cpuMs: number | undefined
  /** Ends it with SIGKILL. */
  kill(): void
  /** Takes the processor from all its processes until `resume`. */
  suspend(): void
  resume(): void
}

/** For a JVM or an interpreter to start, to join a group, and for the members of an earlier group to be given up. */
const START_LIMIT_MS = 30_000
/** Beyond the measuring window, for a peer that reports late because it is busy. */
const GRACE_MS = 10_000
/** For a peer that writes something when it ends. */
const END_LIMIT_MS = 10_000
const SAMPLE_MS = 250
const STDERR_KEPT = 2_000

/** Those that run. They are in groups of their own, so Ctrl-C does not reach them. */
const live = new Set<number>()
process.on('exit', () => {
  for (const pid of live) killGroup(pid)
})

export async function runPeer(command: Command, settings: PeerSettings, hooks: PeerHooks = {}): Promise<PeerOutcome> {
  return await new PeerProcess(command, settings, hooks).outcome
}

class PeerProcess implements LivePeer {
  readonly outcome: Promise<PeerOutcome>
  readonly #child: ChildProcess
  readonly #hooks: PeerHooks
  readonly #settle: (outcome: PeerOutcome) => void
  readonly #sampler: NodeJS.Timeout
  #limit: NodeJS.Timeout
  #stderr = ''
  #done = 0
  #cpuMsBefore: number | undefined
  #peakBytes: number | undefined

  constructor([program = '', ...args]: Command, settings: PeerSettings, hooks: PeerHooks) {
    this.#hooks = hooks
    const { promise, resolve } = withResolvers<PeerOutcome>()
    this.#settle = resolve
    this.outcome = promise.then((outcome) => this.#end(outcome))
    this.#child = spawn(program, [...args, JSON.stringify(settings)], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    if (this.#child.pid !== undefined) live.add(this.#child.pid)
    const { stdout, stderr } = this.#child
    if (stdout !== null) createInterface({ input: stdout }).on('line', (line) => this.#onLine(line, settings))
    stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_KEPT)
    })
    this.#child.once('error', (error) => this.#fail(error.message))
    // `close` and not `exit`: what it said last is still in the pipe.
    this.#child.once('close', (code, signal) => this.#fail(`it ended with ${signal ?? code}`))
    this.#limit = setTimeout(() => this.#fail(`no record within ${START_LIMIT_MS / 1_000} s`), START_LIMIT_MS)
    this.#sampler = setInterval(() => this.#sample(), SAMPLE_MS)
  }

  get peakBytes(): number | undefined {
    return this.#peakBytes
  }

  get residentBytes(): number | undefined {
    return this.#child.pid === undefined ? undefined : usageOfGroup(this.#child.pid)?.residentBytes
  }

  get cpuMs(): number | undefined {
    return this.#sample()
  }

  kill(): void {
    this.#settle({ kind: 'killed' })
  }

  suspend(): void {
    this.#signal('SIGSTOP')
  }

  resume(): void {
    this.#signal('SIGCONT')
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#child.pid !== undefined && !hasEnded(this.#child)) process.kill(-this.#child.pid, signal)
  }

  #onLine(line: string, settings: PeerSettings): void {
    const message = parseMessage(line)
    if (message !== undefined) this.#onMessage(message, settings)
  }

  #onMessage(message: PeerMessage, { warmUpMs, limitMs }: PeerSettings): void {
    switch (message.kind) {
      case 'started':
        this.#setLimit(warmUpMs + limitMs + GRACE_MS)
        this.#hooks.onStarted?.()
        return
      case 'measuring':
        this.#cpuMsBefore = this.#sample()
        return
      case 'progress':
        this.#done = message.done
        this.#hooks.onProgress?.(message.done, this, message.violations)
        return
      case 'done':
        this.#settle({ kind: 'measured', result: message, ...this.#use() })
        return
      case 'calibrated':
        this.#settle(message)
        return
      case 'failed':
        this.#fail(message.why)
    }
  }

  #use(): Pick<PeerMeasured, 'cpuMs' | 'peakBytes'> {
    const [before, now] = [this.#cpuMsBefore, this.#sample()]
    const cpuMs = before === undefined || now === undefined ? undefined : now - before
    return { cpuMs, peakBytes: this.#peakBytes }
  }

  #sample(): number | undefined {
    if (this.#child.pid === undefined) return undefined
    const usage = usageOfGroup(this.#child.pid)
    if (usage === undefined) return undefined
    this.#peakBytes = Math.max(this.#peakBytes ?? 0, usage.residentBytes)
    return usage.cpuMs
  }

  #setLimit(ms: number): void {
    clearTimeout(this.#limit)
    this.#limit = setTimeout(() => this.#fail(`not done within ${ms / 1_000} s, ${this.#done} records by then`), ms)
  }

  #fail(why: string): void {
    const last = this.#stderr.trim()
    this.#settle({ kind: 'failed', why: last === '' ? why : `${why}; it wrote: ${last}` })
  }

  async #end(outcome: PeerOutcome): Promise<PeerOutcome> {
    clearTimeout(this.#limit)
    clearInterval(this.#sampler)
    const { pid } = this.#child
    if (pid === undefined) return outcome
    if (this.#hooks.endsInOrder === true && outcome.kind === 'measured') await this.#endInOrder(pid)
    killGroup(pid)
    if (!hasEnded(this.#child)) await new Promise((resolve) => this.#child.once('exit', resolve))
    live.delete(pid)
    return outcome
  }

  async #endInOrder(pid: number): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()))
    if (hasEnded(this.#child)) return
    process.kill(pid, 'SIGTERM')
    const { promise, resolve } = withResolvers<void>()
    const timer = setTimeout(resolve, END_LIMIT_MS)
    await Promise.race([ended, promise])
    clearTimeout(timer)
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

function withResolvers<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
