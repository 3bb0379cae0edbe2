/** Whatever a handler throws becomes plain data. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DeadLetter, RetryAfter } from '../../../../framework/api/handler.ts'
import { failureOf } from '../../../../framework/execution-plane/attempt/handler-failure.ts'
import type { Duration } from '../../../../framework/model/duration.ts'

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

function cyclicObject(): object {
  const cyclic: { self?: object } = {}
  cyclic.self = cyclic
  return cyclic
}

function errorWithBrokenGetters(): Error {
  const error = new Error('hidden')
  for (const property of ['stack', 'name', 'message', 'cause', 'constructor']) {
    Object.defineProperty(error, property, {
      get() {
        throw new Error(`no ${property}`)
      },
    })
  }
  return error
}

function errorThatCausesItself(): Error {
  const error = new Error('round and round')
  error.cause = error
  return error
}

const proxyThatRefuses = new Proxy(new Error('behind'), {
  get() {
    throw new Error('refused')
  },
  getPrototypeOf() {
    throw new Error('refused')
  },
})

describe('failureOf', () => {
  const table: readonly (readonly [what: string, thrown: unknown, name: string, message: string])[] = [
    ['an error', new Error('no'), 'Error', 'no'],
    ['a type error', new TypeError('no'), 'TypeError', 'no'],
    ['a frozen error', Object.freeze(new RangeError('no')), 'RangeError', 'no'],
    ['a text', 'no', 'Error', 'no'],
    ['undefined', undefined, 'Error', 'thrown value: undefined'],
    ['null', null, 'Error', 'thrown value: null'],
    ['a number', 7, 'Error', 'thrown value: 7'],
    ['a big integer', 7n, 'Error', 'thrown value that cannot be shown'],
    ['a symbol', Symbol('no'), 'Error', 'thrown value: Symbol(no)'],
    ['a plain object', { code: 7 }, 'Error', 'thrown value: {"code":7}'],
    ['an object like an error', { name: 'Refused', message: 'no' }, 'Refused', 'no'],
    ['an object without prototype', Object.create(null), 'Error', 'thrown value: {}'],
    ['a cyclic object', cyclicObject(), 'Error', 'thrown value that cannot be shown'],
    ['an error without a message', new Error(''), 'Error', 'no message'],
    [
      'an error with a code and no message',
      Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }),
      'AggregateError',
      'ECONNREFUSED',
    ],
    ['an error whose getters throw', errorWithBrokenGetters(), 'Error', 'no message'],
    ['a proxy that refuses everything', proxyThatRefuses, 'Error', 'thrown value that cannot be shown'],
    ['a revoked proxy', revokedProxy(), 'Error', 'thrown value that cannot be shown'],
  ]
  for (const [what, thrown, name, message] of table) {
    it(`tells ${what} as retryable plain data`, () => {
      const { stack, ...failure } = failureOf(thrown)
      assert.deepEqual(failure, { reason: 'handler', name, message, retryable: true })
      assert.deepEqual(structuredClone({ ...failure, stack }), { ...failure, stack })
    })
  }

  it('follows causes and the errors of an aggregate into the stack', () => {
    const refused = new AggregateError([new Error('::1 refused'), new Error('127.0.0.1 refused')], '')
    const { stack } = failureOf(new TypeError('fetch failed', { cause: refused }))
    assert.match(
      stack ?? '',
      /^TypeError: fetch failed\n[\s\S]*caused by AggregateError[\s\S]*caused by Error: ::1 refused[\s\S]*127\.0\.0\.1 refused/,
    )
  })

  it('ends where an error causes itself', () => {
    const { stack } = failureOf(errorThatCausesItself())
    assert.equal(stack?.match(/round and round/g)?.length, 1)
  })

  it('cuts what is too long to travel in a header, and keeps the places of its stack', () => {
    const long = new Error('x'.repeat(1_000_000))
    long.name = 'N'.repeat(1_000_000)
    const { name, message, stack } = failureOf(long)
    assert.equal(message.length, 2_048)
    assert.equal(name.length, 256)
    assert.match(stack ?? '', /^[^\n]{2047}…\n {4}at .*handler-failure\.test\.ts:/)
    const deep = new Error('deep')
    deep.stack = `Error: deep\n${'    at f (file.ts:1:1)\n'.repeat(1_000)}`
    assert.equal(failureOf(deep).stack?.length, 8_192)
  })

  it('takes the delay of RetryAfter', () => {
    assert.equal(failureOf(new RetryAfter('2m')).retryAfterMs, 120_000)
    assert.equal(failureOf(new RetryAfter(0)).retryAfterMs, 0)
  })

  it('leaves the delay to the policy when that of RetryAfter is no duration', () => {
    const { stack: _, ...failure } = failureOf(new RetryAfter('soon' as Duration, 'busy'))
    assert.deepEqual(failure, { reason: 'handler', name: 'RetryAfter', message: 'busy', retryable: true })
  })

  it('knows a subclass of DeadLetter, and a DeadLetter from another copy of the library', () => {
    class Declined extends DeadLetter {}
    const fromAnotherCopy = Object.assign(new Error('no'), { name: 'DeadLetter' })
    for (const thrown of [new Declined('no'), fromAnotherCopy]) {
      assert.equal(failureOf(thrown).reason, 'dead-letter')
      assert.equal(failureOf(thrown).retryable, false)
    }
  })
})
