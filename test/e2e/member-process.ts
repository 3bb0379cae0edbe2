/** The test's end of one member process: starts it, reads what it writes, stops or kills it. Knows nothing of what is right. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import { setTimeout as delay } from 'node:timers/promises'
import { bundleScripts } from '../bundled-scripts.ts'
import type { LogLine, MemberCommand, MemberLine, MemberPlan } from './member-log.ts'

/** Bundled: when many start at once on a small machine, those that run already would miss their heartbeats. */
const script = (await bundleScripts('test/e2e', ['member'])).fileOf('member')
const lookEveryMs = 20
const startWithinMs = 60_000
const stopWithinMs = 45_000

/** Of the time between two looks, so much counts: a machine that was suspended meanwhile has given nobody a chance. */
const countsAtMostMs = 2_000

/** Polls a condition that no event of this process announces, at most `withinMs`. */
export async function eventually(
  what: string | (() => string),
  condition: () => boolean | Promise<boolean>,
  withinMs = 60_000,
): Promise<void> {
  let waitedMs = 0
  let lookedAt = performance.now()
  while (!(await condition())) {
    const now = performance.now()
    waitedMs += Math.min(now - lookedAt, countsAtMostMs)
    lookedAt = now
    if (waitedMs > withinMs) assert.fail(`not within ${withinMs} ms: ${typeof what === 'string' ? what : what()}`)
    await delay(lookEveryMs)
  }
}

export class MemberProcess {
  readonly plan: MemberPlan
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  readonly #lines: MemberLine[] = []
  readonly #file: number
  readonly #decoder = new StringDecoder()
  #rest = ''
  #stderr = ''

  constructor(plan: MemberPlan) {
    this.plan = plan
    writeFileSync(plan.file, '')
    this.#file = openSync(plan.file, 'r')
    this.#child = fork(script, [JSON.stringify(plan)], {
      // Nothing of the test's own process, which reads the sources through a loader.
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#child.stderr?.on('data', (text) => {
      this.#stderr = (this.#stderr + String(text)).slice(-4_000)
    })
    this.#exited = new Promise((resolve) => this.#child.once('exit', () => resolve()))
  }

  get name(): string {
    return this.plan.name
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Everything written up to now. */
  get lines(): readonly MemberLine[] {
    this.#readOn()
    return this.#lines
  }

  /** Partitions that it holds, as far as it has said. */
  get partitions(): readonly number[] {
    const held = new Set<number>()
    for (const line of this.lines) {
      if (line.kind === 'assigned') held.add(line.partition)
      else if (line.kind === 'revoked' || line.kind === 'lost') held.delete(line.partition)
    }
    return [...held].sort((a, b) => a - b)
  }

  count(kind: MemberLine['kind']): number {
    return this.lines.reduce((sum, line) => sum + (line.kind === kind ? 1 : 0), 0)
  }

  /** Log lines with this message. */
  logged(message: string): readonly LogLine[] {
    return this.lines.filter((line) => line.kind === 'log').filter((line) => line.message === message)
  }

  /** Events of the runtime with this name. */
  events(name: string): readonly object[] {
    return this.lines.filter((line) => line.kind === 'event').filter((line) => line.name === name)
  }

  /** What its metrics page says of this series now: `name{label="value"}`. Its plan must ask for the page. */
  async metric(series: string): Promise<number> {
    const [line] = this.logged('operators are answered over HTTP')
    const page = await (await fetch(`${line?.fields.url}/metrics`)).text()
    const found = page.split('\n').find((each) => each.startsWith(`${series} `))
    return found === undefined ? assert.fail(`the page has no ${series}\n${page}`) : Number(found.slice(series.length))
  }

  /** What it answers to operators who ask for this page, as a status. Its plan must ask for the pages. */
  async status(path: string): Promise<number> {
    const [line] = this.logged('operators are answered over HTTP')
    return (await fetch(`${line?.fields.url}${path}`)).status
  }

  /** Waits until what it has written satisfies the condition. Fails at once when the process ends before. */
  async until(what: string, condition: () => boolean, withinMs?: number): Promise<void> {
    await eventually(
      () => `${this.name}: ${what}\n${this.describe()}`,
      () => {
        const isAlive = this.isAlive
        if (condition()) return true
        if (!isAlive) assert.fail(`${this.name} has ended before: ${what}\n${this.describe()}`)
        return false
      },
      withinMs,
    )
  }

  async started(): Promise<this> {
    await this.until('it has started', () => this.count('started') > 0, startWithinMs)
    return this
  }

  release(key: string): void {
    this.#child.send({ release: key } satisfies MemberCommand)
  }

  /** @returns what gives them back */
  holdThreads(count: number): () => void {
    const folder = mkdtempSync(join(tmpdir(), 'held-threads-'))
    const pipes = Array.from({ length: count }, (_, number) => join(folder, `${number}`))
    execFileSync('mkfifo', pipes)
    this.#child.send({ holdThreads: pipes } satisfies MemberCommand)
    return () => {
      // For both directions, so that nobody is waited for here. Closed once the other end is open, whose owner may be dead.
      const ends = pipes.map((pipe) => openSync(pipe, 'r+'))
      setTimeout(() => {
        for (const end of ends) closeSync(end)
        rmSync(folder, { recursive: true, force: true })
      }, 1_000)
    }
  }

  /** SIGTERM; fails unless it stops in order and the process then ends by itself. */
  async stop(withinMs = stopWithinMs): Promise<void> {
    this.#child.kill('SIGTERM')
    await eventually(
      () => `${this.name} has ended after SIGTERM\n${this.describe()}`,
      () => !this.isAlive,
      withinMs,
    )
    assert.equal(this.#child.exitCode, 0, `${this.name} ended with an error\n${this.describe()}`)
    assert.equal(this.count('stopped'), 1, `${this.name} has not stopped in order\n${this.describe()}`)
  }

  /** SIGSTOP: it stands where it is, and answers nothing, until `thaw`. */
  freeze(): void {
    this.#child.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child.kill('SIGCONT')
  }

  /** SIGKILL. May be called in any state, and twice. */
  async kill(): Promise<void> {
    if (this.isAlive) this.#child.kill('SIGKILL')
    await this.#exited
  }

  /** After the end; nothing is read any more. */
  close(): void {
    this.#readOn()
    closeSync(this.#file)
  }

  /** The last that it said, for a message; and of its log, which the records would push out, the last line of each kind. */
  describe(): string {
    const last = this.lines.slice(-Number(process.env.LAST ?? 15)).map((line) => `  ${JSON.stringify(line)}`)
    const kinds = new Map<string, { count: number; text: string }>()
    for (const line of this.lines) {
      if (line.kind !== 'log') continue
      const { why, fac, message } = line.fields
      if (/^(DUMP|PAUSE|PART|GRPASS)/.test(String(fac))) continue
      const text = [line.message, fac, why ?? message].filter((each) => each !== undefined).join(' ')
      const kind = text.replaceAll(/\d+/g, '#')
      const count = (kinds.get(kind)?.count ?? 0) + 1
      // Inserted anew, so that the order is that of the last ones.
      kinds.delete(kind)
      kinds.set(kind, { count, text: `  ${Math.round(line.at)} ${text}`.slice(0, 300) })
    }
    const log = [...kinds.values()]
      .slice(-40)
      .map(({ count, text }) => (count > 1 ? `${text} (${count} like it)` : text))
    return [
      `${this.name} holds [${this.partitions}]; its last lines:`,
      ...last,
      '  its log:',
      ...log,
      this.#stderr,
    ].join('\n')
  }

  #readOn(): void {
    const buffer = Buffer.alloc(65_536)
    for (;;) {
      let length = 0
      try {
        length = readSync(this.#file, buffer)
      } catch {
        // Closed: all that there was has been read.
        return
      }
      if (length === 0) return
      const parts = (this.#rest + this.#decoder.write(buffer.subarray(0, length))).split('\n')
      this.#rest = parts.pop() ?? ''
      for (const part of parts) this.#lines.push(JSON.parse(part) as MemberLine)
    }
  }
}
