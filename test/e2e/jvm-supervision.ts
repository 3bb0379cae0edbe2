/** The test process's end of the channel to a process that owns JVMs: kafka-supervisor.mjs, registry-supervisor.mjs. Knows how to ask for a JVM's start and end, and nothing of what it runs. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

type Verb = 'start' | 'stop' | 'kill' | 'freeze' | 'thaw' | 'wait'

interface Reply {
  readonly id: number
  readonly error?: string
}

interface Pending {
  resolve(): void
  reject(error: Error): void
}

export class JvmSupervision {
  readonly #child: ChildProcess
  readonly #pending = new Map<number, Pending>()
  readonly #exited: Promise<void>
  #lastId = 0

  /** @param script a file beside this one */
  constructor(script: string, args: readonly string[]) {
    // Detached: Ctrl-C in a terminal must reach the tests only, which then end the JVMs in order.
    this.#child = fork(fileURLToPath(new URL(script, import.meta.url)), args, {
      detached: true,
      execArgv: [],
      stdio: 'ignore',
    })
    this.#child.on('message', (message) => this.#onReply(message as Reply))
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', () => {
        for (const pending of this.#pending.values()) pending.reject(new Error("the JVMs' supervisor has died"))
        this.#pending.clear()
        resolve()
      })
    })
    this.#holdProcess(false)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Asks for one verb on one broker; settles when it is done. */
  async ask(verb: Verb, node: number): Promise<void> {
    const id = ++this.#lastId
    this.#holdProcess(true)
    try {
      await new Promise<void>((resolve, reject) => {
        this.#pending.set(id, { resolve, reject })
        this.#child.send({ id, verb, node })
      })
    } finally {
      this.#pending.delete(id)
      if (this.#pending.size === 0) this.#holdProcess(false)
    }
  }

  /** Kills every JVM and removes the directory; settles when both are gone. */
  async end(): Promise<void> {
    this.#holdProcess(true)
    if (this.#child.connected) this.#child.disconnect()
    await this.#exited
  }

  #onReply(reply: Reply): void {
    const pending = this.#pending.get(reply.id)
    if (reply.error === undefined) pending?.resolve()
    else pending?.reject(new Error(reply.error))
  }

  // While nothing is asked, a forgotten cluster must not keep a test process from ending.
  #holdProcess(hold: boolean): void {
    if (hold) {
      this.#child.ref()
      this.#child.channel?.ref()
    } else {
      this.#child.unref()
      this.#child.channel?.unref()
    }
  }
}
