/** Asks on the terminal for a topic, a value and a key, and sends the record. Keeps nothing but the last answers, to offer them again. */
import { createInterface, type Interface } from 'node:readline/promises'
import type { ReadStream } from 'node:tty'

export interface Answers {
  readonly topic: string
  /** JSON. */
  readonly value: string
  /** Empty: the topic's own key of the value. */
  readonly key: string
}

export interface SendPromptOptions {
  readonly input: ReadStream
  readonly output: NodeJS.WritableStream
  /** Offered, and completed with Tab. */
  readonly topics: () => readonly string[]
  readonly send: (answers: Answers) => Promise<void>
  readonly showError: (error: unknown) => void
}

/** Ctrl-C, Ctrl-D, or the session's end. */
const ended = new Error('the questions have been ended')

export class SendPrompt {
  readonly #options: SendPromptOptions
  #last: Answers = { topic: '', value: '', key: '' }
  #interface: Interface | undefined

  constructor(options: SendPromptOptions) {
    this.#options = options
  }

  /** Settles once the record is acknowledged or refused, or Ctrl-C or Ctrl-D has ended the questions. */
  async ask(): Promise<void> {
    const { send, showError, output } = this.#options
    const answers = await this.#answers()
    if (answers === undefined) {
      output.write('\n')
      return
    }
    this.#last = answers
    await send(answers).catch(showError)
  }

  async #answers(): Promise<Answers | undefined> {
    const { input, output, topics } = this.#options
    const known = topics()
    const completer = (line: string): [string[], string] => [known.filter((topic) => topic.startsWith(line)), line]
    const asking = createInterface({ input, output, terminal: true, historySize: 0, completer })
    this.#interface = asking
    let isOpen = true
    asking.once('SIGINT', () => asking.close())
    asking.once('close', () => {
      isOpen = false
    })
    // From here on every line is kept: several may come in one go, before there is time to ask for the second.
    const lines = asking[Symbol.asyncIterator]()
    const { topic, value } = this.#last
    const ask = (what: string, standard: string) => {
      if (!isOpen) throw ended
      return question(asking, lines, what, standard)
    }
    try {
      return {
        topic: await ask('topic', topic === '' ? (known[0] ?? '') : topic),
        value: await ask('value (JSON)', value === '' ? '{}' : value),
        key: await ask("key (empty: the topic's own)", ''),
      }
    } catch (error) {
      if (error === ended) return undefined
      throw error
    } finally {
      this.#interface = undefined
      asking.close()
    }
  }

  /** Ends the questions. */
  cancel(): void {
    this.#interface?.close()
  }
}

/** @throws `ended` */
async function question(
  asking: Interface,
  lines: AsyncIterator<string>,
  what: string,
  standard: string,
): Promise<string> {
  const offered = standard === '' ? '' : ` [${standard}]`
  asking.setPrompt(`  ${what}${offered}: `)
  asking.prompt()
  const answer = await lines.next()
  if (answer.done === true) throw ended
  return answer.value.trim() === '' ? standard : answer.value.trim()
}
