import assert from 'node:assert/strict'
import { it } from 'node:test'
import { nextRecord } from '../../../../../cli/dev/traffic/traffic-record.ts'
import { avro, type PulledSchema } from '../../../../../framework/api/format.ts'
import { topic } from '../../../../../framework/api/topic.ts'
import type { TrafficRecord } from '../../../../../framework/api/traffic.ts'

const schema: PulledSchema<bigint> = {
  kind: 'pyrallel.schema',
  format: 'avro',
  subject: 'amounts-value',
  id: 7,
  guid: null,
  fingerprint: 'f00d',
  text: '"long"',
}
const amounts = topic('amounts', { format: avro(schema, { tombstones: true }) })

const inHeader = topic('amounts', {
  format: avro({ ...schema, guid: '89791762-2336-4186-9674-299b90a802e2' }, { framing: 'header' }),
})

const written = (record: TrafficRecord) => nextRecord([record].values(), 'traffic.ts', 1)?.value?.toString('hex')

it('writes what a traffic file yields in the format of its topic, and bytes as they are', () => {
  assert.equal(written({ topic: amounts, value: 5n }), '00000000070a')
  assert.equal(written({ topic: amounts, value: Buffer.of(1, 2) }), '0102')
  const beside = nextRecord([{ topic: inHeader, value: 5n, headers: { a: 'b' } }].values(), 'traffic.ts', 1)
  assert.deepEqual(
    [beside?.value?.toString('hex'), beside?.headers.map(([name]) => name)],
    ['0a', ['a', '__value_schema_id']],
  )
  assert.equal(written({ topic: amounts, value: null }), undefined)
  assert.throws(() => written({ topic: amounts, value: 'five' }), {
    code: 'PYR_TRAFFIC',
    message: /record 1 of traffic\.ts cannot be sent: .*amounts does not satisfy schema amounts-value/,
  })
})

it('writes keys in the format of their topic, and bytes as they are', () => {
  const keyed = topic<string, bigint>('keyed', { keyFormat: avro({ ...schema, subject: 'keyed-key' }), key: BigInt })
  const key = (record: Partial<TrafficRecord>) =>
    nextRecord([{ topic: keyed, value: '5', ...record }].values(), 'traffic.ts', 1)?.key?.toString('hex')
  assert.deepEqual([key({}), key({ key: 6n }), key({ key: null })], ['00000000070a', '00000000070c', undefined])
  assert.equal(key({ key: Buffer.of(1, 2) }), '0102')
  assert.throws(() => key({ key: 'c1' }), {
    code: 'PYR_TRAFFIC',
    message: /record 1 of traffic\.ts cannot be sent: .*The key published to keyed does not satisfy schema keyed-key/,
  })
  assert.throws(() => key({ topic: 'texts', key: 5 }), /cannot be sent: TypeError: its key is a number, and not text/)
})
