/** Keys of a terminal, one by one, without Enter. Whatever happens to the process, the terminal is given back as it was. */
import type { ReadStream } from 'node:tty'

/** Shows the cursor: a program that died before may have left it hidden, and so might a handler that draws. */
const SHOW_CURSOR = '\u001b[?25h'
const CTRL_C = '\u0003'
const CTRL_D = '\u0004'

export interface KeyboardOptions {
  readonly input: ReadStream
  /** For what the terminal itself must be told. */
  readonly write: (text: string) => void
  readonly onKey: (key: string) => void
  /** In raw mode, Ctrl-C is a key like others and sends no signal. */
  readonly onInterrupt: () => void
}

/** The input, when it is a terminal; undefined for a pipe, a file, and in tests. */
export function terminalOf(input: unknown): ReadStream | undefined {
  const stream = input as Partial<ReadStream>
  return stream.isTTY === true && typeof stream.setRawMode === 'function' ? (stream as ReadStream) : undefined
}

export class Keyboard {
  readonly #options: KeyboardOptions
  #isOpen = false
  /** Also called at the end of the process, however it ends: an exception in a handler must not cost the user the terminal. */
  readonly #restore = (): void => {
    if (!this.#isOpen) return
    this.#isOpen = false
    const { input, write } = this.#options
    input.off('data', this.#onData)
    input.setRawMode(false)
    input.pause()
    write(SHOW_CURSOR)
  }
  readonly #onData = (chunk: Buffer | string): void => {
    const text = chunk.toString()
    // An arrow key, or a text that was pasted: nothing that was meant as a command.
    if (text.length > 1 && !text.includes(CTRL_C)) return
    if (text.includes(CTRL_C) || text === CTRL_D) this.#options.onInterrupt()
    else this.#options.onKey(text)
  }

  constructor(options: KeyboardOptions) {
    this.#options = options
    process.on('exit', this.#restore)
  }

  open(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    const { input } = this.#options
    input.setRawMode(true)
    input.on('data', this.#onData)
    input.resume()
  }

  /** Gives the terminal to somebody else, until `open` is called again. */
  release(): void {
    this.#restore()
  }

  close(): void {
    this.#restore()
    process.off('exit', this.#restore)
  }
}
