/** What counts as the time of a record: in a header, or told by a function. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { NotBefore } from '../../../../framework/api/handler.ts'
import { startTimeBy } from '../../../../framework/execution-plane/attempt/start-time.ts'
import type { RecordHeader } from '../../../../framework/model/record.ts'
import { aRecord } from '../../control-plane/builders.ts'

const byHeader = startTimeBy({ header: 'at' })
const withHeader = (value: Buffer | string | null, ...others: RecordHeader[]) =>
  aRecord(0, { headers: [['at', typeof value === 'string' ? Buffer.from(value) : value], ...others] })
const byFunction = (notBefore: unknown) => startTimeBy(notBefore as NotBefore)(aRecord(7, { timestamp: 1_000 }))

describe('the time before which a record does not start', () => {
  for (const [text, time] of [
    ['0', 0],
    ['1764399600000', 1_764_399_600_000],
    ['2025-11-29T07:00:00Z', 1_764_399_600_000],
    ['2025-11-29T08:00:00.250+01:00', 1_764_399_600_250],
    ['2025-11-29T07:00Z', 1_764_399_600_000],
  ] as const) {
    it(`is read from the header text ${text}`, () => assert.equal(byHeader(withHeader(text)), time))
  }

  for (const text of [
    '',
    'soon',
    '12.5',
    '-1',
    '1e3',
    ' 5',
    '99999999999999999',
    '2025-11-29',
    '2025-11-29T07:00:00',
    '2025-13-29T07:00:00Z',
    '1'.repeat(1_000_000),
    '\u0661',
  ]) {
    it(`is none where the header has ${JSON.stringify(text.slice(0, 20))}`, () => {
      assert.equal(byHeader(withHeader(text)), 'its header at is no time')
    })
  }

  it('is none where the header is null, and left open where there is no such header', () => {
    assert.equal(byHeader(withHeader(null)), 'its header at is no time')
    assert.equal(byHeader(aRecord(0, { headers: [['other', Buffer.from('5')]] })), undefined)
  })

  it('is that of the last header of the name', () => {
    assert.equal(byHeader(withHeader('5', ['at', Buffer.from('9')])), 9)
  })

  it('is what the function returns: a date, milliseconds, or nothing', () => {
    assert.equal(
      byFunction(() => new Date(5_000)),
      5_000,
    )
    assert.equal(
      byFunction(({ timestamp }: { timestamp: number }) => timestamp + 10),
      1_010,
    )
    assert.equal(
      byFunction(() => undefined),
      undefined,
    )
  })

  for (const [name, told] of [
    ['an invalid date', new Date(Number.NaN)],
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['a text', '5000'],
    ['null', null],
    ['a promise', Promise.resolve(5)],
  ] as const) {
    it(`is none where the function returns ${name}`, () => {
      assert.equal(
        byFunction(() => told),
        'notBefore returned no time',
      )
    })
  }

  it('is none where the function throws, whatever that is', () => {
    const throwing = (what: unknown) => () => {
      throw what
    }
    assert.equal(byFunction(throwing(new RangeError('no such day'))), 'notBefore threw RangeError: no such day')
    assert.equal(byFunction(throwing(null)), 'notBefore threw what is no error')
    assert.match(String(byFunction((record: { value: unknown }) => record.value)), /notBefore threw TypeError/)
  })
})
