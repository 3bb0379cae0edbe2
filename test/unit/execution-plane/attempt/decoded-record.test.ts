/** What a handler sees of a record. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { DecodedRecord, RecordBeforeDecoding } from '../../../../framework/execution-plane/attempt/decoded-record.ts'
import { leftOutBy } from '../../../../framework/execution-plane/attempt/record-check.ts'
import { firstIdHeader } from '../../../../framework/model/first-id.ts'
import type { KafkaRecord, RecordHeader } from '../../../../framework/model/record.ts'

function aRecord(raw: Partial<KafkaRecord>): KafkaRecord {
  return { topic: 'orders', partition: 3, offset: 17, key: null, value: null, headers: [], timestamp: 5, ...raw }
}

function decoded(raw: Partial<KafkaRecord>): DecodedRecord {
  return new DecodedRecord(aRecord(raw), { total: 9 }, 2)
}

describe('DecodedRecord', () => {
  it('tells where the record is from and which attempt this is', () => {
    const { id, topic, partition, offset, timestamp, attempt, value } = decoded({})
    assert.deepEqual(
      { id, topic, partition, offset, timestamp, attempt, value },
      { id: 'orders/3/17', topic: 'orders', partition: 3, offset: 17, timestamp: 5, attempt: 2, value: { total: 9 } },
    )
  })

  it('has the id of the place where it first came, if a replay has published it, and of its own if it only has the header of such a one', () => {
    const content = { topic: 'orders', key: Buffer.from('c1'), value: Buffer.from('5') }
    const headers = [firstIdHeader('orders/0/3', content)]
    assert.equal(decoded({ ...content, headers }).id, 'orders/0/3')
    assert.equal(decoded({ ...content, headers, value: Buffer.from('6') }).id, 'orders/3/17')
    assert.equal(decoded({ ...content, headers, topic: 'invoices' }).id, 'invoices/3/17')
  })

  it('tells a missing key from an empty one', () => {
    const [missing, empty] = [decoded({ key: null }), decoded({ key: Buffer.alloc(0) })]
    assert.deepEqual([missing.key, missing.keyBytes], [null, null])
    assert.deepEqual([empty.key, empty.keyBytes], ['', Buffer.alloc(0)])
  })

  it('keeps the bytes of a key that is no text', () => {
    const key = Buffer.from([0xff, 0x00])
    assert.equal(decoded({ key }).keyBytes, key)
    assert.equal(decoded({ key }).key, '\ufffd\0')
  })

  it('tells the text of a header whatever was read before: the same, one of its length, its beginning, a long one, none', () => {
    const long = 'x'.repeat(40)
    const texts = 'paid paid open opem op open  open naïve naive'.split(' ').concat(long, 'open', `${long.slice(1)}y`)
    for (const text of texts)
      assert.equal(decoded({ headers: [['kind', Buffer.from(text)]] }).headers.get('kind'), text)
    assert.equal(decoded({ headers: [['kind', null]] }).headers.get('kind'), undefined)
  })

  it('reads repeated headers, binary ones and those without a value', () => {
    const headers: readonly RecordHeader[] = [
      ['trace', Buffer.from('first')],
      ['none', null],
      ['trace', Buffer.from('last')],
      ['bytes', Buffer.from([0xff])],
    ]
    const read = decoded({ headers }).headers
    assert.equal(read.get('trace'), 'last')
    assert.deepEqual(read.getAll('trace'), ['first', 'last'])
    assert.equal(read.get('none'), undefined)
    assert.deepEqual(read.getAll('none'), [])
    assert.equal(read.getBytes('none'), null)
    assert.equal(read.getBytes('absent'), undefined)
    assert.deepEqual(read.getBytes('bytes'), Buffer.from([0xff]))
    assert.deepEqual([...read], headers)
  })

  it('shows everything to console.log and JSON.stringify', () => {
    const record = decoded({ key: Buffer.from('c-1'), headers: [['trace', Buffer.from('t')]] })
    assert.match(inspect(record), /id: 'orders\/3\/17'[\s\S]*key: 'c-1'[\s\S]*total: 9/)
    assert.deepEqual(JSON.parse(JSON.stringify(record)).headers, [['trace', 't']])
  })
})

describe('a record before it is decoded', () => {
  it('has its place, key, headers and timestamp, and refuses to be asked for its value', () => {
    const raw = aRecord({ key: Buffer.from('c1'), headers: [['country', Buffer.from('NL')]] })
    const record = new RecordBeforeDecoding(raw)
    const { topic, partition, offset, timestamp, key, keyBytes, headers } = record
    assert.deepEqual([topic, partition, offset, timestamp, key, keyBytes], ['orders', 3, 17, 5, 'c1', raw.key])
    assert.equal(headers.get('country'), 'NL')
    assert.throws(() => record.value, /Ask for the value in filter/)
  })

  it('is left out by a clear no, and by nothing else', () => {
    const verdicts = [false, true, undefined, null, 0, '', Promise.resolve(false)]
    const said = verdicts.map((verdict) => leftOutBy(() => verdict)(aRecord({})))
    assert.deepEqual(said, [true, false, false, false, false, false, false])
    const throws = () => {
      throw new Error('cannot say')
    }
    assert.equal(leftOutBy(throws)(aRecord({})), false)
  })
})
