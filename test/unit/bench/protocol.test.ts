import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseMessage } from '../../bench/peers/protocol.ts'

const done = { kind: 'done', done: 10, measured: 8, elapsedMs: 4, violations: 0, repeats: 0, latency: [[3, 1]] }

describe('the protocol between runner and peers', () => {
  it('reads every kind of message', () => {
    const messages = [
      { kind: 'started' },
      { kind: 'measuring', done: 3 },
      { kind: 'progress', done: 4, violations: 1 },
      { kind: 'calibrated', perSecond: 10.5, latencyMs: 2 },
      { kind: 'failed', why: 'no broker' },
      done,
    ]
    for (const message of messages) assert.deepEqual(parseMessage(JSON.stringify(message)), message)
  })

  it('passes over what a library prints', () => {
    for (const line of ['', 'WARN: something', '{ not json', '{"kind":"other"}', '{}']) {
      assert.equal(parseMessage(line), undefined, line)
    }
  })

  it('takes progress of a peer that tells no violations as it goes, of an earlier checkout', () => {
    assert.deepEqual(parseMessage('{"kind":"progress","done":4}'), { kind: 'progress', done: 4, violations: 0 })
  })

  it('does not believe a message without its figures', () => {
    assert.equal(parseMessage('{"kind":"progress","violations":0}'), undefined)
    assert.equal(parseMessage('{"kind":"measuring","done":-1}'), undefined)
    assert.equal(parseMessage('{"kind":"calibrated","perSecond":"10"}'), undefined)
    for (const field of ['done', 'measured', 'elapsedMs', 'violations', 'repeats', 'latency']) {
      assert.equal(parseMessage(JSON.stringify({ ...done, [field]: null })), undefined, field)
    }
  })
})
