/** Whatever throws around a handler (its tracer, its log, its record's own bytes): the attempt is answered for, once, and the engine closes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { batchHandler, type HandlerDefinition, handler } from '../../../framework/api/handler.ts'
import { AsyncEngine } from '../../../framework/execution-plane/engines/async-engine.ts'
import type { Logger } from '../../../framework/model/logger.ts'
import type { KafkaRecord } from '../../../framework/model/record.ts'
import type { CompletionEvent, Epoch, Outcome } from '../../../framework/model/work.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import type { AttemptSpan, AttemptTracer } from '../../../framework/tracing/attempt-tracer.ts'
import { recordedLog } from '../kafka/recorded-log.ts'

interface Parts {
  readonly definition?: HandlerDefinition<unknown>
  readonly trace?: AttemptTracer
  readonly log?: Logger
}

const boom = (): never => {
  throw new Error('thrown beside the handler')
}

/** A record one of whose parts cannot be read. */
function broken(part: 'value' | 'key' | 'timestamp', offset = 1): KafkaRecord {
  const record = { topic: 'orders', partition: 0, offset, key: Buffer.from('k'), value: Buffer.from('{}'), headers: [] }
  if (part === 'timestamp') return Object.defineProperty({ ...record, timestamp: 0 }, part, { get: boom })
  return { ...record, timestamp: 0, [part]: Object.assign(Buffer.from('{}'), { toString: boom }) }
}

const whole: KafkaRecord = { ...broken('key'), key: null }

async function run(parts: Parts, records: readonly KafkaRecord[] = [whole]) {
  const { log, lines } = recordedLog()
  const clock = new ManualClock()
  const completions: CompletionEvent[] = []
  let calls = 0
  const count = () => {
    calls++
  }
  const engine = new AsyncEngine({
    handlerId: 'billing',
    definition: handler<unknown>('orders', count),
    concurrency: 10,
    timeoutMs: 100,
    abandonAfterMs: 50,
    publish: async () => {},
    log,
    clock,
    ...parts,
  })
  await engine.start((completion) => completions.push(completion))
  engine.submit({ id: 1, handlerId: 'billing', epoch: 1 as Epoch, records, attempts: records.map(() => 1) })
  await nextTurn()
  await nextTurn()
  return { engine, clock, completions, lines, calls: () => calls }
}

/** Each item was answered for, nothing is left in the engine's book, and it closes. */
async function onlyOutcome({ engine, completions }: Awaited<ReturnType<typeof run>>): Promise<Outcome> {
  assert.equal(completions.length, 1)
  assert.equal(engine.inFlight, 0)
  await engine.close(60_000)
  assert.equal(completions.length, 1)
  const { outcome } = completions[0]!
  assert.ok(outcome.kind !== 'recalled')
  return outcome
}

const span = (overrides: Partial<AttemptSpan> = {}): AttemptSpan => ({
  run: (call) => call(),
  end: () => {},
  ...overrides,
})

describe('an attempt whose record cannot be read', () => {
  for (const [part, reason] of [['value', 'undecodable'] as const, ['timestamp', 'handler'] as const]) {
    it(`fails with the reason: its ${part}`, async () => {
      const outcome = await onlyOutcome(await run({}, [broken(part)]))
      assert.ok(outcome.kind === 'failed')
      assert.equal(outcome.failure.reason, reason)
      assert.match(outcome.failure.message, /thrown beside the handler/)
    })
  }

  it('fails by itself in a batch whose other records are handled', async () => {
    let sizes = 0
    const definition = batchHandler<unknown>('orders', (batch) => {
      sizes += batch.size
    })
    const outcome = await onlyOutcome(await run({ definition }, [whole, broken('value', 2)]))
    assert.ok(outcome.kind === 'partial')
    assert.deepEqual([...outcome.failures.keys()], [1])
    assert.equal(sizes, 1)
  })

  it('is told all the same where its key cannot be shown', async () => {
    const definition = handler<unknown>('orders', { retry: { when: boom } }, boom)
    const ran = await run({ definition }, [broken('key')])
    assert.equal((await onlyOutcome(ran)).kind, 'failed')
    assert.equal(ran.lines.filter(({ level }) => level === 'error').length, 1)
  })
})

describe('an attempt whose tracing throws', () => {
  const table: readonly (readonly [where: string, trace: AttemptTracer])[] = [
    ['when the span is begun, or a propagator reads the headers', boom],
    ['when the span is entered', () => span({ run: boom })],
    [
      'when the span is left',
      () =>
        span({
          run: (call) => {
            call()
            return boom()
          },
        }),
    ],
    ['when the span is ended', () => span({ end: boom })],
  ]
  for (const [where, trace] of table) {
    it(`has the outcome of its handler, which runs once: ${where}`, async () => {
      const ran = await run({ trace })
      assert.deepEqual(await onlyOutcome(ran), { kind: 'succeeded' })
      assert.equal(ran.calls(), 1)
      const told = ran.lines.filter(({ level }) => level === 'error').map(({ message }) => message)
      assert.deepEqual(told, ['tracing has failed; the attempt goes on without it'])
    })

    it(`has the outcome of its handler when that ends later: ${where}`, async () => {
      const definition = handler<unknown>('orders', async () => {
        await nextTurn()
        throw new Error('the handler itself')
      })
      const ran = await run({ trace, definition })
      await nextTurn()
      const outcome = await onlyOutcome(ran)
      assert.ok(outcome.kind === 'failed')
      assert.equal(outcome.failure.message, 'the handler itself')
    })
  }
})

describe('an attempt whose log throws', () => {
  const throwing = (part: 'child' | 'lines'): Logger => {
    const line = part === 'lines' ? boom : () => {}
    const log: Logger = { debug: line, info: line, warn: line, error: line, child: part === 'child' ? boom : () => log }
    return log
  }
  for (const part of ['child', 'lines'] as const) {
    it(`fails when its handler meets that: ${part}`, async () => {
      const definition = handler<unknown>('orders', (_record, { log }) => log.info({}, 'charged'))
      const outcome = await onlyOutcome(await run({ definition, log: throwing(part) }))
      assert.ok(outcome.kind === 'failed')
      assert.equal(outcome.failure.message, 'thrown beside the handler')
    })

    it(`is answered for when a line of our own meets that: ${part}`, async () => {
      const definition = handler<unknown>('orders', { retry: { when: boom } }, async () => {
        throw new Error('the handler itself')
      })
      const outcome = await onlyOutcome(await run({ definition, log: throwing(part), trace: boom }))
      assert.ok(outcome.kind === 'failed')
      assert.equal(outcome.failure.message, 'the handler itself')
    })

    it(`is given up when it ignores its signal, and the engine closes: ${part}`, async () => {
      const definition = handler<unknown>('orders', () => new Promise(() => {}))
      const { engine, clock, completions } = await run({ definition, log: throwing(part) })
      clock.advance(150)
      assert.equal(completions[0]?.outcome.kind, 'timed-out')
      engine.submit({ id: 2, handlerId: 'billing', epoch: 1 as Epoch, records: [whole], attempts: [1] })
      await nextTurn()
      await engine.close(0)
      assert.equal(completions[1]?.outcome.kind, 'interrupted')
    })
  }
})

describe('the span of a handler that ignores its signal', () => {
  const hanging = handler<unknown>('orders', () => new Promise(() => {}))

  it('ends, once, when the handler is given up after its deadline', async () => {
    const ended: string[] = []
    const trace = () => span({ end: ({ kind }) => ended.push(kind) })
    const { engine, clock } = await run({ definition: hanging, trace })
    clock.advance(149)
    assert.deepEqual(ended, [])
    clock.advance(1)
    assert.deepEqual(ended, ['timed-out'])
    await engine.close(0)
    assert.deepEqual(ended, ['timed-out'])
  })

  it('ends as interrupted when the engine has to close', async () => {
    const ended: string[] = []
    const { engine } = await run({ definition: hanging, trace: () => span({ end: ({ kind }) => ended.push(kind) }) })
    await engine.close(0)
    assert.deepEqual(ended, ['interrupted'])
  })

  it('has ended when the handler settles after all, and is not ended again', async () => {
    const ended: string[] = []
    let settle = (): void => {}
    const definition = handler<unknown>('orders', () => new Promise<void>((resolve) => (settle = resolve)))
    const { engine, clock } = await run({ definition, trace: () => span({ end: ({ kind }) => ended.push(kind) }) })
    clock.advance(150)
    settle()
    await nextTurn()
    assert.equal(engine.abandoned, 0)
    assert.deepEqual(ended, ['timed-out'])
  })
})
