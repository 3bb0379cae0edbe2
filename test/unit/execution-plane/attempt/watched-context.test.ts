/** A handler's context that somebody watches: the same to the handler. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { HandlerContext } from '../../../../framework/api/handler.ts'
import { topic } from '../../../../framework/api/topic.ts'
import { WatchedContext } from '../../../../framework/execution-plane/attempt/watched-context.ts'
import { recordedLog } from '../../kafka/recorded-log.ts'

const orders = topic<{ readonly id: string }>('orders')

describe('a watched context', () => {
  it('tells of each publish before it is begun, and gives the promise of the context itself', () => {
    const seen: unknown[] = []
    const acknowledged = Promise.resolve()
    const publish: HandlerContext['publish'] = (...published) => {
      seen.push(published)
      return acknowledged
    }
    const context = new WatchedContext({ ...plain(), publish }, (to) => seen.push(to))
    const own = context.publish
    assert.equal(own(orders, { id: 'o1' }, { key: 'k' }), acknowledged)
    assert.equal(context.publish('invoices', 1), acknowledged)
    assert.deepEqual(seen, [orders, [orders, { id: 'o1' }, { key: 'k' }], 'invoices', ['invoices', 1, undefined]])
  })

  it('begins no publish that its watcher refuses', () => {
    const publish = () => assert.fail('it was begun')
    const context = new WatchedContext({ ...plain(), publish }, () => {
      throw new TypeError('not this one')
    })
    assert.throws(() => context.publish('invoices', 1), /not this one/)
  })

  it('asks for the log and the signal, which are made then, when the handler does', () => {
    const asked: string[] = []
    const given = plain()
    const watched: HandlerContext = {
      ...given,
      get log() {
        asked.push('log')
        return given.log
      },
      get signal() {
        asked.push('signal')
        return given.signal
      },
    }
    const context = new WatchedContext(watched, () => undefined)
    assert.deepEqual([context.deadline, context.services, asked], [7, given.services, []])
    assert.deepEqual([context.log, context.signal, asked], [given.log, given.signal, ['log', 'signal']])
  })
})

function plain(): HandlerContext {
  return {
    log: recordedLog().log,
    signal: new AbortController().signal,
    deadline: 7,
    publish: () => Promise.resolve(),
    services: {},
  }
}
