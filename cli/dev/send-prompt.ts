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
    const given = new AbortController()
    asking.once('SIGINT', () => given.abort())
    asking.once('close', () => given.abort())
    const { topic, value } = this.#last
    const ask = (what: string, standard: string) => question(asking, what, standard, given.signal)
    try {
      return {
        topic: await ask('topic', topic === '' ? (known[0] ?? '') : topic),
        value: await ask('value (JSON)', value === '' ? '{}' : value),
        key: await ask("key (empty: the topic's own)", ''),
      }
    } catch (error) {
      if (given.signal.aborted) return undefined
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

async function question(asking: Interface, what: string, standard: string, signal: AbortSignal): Promise<string> {
  const offered = standard === '' ? '' : ` [${standard}]`
  const answer = await asking.question(`  ${what}${offered}: `, { signal })
  return answer.trim() === '' ? standard : answer.trim()
}
