/** A process with a member of another consumer, which writes what it has done. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { eventually } from './member-process.ts'

export interface OtherPlan {
  readonly brokers: string
  readonly group: string
  readonly topic: string
  /** For what it has done. */
  readonly file: string
  /** The prefix of keys that are never done. */
  readonly stuck?: string
  /** How many records are done before those whose keys begin with `late`, which only Pyrallel-Consumer heeds. */
  readonly others?: number
}

export class OtherMember {
  readonly #child: ChildProcess
  readonly #file: string
  #output = ''

  constructor(t: TestContext, command: readonly string[], plan: OtherPlan) {
    const [program = '', ...args] = command
    const { brokers, group, topic, file, stuck = '', others = 0 } = plan
    this.#file = file
    this.#child = spawn(program, [...args, brokers, group, topic, file, stuck, String(others)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (text) => {
        this.#output = (this.#output + String(text)).slice(-4_000)
      })
    t.after(() => this.kill())
  }

  /** Places of records that it has done, `partition offset`. */
  get done(): ReadonlySet<string> {
    return new Set(existsSync(this.#file) ? readFileSync(this.#file, 'utf8').split('\n').filter(Boolean) : [])
  }

  async untilDone(count: number): Promise<void> {
    await eventually(
      () => `${count} records are done, not ${this.done.size}\n${this.#output.slice(-500)}`,
      () => this.done.size >= count || this.#child.exitCode !== null,
    )
    assert.equal(this.#child.exitCode, null, this.#output)
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}
