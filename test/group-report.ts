/** Shows one group's run of node's test runner as node's own `spec` text, and keeps its counts for the end. Judges nothing. */
import { basename } from 'node:path'
import { spec, type TestEvent } from 'node:test/reporters'
import { inspect } from 'node:util'

/** Node's closing counts, in its order. */
const countNames = ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo', 'duration_ms'] as const
export type Counts = Readonly<Record<(typeof countNames)[number], number>>

/** In characters. */
const longestAccount = 3000

const countLine = new RegExp(`^(${countNames.join('|')}) ([\\d.]+)$`)

export class GroupReport {
  readonly #counts: Partial<Record<string, number>> = {}
  /** Files whose processes died, or ended with an error that no test of theirs has: the runner's text does not say how. */
  readonly deaths: string[] = []
  /** Tests that failed, each with the suites that it is in: titles go on with the sentence of their suite. */
  readonly failures: string[] = []
  /** Of each of `failures`, its title and its error, cut where it is long. */
  readonly accounts: string[] = []
  /** Tests and suites that were left out, named as in `failures`, each with its reason. */
  readonly leftOut: string[] = []
  /** Of the test that is told at the moment, and of the suites around it. */
  #names: string[] = []

  /** Complete once `text` has ended, of all parts. */
  get counts(): Counts {
    return namedCounts((name) => this.#counts[name] ?? 0)
  }

  /** Of a group that runs in several parts: one after the other. */
  async *text(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
    const inner = new spec()
    for await (const event of events) {
      this.#noteDeath(event)
      this.#noteFailure(event)
      this.#noteSkip(event)
      const count =
        event.type === 'test:diagnostic' && event.data.nesting === 0 ? countLine.exec(event.data.message) : null
      if (count?.[1] === undefined) {
        inner.write(event)
        yield String(inner.read() ?? '')
      } else this.#counts[count[1]] = (this.#counts[count[1]] ?? 0) + Number(count[2])
    }
    inner.end()
    for await (const rest of inner) yield String(rest)
  }

  #noteFailure(event: TestEvent): void {
    if (event.type === 'test:start') {
      const { nesting, name } = event.data
      this.#names = [...this.#names.slice(0, nesting), name]
    }
    if (event.type !== 'test:fail') return
    // Of a suite it says no more than that one of its tests has failed.
    if ((event.data.details.error as ProcessError).failureType === 'subtestsFailed') return
    const title = [...this.#names.slice(0, event.data.nesting), event.data.name].join(' › ')
    this.failures.push(title)
    const { cause } = event.data.details.error as ProcessError
    this.accounts.push(`✖ ${title}\n${inspect(cause ?? event.data.details.error).slice(0, longestAccount)}\n`)
  }

  #noteSkip(event: TestEvent): void {
    if (event.type !== 'test:pass' || event.data.skip === undefined || event.data.skip === false) return
    const why = typeof event.data.skip === 'string' ? event.data.skip : 'no reason is given'
    this.leftOut.push(`${[...this.#names.slice(0, event.data.nesting), event.data.name].join(' › ')}: ${why}`)
  }

  #noteDeath(event: TestEvent): void {
    if (event.type !== 'test:fail' || event.data.nesting !== 0) return
    const { failureType, exitCode, signal } = event.data.details.error as ProcessError
    if (failureType !== 'testCodeFailure' || exitCode === undefined) return
    this.deaths.push(`${basename(event.data.name)} ended with ${signal ?? exitCode}`)
  }
}

/** What the runner has as the error of a file's process. */
interface ProcessError {
  readonly failureType?: string
  readonly cause?: unknown
  readonly exitCode?: number | null
  readonly signal?: string | null
}

export function sumOfCounts(all: readonly Counts[]): Counts {
  return namedCounts((name) => all.reduce((sum, counts) => sum + counts[name], 0))
}

/** As node's test runner ends its output. */
export function closingLines(counts: Counts): readonly string[] {
  return countNames.map((name) => `# ${name} ${counts[name]}`)
}

function namedCounts(countOf: (name: keyof Counts) => number): Counts {
  return {
    tests: countOf('tests'),
    suites: countOf('suites'),
    pass: countOf('pass'),
    fail: countOf('fail'),
    cancelled: countOf('cancelled'),
    skipped: countOf('skipped'),
    todo: countOf('todo'),
    duration_ms: countOf('duration_ms'),
  }
}
