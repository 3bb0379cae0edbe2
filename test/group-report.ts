/** Turns the events of node's test runner into text: node's own `spec` output under a heading per group, its counts kept for the end. Judges nothing. */
import { spec, type TestEvent } from 'node:test/reporters'
import { groupOf } from './test-groups.ts'

export interface GroupResult {
  readonly tests: number
  readonly failed: number
  /** The sum over the group's files, which run side by side. Milliseconds. */
  readonly durationMs: number
}

const countLine = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/
const nothing: GroupResult = { tests: 0, failed: 0, durationMs: 0 }

export class GroupReport {
  readonly #groups = new Map<string, GroupResult>()
  readonly #counts: string[] = []
  #failures = 0

  /** Node's own closing lines, as `tests 12`. Complete once `text` has ended. */
  get counts(): readonly string[] {
    return this.#counts
  }

  /** Failures of any kind: tests, suites, files that could not be loaded. */
  get failures(): number {
    return this.#failures
  }

  group(name: string): GroupResult {
    return this.#groups.get(name) ?? nothing
  }

  async *text(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
    const inner = new spec()
    let current = ''
    for await (const event of events) {
      if (event.type === 'test:diagnostic' && event.data.nesting === 0 && countLine.test(event.data.message)) {
        this.#counts.push(event.data.message)
        continue
      }
      if (event.type === 'test:start' && event.data.file !== undefined && groupOf(event.data.file) !== current) {
        current = groupOf(event.data.file)
        yield `\n── ${current} ──\n`
      }
      this.#record(event)
      inner.write(event)
      yield String(inner.read() ?? '')
    }
    inner.end()
    for await (const rest of inner) yield String(rest)
  }

  #record(event: TestEvent): void {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') return
    // A test that fails and is marked as `todo` is reported as failed, and is not a failure.
    const failed = event.type === 'test:fail' && event.data.todo === undefined
    if (failed) this.#failures++
    const { file, nesting, details } = event.data
    if (file === undefined) return
    const name = groupOf(file)
    const before = this.group(name)
    const counts = details.type !== 'suite'
    this.#groups.set(name, {
      tests: before.tests + (counts ? 1 : 0),
      failed: before.failed + (counts && failed ? 1 : 0),
      durationMs: before.durationMs + (nesting === 0 ? details.duration_ms : 0),
    })
  }
}
