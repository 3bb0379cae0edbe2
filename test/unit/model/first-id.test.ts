/** The id of a record's first place, in a header that counts on that record only. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { crc32c } from '../../../framework/model/crc32c.ts'
import { FIRST_ID_HEADER, firstIdHeader, firstIdOf } from '../../../framework/model/first-id.ts'
import type { RecordHeader } from '../../../framework/model/record.ts'

const record = { topic: 'orders', key: Buffer.from('c1'), value: Buffer.from('{"total":5}') }
const header = firstIdHeader('orders/2/44', record)

describe('crc32c', () => {
  for (const [what, bytes, sum] of [
    ['nine digits', Buffer.from('123456789'), 0xe3069283],
    ['nothing', Buffer.alloc(0), 0],
    // RFC 3720, appendix B.4.
    ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
    ['32 bytes of ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['32 ascending bytes', Buffer.from(Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e],
  ] as const) {
    it(`of ${what} is what the standard says`, () => {
      assert.equal(crc32c(bytes), sum)
    })
  }

  it('can be taken piece by piece', () => {
    assert.equal(crc32c(Buffer.from('56789'), crc32c(Buffer.from('1234'))), 0xe3069283)
  })
})

describe('the header of a first id', () => {
  it('gives the id back on the record that it was written for, other headers or not', () => {
    assert.equal(firstIdOf({ ...record, headers: [header] }), 'orders/2/44')
    assert.equal(firstIdOf({ ...record, headers: [['a', null], header, ['b', Buffer.from('x')]] }), 'orders/2/44')
  })

  for (const [what, other] of [
    ['another topic', { topic: 'orders2' }],
    ['another key', { key: Buffer.from('c2') }],
    ['another value', { value: Buffer.from('{"total":6}') }],
    ['no key', { key: null }],
    ['no value', { value: null }],
    ['the same bytes, cut elsewhere', { key: Buffer.from('c1{"total"'), value: Buffer.from(':5}') }],
  ] as const) {
    it(`counts for nothing on a record with ${what}: handlers pass headers on`, () => {
      assert.equal(firstIdOf({ ...record, ...other, headers: [header] }), undefined)
    })
  }

  it('tells null from empty', () => {
    const empty = { topic: 'orders', key: Buffer.alloc(0), value: null }
    const headers = [firstIdHeader('orders/0/0', empty)]
    assert.equal(firstIdOf({ ...empty, headers }), 'orders/0/0')
    assert.equal(firstIdOf({ ...empty, key: null, headers }), undefined)
  })

  for (const [what, value] of [
    ['null', null],
    ['empty', ''],
    ['no id', 'orders 00000000'],
    ['an id without its check', 'orders/2/44'],
    ['an id with spaces', `or ders/2/44 ${String(header[1]).slice(-8)}`],
    ['an id with control characters', `orders/2/44\n ${String(header[1]).slice(-8)}`],
    ['longer than any id', `${'o'.repeat(100_000)}/2/44 ${String(header[1]).slice(-8)}`],
  ] as const) {
    it(`counts for nothing when it is ${what}`, () => {
      const wrong: RecordHeader = [FIRST_ID_HEADER, value === null ? null : Buffer.from(value)]
      assert.equal(firstIdOf({ ...record, headers: [wrong] }), undefined)
    })
  }

  it('is the last of several', () => {
    const second = firstIdHeader('orders/7/7', record)
    assert.equal(firstIdOf({ ...record, headers: [header, second] }), 'orders/7/7')
    assert.equal(firstIdOf({ ...record, headers: [header, [FIRST_ID_HEADER, null]] }), undefined)
  })
})
