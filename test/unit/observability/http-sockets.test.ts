/** The rules for sockets, without a network: who is cut off, and who stays. */
import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { HttpSockets } from '../../../framework/observability/http-sockets.ts'

function aSocket() {
  const socket = new EventEmitter() as EventEmitter & { destroyed: boolean; destroy(): void }
  socket.destroyed = false
  socket.destroy = () => {
    socket.destroyed = true
    socket.emit('close')
  }
  return socket as unknown as Socket
}

const aResponse = () => new EventEmitter() as unknown as ServerResponse

describe('the sockets of the HTTP server', () => {
  function three() {
    const cuts: string[] = []
    const sockets = new HttpSockets({ maxSockets: 2, answerMs: 10_000 }, (why) => cuts.push(why))
    const [a, b, c] = [aSocket(), aSocket(), aSocket()]
    for (const socket of [a, b]) sockets.onConnected(socket)
    return { sockets, cuts, a, b, c }
  }

  it('are so many at most: the one that has been silent for longest makes room', () => {
    const { sockets, a, b, c } = three()
    const answered = aResponse()
    sockets.onAsked(a, answered)
    answered.emit('close')
    sockets.onConnected(c)
    assert.deepEqual([a.destroyed, b.destroyed, c.destroyed], [false, true, false])
  })

  it('are refused while all of them are being answered', () => {
    const { sockets, cuts, a, b, c } = three()
    for (const socket of [a, b]) assert.ok(sockets.onAsked(socket, aResponse()))
    sockets.onConnected(c)
    assert.deepEqual([a.destroyed, b.destroyed, c.destroyed], [false, false, true])
    assert.deepEqual(cuts, ['all sockets are being answered'])
  })

  it('carry one request at a time', () => {
    const { sockets, a } = three()
    const first = aResponse()
    assert.ok(sockets.onAsked(a, first))
    first.emit('close')
    assert.ok(sockets.onAsked(a, aResponse()))
    assert.equal(sockets.onAsked(a, aResponse()), false)
    assert.ok(a.destroyed)
  })

  it('end when an answer is not taken in time, and not when it is', (test) => {
    test.mock.timers.enable({ apis: ['setTimeout'] })
    const { sockets, cuts, a, b } = three()
    const taken = aResponse()
    sockets.onAsked(a, taken)
    sockets.onAsked(b, aResponse())
    test.mock.timers.tick(9_999)
    taken.emit('close')
    assert.equal(b.destroyed, false)
    test.mock.timers.tick(1)
    assert.deepEqual([a.destroyed, b.destroyed, cuts], [false, true, ['it has not taken its answer in time']])
  })

  it('sockets that close by themselves make room', () => {
    const { sockets, a, b, c } = three()
    a.destroy()
    sockets.onConnected(c)
    assert.deepEqual([b.destroyed, c.destroyed], [false, false])
  })
})
