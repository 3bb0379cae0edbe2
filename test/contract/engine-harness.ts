/** Drives one engine for a test and keeps the books on what every engine owes: laws 1 and 2 are checked at the end of each test. */

import assert from 'node:assert/strict'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { Publish } from '../../framework/api/handler.ts'
import type { Attribution } from '../../framework/execution-plane/attempt/attribution.ts'
import type { Keeping } from '../../framework/execution-plane/attempt/prepared-handler.ts'
import type { ExecutionEngine } from '../../framework/execution-plane/execution-engine.ts'
import { KnownSchemas } from '../../framework/formats/known-schemas.ts'
import type { Logger } from '../../framework/model/logger.ts'
import type { KafkaRecord } from '../../framework/model/record.ts'
import type { CompletionEvent, Epoch, HandlerFailure, Outcome, Recalled, WorkItem } from '../../framework/model/work.ts'
import type { OutputRules } from '../../framework/publishing/output-rules.ts'
import { publishInto } from '../../framework/publishing/publisher.ts'
import { systemClock } from '../../framework/time/clock.ts'
import { GATE, NEWS, type Order } from './engine-handlers.ts'

export interface EngineSetup {
  /** An export of test/contract/engine-handlers.ts or scripted-handlers.ts. */
  readonly handlerName:
    | 'doesAsTold'
    | 'checked'
    | 'nested'
    | 'batched'
    | 'scripted'
    | 'scriptedBatch'
    | 'inFormat'
    | 'inFormatBatch'
    | 'inJson'
    | 'inProtobuf'
    | 'keyed'
    | 'keyedBatch'
  readonly concurrency: number
  readonly timeoutMs: number
  readonly abandonAfterMs: number
  readonly publish: Publish
  /** The engine is of an exactly-once group. */
  readonly outputs?: OutputRules | undefined
  readonly log: Logger
  readonly schemas: KnownSchemas
  /** Of engines without threads, whose handlers leave faults behind in this process. */
  readonly attribution?: Attribution
}

/** For engines without threads. */
export function keepingOf({ outputs: rules }: EngineSetup): Keeping | undefined {
  return rules === undefined ? undefined : { publishInto: publishInto(), rules }
}

/** Makes an engine that is not started. */
export type CreateEngine = (setup: EngineSetup) => ExecutionEngine

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}

interface Gate {
  readonly open: () => void
  readonly refuse: (error: Error) => void
}

export class EngineHarness implements AsyncDisposable {
  readonly engine: ExecutionEngine
  readonly completions: CompletionEvent[] = []
  readonly news: unknown[] = []
  readonly logs: LogLine[] = []
  readonly #gates = new Map<string, Gate>()
  readonly #submitted = new Set<number>()
  readonly #faults: string[] = []
  readonly #waiters = new Set<() => void>()
  #isSubmitting = false
  #nextId = 1

  constructor(create: CreateEngine, setup: Partial<Omit<EngineSetup, 'publish' | 'log'>> = {}) {
    this.engine = create({
      handlerName: 'doesAsTold',
      concurrency: 16,
      timeoutMs: 60_000,
      abandonAfterMs: 60_000,
      schemas: new KnownSchemas(async () => ({ kind: 'unanswered', why: 'nothing answers' }), systemClock()),
      ...setup,
      publish: (to, value) => this.#publish(typeof to === 'string' ? to : to.name, value),
      log: this.#logger({}),
    })
  }

  static async started(
    create: CreateEngine,
    setup: Partial<Omit<EngineSetup, 'publish' | 'log'>> = {},
  ): Promise<EngineHarness> {
    const harness = new EngineHarness(create, setup)
    await harness.start()
    return harness
  }

  start(): Promise<void> {
    return this.engine.start((completion) => this.#onCompletion(completion))
  }

  order(order: Order, record: Partial<KafkaRecord> = {}): number {
    return this.submit(Buffer.from(JSON.stringify(order)), record)
  }

  submit(value: Buffer | null, record: Partial<KafkaRecord> = {}, attempt = 1): number {
    return this.#submit([{ value, ...record }], [attempt])
  }

  /** One work item with a record for each value, at offsets from 0. */
  submitBatch(values: readonly (object | string)[], attempts = values.map(() => 1)): number {
    const bytes = values.map((value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)))
    return this.#submit(
      bytes.map((value, offset) => ({ value, offset, key: Buffer.from(`key-${offset}`) })),
      attempts,
    )
  }

  /** The same with bytes. */
  submitRecords(values: readonly Buffer[], keyOf = (offset: number) => Buffer.from(`key-${offset}`)): number {
    return this.#submit(
      values.map((value, offset) => ({ value, offset, key: keyOf(offset) })),
      values.map(() => 1),
    )
  }

  #submit(
    records: readonly (Partial<KafkaRecord> & Pick<KafkaRecord, 'value'>)[],
    attempts: readonly number[],
  ): number {
    const id = this.#nextId++
    const common = { topic: 'orders', partition: 0, offset: id, key: null, headers: [], timestamp: 0 }
    const raw = records.map((record): KafkaRecord => ({ ...common, ...record }))
    const item: WorkItem = { id, handlerId: 'suite', epoch: 1 as Epoch, records: raw, attempts }
    this.#isSubmitting = true
    try {
      this.engine.submit(item)
      this.#submitted.add(id)
    } finally {
      this.#isSubmitting = false
    }
    return id
  }

  /** Waits until something that the engine says or does makes it true. The test's own time limit ends a wait in vain. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.#waiters.add(resolve))
  }

  /** The same, for what no completion and no news announces. */
  async polled(isSo: () => boolean): Promise<void> {
    while (!isSo()) await sleep(5)
  }

  async outcomeOf(id: number): Promise<Outcome> {
    const answer = await this.answerOf(id)
    assert.ok(answer.kind !== 'recalled', `item ${id} was taken back`)
    return answer
  }

  async answerOf(id: number): Promise<Outcome | Recalled> {
    const find = () => this.completions.find((completion) => completion.workId === id)
    await this.until(() => find() !== undefined)
    return find()!.outcome
  }

  async failureOf(id: number): Promise<HandlerFailure> {
    const outcome = await this.outcomeOf(id)
    assert.ok('failure' in outcome, `item ${id} ${outcome.kind}`)
    return outcome.failure
  }

  /** The handler with this gate has reached it. */
  async atGate(name: string): Promise<void> {
    await this.until(() => this.#gates.has(name))
  }

  open(name: string): void {
    this.#gates.get(name)!.open()
  }

  refuse(name: string, error: Error): void {
    this.#gates.get(name)!.refuse(error)
  }

  /** Closes the engine, lets what still runs run out, and checks the books. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine.close(0)
    const atClose = this.completions.length
    for (const gate of this.#gates.values()) gate.open()
    for (let turn = 0; turn < 5; turn++) await nextTurn()
    assert.equal(this.completions.length, atClose, 'law 2: a completion came after close() had settled')
    assert.deepEqual(this.#faults, [])
    const answered = this.completions.map((completion) => completion.workId).sort((a, b) => a - b)
    assert.deepEqual(answered, [...this.#submitted], 'law 1: one completion for each submitted item')
  }

  #onCompletion(completion: CompletionEvent): void {
    if (this.#isSubmitting) this.#faults.push(`law 2: item ${completion.workId} was completed inside submit()`)
    if (!(completion.durationMs >= 0)) this.#faults.push(`item ${completion.workId} took ${completion.durationMs} ms`)
    this.completions.push(completion)
    this.#changed()
  }

  async #publish(topic: string, value: unknown): Promise<void> {
    if (topic === GATE) {
      const opened = new Promise<void>((open, refuse) => this.#gates.set(String(value), { open, refuse }))
      this.#changed()
      return opened
    }
    assert.equal(topic, NEWS)
    this.news.push(value)
    this.#changed()
  }

  #logger(bindings: object): Logger {
    const line = (level: LogLine['level']) => (fields: object, message: string) => {
      this.logs.push({ level, fields: { ...bindings, ...fields }, message })
      this.#changed()
    }
    return {
      debug: line('debug'),
      info: line('info'),
      warn: line('warn'),
      error: line('error'),
      child: (more) => this.#logger({ ...bindings, ...more }),
    }
  }

  #changed(): void {
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const wake of waiters) wake()
  }
}
