/** Handlers against the config: what each gets, and what is refused before anything starts. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type HandlerOptions, handler } from '../../../framework/api/handler.ts'
import { resolveConfig } from '../../../framework/config/resolve-config.ts'
import { PyrallelError } from '../../../framework/model/errors.ts'
import { resolveHandlers } from '../../../framework/runtime/resolve-handlers.ts'
import type { RegisteredHandler } from '../../../framework/runtime/runtime.ts'

const config = resolveConfig(
  { group: 'shop', handlers: { concurrency: 7, timeout: '9s', retry: { attempts: 3, min: '1s', maxAge: '2h' } } },
  'pyrallel.config.ts',
)

function registered(
  options: HandlerOptions<unknown> | object = {},
  entry: Partial<RegisteredHandler> = {},
): RegisteredHandler {
  const topic = entry.topic ?? 'orders'
  return {
    id: 'pay',
    file: 'handlers/pay.ts',
    topic,
    group: null,
    handler: handler(topic, options as HandlerOptions<unknown>, () => {}),
    ...entry,
  }
}

function refusal(...handlers: readonly RegisteredHandler[]): PyrallelError {
  try {
    resolveHandlers(handlers, config)
  } catch (error) {
    assert.ok(error instanceof PyrallelError)
    return error
  }
  throw new assert.AssertionError({ message: 'nothing was refused' })
}

describe('resolveHandlers', () => {
  it("applies the config's defaults to what a handler leaves open", () => {
    const [resolved] = resolveHandlers([registered()], config)
    assert.equal(resolved?.group, 'shop')
    assert.equal(resolved.timeoutMs, 9_000)
    assert.deepEqual(resolved.route, {
      handlerId: 'pay',
      topic: 'orders',
      ordering: 'key',
      concurrency: 7,
      retry: {
        attempts: 3,
        backoff: 'exponential',
        minMs: 1_000,
        maxMs: 30_000,
        jitter: true,
        maxAgeMs: 7_200_000,
        then: 'dead-letter',
      },
      deadLetterTopic: 'orders.shop.dlq',
    })
  })

  it("lets a handler's own options win, one by one", () => {
    const options = { ordering: 'partition', concurrency: 2, timeout: 50, retry: { max: '2s' }, group: 'billing' }
    const [resolved] = resolveHandlers([registered(options, { group: 'billing' })], config)
    assert.equal(resolved?.group, 'billing')
    assert.equal(resolved.timeoutMs, 50)
    assert.equal(resolved.route.ordering, 'partition')
    assert.equal(resolved.route.concurrency, 2)
    assert.deepEqual(resolved.route.retry, {
      attempts: 3,
      backoff: 'exponential',
      minMs: 1_000,
      maxMs: 2_000,
      jitter: true,
      maxAgeMs: 7_200_000,
      then: 'dead-letter',
    })
    assert.equal(resolved.route.deadLetterTopic, 'orders.billing.dlq')
  })

  it('names the dead-letter topic that a handler chooses, or none when it writes false', () => {
    const [chosen] = resolveHandlers([registered({ deadLetter: { topic: 'graveyard' } })], config)
    assert.equal(chosen?.route.deadLetterTopic, 'graveyard')
    const [slim] = resolveHandlers([registered({ deadLetter: { payload: 'metadata' } })], config)
    assert.deepEqual([slim?.route.deadLetterTopic, slim?.route.deadLetterPayload], ['orders.shop.dlq', 'metadata'])
    const [dropped] = resolveHandlers([registered({ deadLetter: false })], config)
    assert.equal(dropped?.route.deadLetterTopic, null)
  })

  it('knows of no time of records until it is told where that stands, and then waits for an hour at most', () => {
    const delayOf = (options: object) => resolveHandlers([registered(options)], config)[0]?.route.delay
    assert.equal(delayOf({}), undefined)
    const notBefore = { header: 'at' }
    assert.equal(delayOf({ notBefore })?.maxDelayMs, 3_600_000)
    const chosen = delayOf({ notBefore, maxDelay: '5m' })
    const record = { topic: 'orders', partition: 0, offset: 0, key: null, value: null, timestamp: 0 }
    assert.equal(chosen?.maxDelayMs, 300_000)
    assert.equal(chosen.notBefore({ ...record, headers: [['at', Buffer.from('7')]] }), 7)
  })

  it('leaves every guard off until it is asked for', () => {
    const { route } = resolveHandlers([registered()], config)[0]!
    const guards = [route.rateLimit, route.adaptive, route.poison, route.maxBlockingMs]
    assert.deepEqual(guards, [undefined, undefined, undefined, undefined])
  })

  it("gives a handler its own guards over the config's, one by one", () => {
    const withGuards = resolveConfig(
      {
        group: 'shop',
        handlers: {
          rateLimit: 50,
          maxBlocking: '5m',
          poison: { threshold: 3, cooldown: '10s' },
          adaptive: { enabled: true, min: 2, interval: '2s' },
        },
      },
      'pyrallel.config.ts',
    )
    const [inherits] = resolveHandlers([registered()], withGuards)
    assert.equal(inherits?.route.rateLimit, 50)
    assert.equal(inherits.route.maxBlockingMs, 300_000)
    assert.deepEqual(inherits.route.poison, { threshold: 3, cooldownMs: 10_000 })
    assert.deepEqual(inherits.route.adaptive, { min: 2, intervalMs: 2_000 })
    const own = { rateLimit: 5, maxBlocking: 0, poison: { cooldown: '1m' }, adaptive: { enabled: false } }
    const [chooses] = resolveHandlers([registered(own)], withGuards)
    assert.equal(chooses?.route.rateLimit, 5)
    assert.deepEqual(chooses.route.poison, { threshold: 3, cooldownMs: 60_000 })
    assert.deepEqual([chooses.route.maxBlockingMs, chooses.route.adaptive], [undefined, undefined])
  })

  it('refuses an unknown option, with the file and what was probably meant', () => {
    const error = refusal(registered({ concurency: 5 }))
    assert.equal(error.code, 'PYR_HANDLER_OPTION')
    assert.equal(
      error.message,
      'handlers/pay.ts: there is no option concurency (its value is 5). Did you mean concurrency?',
    )
  })

  for (const [options, expected] of [
    [{ concurrency: 0 }, /option concurrency is 0, but must be a whole number from 1 to 10,000/],
    [{ ordering: 'kye' }, /option ordering is 'kye', but must be one of 'key', 'partition', 'unordered'/],
    [{ timeout: '5 minutes' }, /option timeout is '5 minutes', but must be a duration/],
    [{ retry: { attempt: 3 } }, /no option retry\.attempt .*Did you mean retry\.attempts\?/],
    [{ retry: 5 }, /option retry is 5, but must be an object/],
    [{ retry: { min: '1m' } }, /option retry\.min \(60000 ms\) is above retry\.max \(30000 ms\)/],
    [{ deadLetter: true }, /option deadLetter is true, but must be \{ topic: 'name', payload: .*, or false/],
    [{ deadLetter: { topic: 'orders' } }, /'orders', a topic that the handler reads/],
    [{ notBefore: 'send-at' }, /option notBefore is 'send-at', but must be \{ header: 'name' \}, or a function/],
    [{ notBefore: { header: '' } }, /option notBefore is .*, but must be \{ header: 'name' \}, or a function/],
    [
      { notBefore: { header: 'at', max: 5 } },
      /option notBefore is .*, but must be \{ header: 'name' \}, or a function/,
    ],
    [
      { notBefore: { header: 'at' }, maxDelay: '0s' },
      /option maxDelay is '0s', but must be a duration from 1ms to 168h/,
    ],
    [
      { notBefore: { header: 'at' }, deadLetter: false },
      /notBefore with deadLetter: false would drop records that never/,
    ],
    [{ maxDelay: '5m' }, /option maxDelay is for handlers with notBefore, and this one has none/],
    [{ filter: 'yes' }, /option filter is 'yes', but must be a function/],
    [{ rateLimit: 0 }, /option rateLimit is 0, but must be a whole number from 1 to 1,000,000/],
    [{ poison: 3 }, /option poison is 3, but must be an object/],
    [{ poison: { treshold: 3 } }, /no option poison\.treshold .*Did you mean poison\.threshold\?/],
    [{ adaptive: { enabled: true, min: 50 } }, /option adaptive\.min \(50\) is above concurrency \(7\)/],
    [{ poison: { threshold: 3 }, deadLetter: false }, /option poison\.threshold with deadLetter: false would drop/],
    [{ retry: { then: 'park' }, deadLetter: false }, /option retry\.then is 'park', and deadLetter: false would drop/],
    [{ maxBlocking: '1m', deadLetter: false }, /option maxBlocking with deadLetter: false would drop/],
    [{ retry: { when: 'always' } }, /option retry\.when is 'always', but must be a function of the error/],
    [{ retry: { delay: '5s' } }, /option retry\.delay is '5s', but must be a function of the attempt/],
  ] as const) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      const error = refusal(registered(options))
      assert.equal(error.code, 'PYR_HANDLER_OPTION')
      assert.match(error.message, expected)
      assert.ok(error.message.startsWith('handlers/pay.ts: '))
    })
  }

  it('refuses a dead-letter topic that Kafka would refuse for its length', () => {
    assert.match(refusal(registered({}, { topic: 'o'.repeat(245) })).message, /longer than 249 characters/)
  })

  it('refuses two handlers of one group on one topic, the default group included', () => {
    const error = refusal(
      registered(),
      registered({ group: 'shop' }, { id: 'other', file: 'handlers/other.ts', group: 'shop' }),
    )
    assert.equal(error.code, 'PYR_HANDLER_DUPLICATE')
    assert.match(error.message, /handlers\/other\.ts and handlers\/pay\.ts both read 'orders' in group 'shop'/)
  })

  it('lets two groups read one topic', () => {
    const other = registered({ group: 'audit' }, { id: 'audit', file: 'handlers/audit.ts', group: 'audit' })
    assert.equal(resolveHandlers([registered(), other], config).length, 2)
  })

  it('refuses two handlers with one id', () => {
    const error = refusal(registered(), registered({}, { file: 'handlers/b.ts', topic: 'others' }))
    assert.equal(error.code, 'PYR_HANDLER_DUPLICATE')
    assert.match(error.message, /same id 'pay'/)
  })

  for (const [what, entry] of [
    ['topic', { handler: handler('renamed', () => {}) }],
    ['group', { handler: handler('orders', { group: 'moved' }, () => {}) }],
    ['id', { handler: handler('orders', { id: 'renamed' }, () => {}) }],
  ] as const) {
    it(`refuses a ${what} that is not what was generated, which would move offsets unseen`, () => {
      const error = refusal(registered({}, entry))
      assert.equal(error.code, 'PYR_GENERATED_STALE')
      assert.match(error.message, new RegExp(`the ${what} is '(renamed|moved)'`))
    })
  }

  it('refuses a default export that is no handler', () => {
    assert.equal(refusal({ ...registered(), handler: {} as RegisteredHandler['handler'] }).code, 'PYR_HANDLER_EXPORT')
  })

  it('refuses a config that pauses a handler that there is not, and names the one that was probably meant', () => {
    const paused = (...ids: string[]) => resolveConfig({ group: 'shop', paused: ids }, 'pyrallel.config.ts')
    const [known] = resolveHandlers([registered({})], paused())
    const id = known?.route.handlerId ?? assert.fail('nothing was resolved')
    assert.equal(resolveHandlers([registered({})], paused(id)).length, 1)
    assert.throws(() => resolveHandlers([registered({})], paused(id, `${id}s`)), {
      code: 'PYR_CONFIG_INVALID',
      message: `Option paused (PYRALLEL_PAUSED) names '${id}s', and there is no such handler. Did you mean "${id}"?`,
    })
  })
})
