/** What the keys of a session do: send, pause, quit, help. Absent where there is no terminal. */

import type { KafkaConnection } from '../../framework/kafka/kafka-client.ts'
import { isTopicName } from '../../framework/model/topic-pattern.ts'
import type { ResolvedHandler, Runtime } from '../../framework/runtime/runtime.ts'
import { topicsOf } from '../project/declared-topics.ts'
import { readJson } from '../records/payload.ts'
import { declaredOf, recordOf, type SendRequest, sendRecord } from '../send/send-record.ts'
import { errorBlock } from '../terminal/failure.ts'
import type { HeldOutput } from '../terminal/held-output.ts'
import { Keyboard, terminalOf } from '../terminal/keyboard.ts'
import type { Paint } from '../terminal/paint.ts'
import type { TopicMaker } from './broker/topic-maker.ts'
import { type Answers, SendPrompt } from './send-prompt.ts'
import type { DevNote } from './view/dev-note.ts'
import { statusLines } from './view/status-lines.ts'

export interface DevKeysOptions {
  readonly stdin: unknown
  readonly stdout: unknown
  /** Held while the questions of `s` are on the screen. */
  readonly outputs: readonly HeldOutput[]
  readonly write: (text: string) => void
  readonly paint: Paint
  readonly runtime: () => Runtime | undefined
  readonly handlers: () => readonly ResolvedHandler[]
  readonly connection: KafkaConnection
  readonly topics: TopicMaker
  readonly say: (note: DevNote) => void
  /** Opens the console, or prints its address. */
  readonly onOpen: () => void
  readonly onQuit: () => void
  /** Ctrl-C. */
  readonly onInterrupt: () => void
}

export const keyHelp = '[s] send  [p] pause  [o] console  [?] what waits  [q] quit'

export class DevKeys {
  readonly #options: DevKeysOptions
  readonly #keyboard: Keyboard
  readonly #prompt: SendPrompt
  #isAsking = false
  #isClosed = false

  private constructor(options: DevKeysOptions, input: NonNullable<ReturnType<typeof terminalOf>>) {
    this.#options = options
    this.#keyboard = new Keyboard({
      input,
      write: (text) => options.write(text),
      onKey: (key) => this.#onKey(key),
      onInterrupt: () => options.onInterrupt(),
    })
    this.#prompt = new SendPrompt({
      input,
      output: options.stdout as NodeJS.WritableStream,
      topics: () => [...new Set(options.handlers().map(({ route }) => route.topic))].filter(isTopicName).sort(),
      send: (answers) => this.#send(answers),
      showError: (error) => options.write(errorBlock(error, options.paint, false)),
    })
  }

  /** `undefined` where keys cannot be read one by one. */
  static open(options: DevKeysOptions): DevKeys | undefined {
    const input = terminalOf(options.stdin)
    if (input === undefined || (options.stdout as { readonly isTTY?: boolean }).isTTY !== true) return undefined
    const keys = new DevKeys(options, input)
    keys.#keyboard.open()
    return keys
  }

  close(): void {
    this.#isClosed = true
    this.#prompt.cancel()
    this.#keyboard.close()
    for (const output of this.#options.outputs) output.release()
  }

  #onKey(key: string): void {
    const { runtime, say, write, paint, onOpen, onQuit } = this.#options
    switch (key.toLowerCase()) {
      case 's':
        void this.#ask()
        return
      case 'p': {
        const running = runtime()
        if (running === undefined) return
        const isPaused = running.paused.length > 0
        if (isPaused) running.resume()
        else running.pause()
        say({ kind: isPaused ? 'resumed' : 'paused', handlers: running.paused })
        return
      }
      case 'o':
        onOpen()
        return
      case 'q':
        onQuit()
        return
      case '?':
      case 'h':
        write(
          `\n  ${keyHelp}\n${statusLines(runtime()?.snapshot(), paint)
            .map((line) => `  ${line}\n`)
            .join('')}\n`,
        )
        return
      default:
      // Any other key means nothing.
    }
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    const { outputs } = this.#options
    this.#keyboard.release()
    for (const output of outputs) output.hold()
    try {
      await this.#prompt.ask()
    } finally {
      for (const output of outputs) output.release()
      this.#isAsking = false
      // The session may have ended over the questions.
      if (!this.#isClosed) this.#keyboard.open()
    }
  }

  async #send({ topic, value, key }: Answers): Promise<void> {
    const { handlers, connection, topics, write, paint } = this.#options
    const declared = topicsOf(handlers())
    const request: SendRequest = {
      topic,
      written: readJson(value, 'the value'),
      key: key === '' ? undefined : key,
      headers: [],
      count: 1,
      declared,
    }
    const record = await recordOf(request)
    // Of a topic that nobody reads, it is a typing error more likely than a wish.
    if (declaredOf(topic, declared) !== undefined) await topics.ensure(connection, topic)
    const sent = await sendRecord(record, request, connection)
    const withKey = sent.key === null ? 'without a key' : `key ${sent.key}`
    write(`  ${paint('green', '✓')} sent to ${topic}, ${withKey}\n`)
  }
}
