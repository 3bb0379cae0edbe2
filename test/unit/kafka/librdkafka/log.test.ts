import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { faultCodes } from '../../../../framework/kafka/faults/codes.ts'
import { isLateAnswer, logNative } from '../../../../framework/kafka/librdkafka/log.ts'
import { recordedLog } from '../recorded-log.ts'

function logged(severity: number, fac: string, message = 'orders [3]: because') {
  const { log, lines } = recordedLog()
  const counted: number[] = []
  const errors = { count: ({ code }: { readonly code: number }) => counted.push(code) }
  logNative(log, errors, { severity, fac, message })
  return { lines: lines.map(({ level, message, fields }) => ({ level, message, fields })), counted }
}

describe("librdkafka's log", () => {
  it('warns of a position outside its log, of a lost session and of too long a time without a poll, with the reason', () => {
    for (const [fac, start] of [
      ['OFFSET', /^a position is outside its log/],
      ['SESSTMOUT', /^the group coordinator has not answered/],
      ['MAXPOLL', /^nothing was polled/],
    ] as const) {
      const [line] = logged(4, fac).lines
      assert.equal(line?.level, 'warn')
      assert.match(line?.message ?? '', start)
      assert.deepEqual(line?.fields, { why: 'orders [3]: because' })
    }
  })

  it('knows an answer of the group that came too late, after which a partition may stand, and no other request', () => {
    const message = 'GroupCoordinator/1: Timed out ConsumerGroupHeartbeatRequest in flight (after 959ms, timeout #0)'
    assert.equal(isLateAnswer({ severity: 5, fac: 'REQTMOUT', message }), true)
    for (const other of [
      { severity: 5, fac: 'REQTMOUT', message: message.replace('ConsumerGroupHeartbeat', 'Metadata') },
      { severity: 5, fac: 'REQTMOUT', message: 'GroupCoordinator/1: Timed out 1 in-flight, 0 retry-queued requests' },
      { severity: 7, fac: 'REQTMOUT', message },
      { severity: 5, fac: 'HEARTBEAT', message },
    ]) {
      assert.equal(isLateAnswer(other), false)
    }
  })

  it('counts a position outside its log as an error, which the client does not report as one', () => {
    assert.deepEqual(logged(4, 'OFFSET').counted, [faultCodes.OFFSET_OUT_OF_RANGE])
    for (const [severity, fac] of [
      [7, 'OFFSET'],
      [4, 'SESSTMOUT'],
      [4, 'MAXPOLL'],
      [3, 'FAIL'],
    ] as const) {
      assert.deepEqual(logged(severity, fac).counted, [])
    }
  })

  it('keeps everything else for debugging', () => {
    for (const [severity, fac] of [
      [7, 'OFFSET'],
      [3, 'FAIL'],
      [4, 'CONFWARN'],
    ] as const) {
      assert.deepEqual(logged(severity, fac).lines, [
        { level: 'debug', message: 'librdkafka', fields: { severity, fac, message: 'orders [3]: because' } },
      ])
    }
  })
})
