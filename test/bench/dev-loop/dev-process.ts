/** `pyrallel dev` on such a project, as a process of its own on the in-memory broker. Says when new code has handled its first record. */
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HANDLERS, handlerText } from './handler-project.ts'

export class DevProcess {
  readonly #root: string
  readonly #child: ChildProcess
  readonly #ended: Promise<never>
  #err = ''
  #look = () => {}
  #version = 0

  /** @param command the file that Node runs as `pyrallel` */
  constructor(root: string, command: string) {
    this.#root = root
    // 2,500 records a second, for 50 handlers in turn: each gets one every 20 ms.
    const argv = [command, 'dev', '--broker', 'memory', '--traffic', '--rate', '2500']
    this.#child = spawn(process.execPath, argv, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#err += chunk
      this.#look()
    })
    this.#ended = new Promise((_resolve, reject) => {
      this.#child.once('exit', (code) => reject(new Error(`dev ended with ${code}\n${this.#err}`)))
    })
    this.#ended.catch(() => {})
  }

  async ready(): Promise<void> {
    for (let number = 0; number < HANDLERS; number++) await this.#ranAt(number, 0)
  }

  /** Milliseconds from the save of a handler's file to its new code at work. */
  async save(number: number, types = 0): Promise<number> {
    this.#version++
    const savedAt = Date.now()
    writeFileSync(join(this.#root, `handlers/handler-${number}.ts`), handlerText(number, this.#version, types))
    return (await this.#ranAt(number, this.#version)) - savedAt
  }

  suspend(): void {
    this.#child.kill('SIGSTOP')
  }

  resume(): void {
    this.#child.kill('SIGCONT')
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #ranAt(number: number, version: number): Promise<number> {
    const ran = new Promise<number>((resolve) => {
      this.#look = () => {
        const found = new RegExp(`^runs ${number} ${version} (\\d+)`, 'm').exec(this.#err)
        if (found !== null) resolve(Number(found[1]))
      }
      this.#look()
    })
    return Promise.race([this.#ended, ran])
  }
}
