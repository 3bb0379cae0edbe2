import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { logNative } from '../../../framework/kafka/librdkafka-log.ts'
import { recordedLog } from './recorded-log.ts'

function logged(severity: number, fac: string) {
  const { log, lines } = recordedLog()
  logNative(log, { severity, fac, message: 'orders [3]: because' })
  return lines.map(({ level, message, fields }) => ({ level, message, fields }))
}

describe("librdkafka's log", () => {
  it('warns of a position outside its log, of a lost session and of too long a time without a poll, with the reason', () => {
    for (const [fac, start] of [
      ['OFFSET', /^a position is outside its log/],
      ['SESSTMOUT', /^the group coordinator has not answered/],
      ['MAXPOLL', /^nothing was polled/],
    ] as const) {
      const [line] = logged(4, fac)
      assert.equal(line?.level, 'warn')
      assert.match(line?.message ?? '', start)
      assert.deepEqual(line?.fields, { why: 'orders [3]: because' })
    }
  })

  it('keeps everything else for debugging', () => {
    for (const [severity, fac] of [
      [7, 'OFFSET'],
      [3, 'FAIL'],
      [4, 'CONFWARN'],
    ] as const) {
      assert.deepEqual(logged(severity, fac), [
        { level: 'debug', message: 'librdkafka', fields: { severity, fac, message: 'orders [3]: because' } },
      ])
    }
  })
})
