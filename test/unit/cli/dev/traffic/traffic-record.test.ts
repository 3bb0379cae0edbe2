import assert from 'node:assert/strict'
import { it } from 'node:test'
import { nextRecord } from '../../../../../cli/dev/traffic/traffic-record.ts'
import { avro, type PulledSchema, protobuf } from '../../../../../framework/api/format.ts'
import { topic } from '../../../../../framework/api/topic.ts'
import type { TrafficRecord } from '../../../../../framework/api/traffic.ts'
import { isProtobufLoaded } from '../../../../../framework/formats/protobuf/protobuf-library.ts'

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

const made = (record: TrafficRecord) => nextRecord([record].values(), 'traffic.ts', 1)
const written = async (record: TrafficRecord) => (await made(record))?.value?.toString('hex')

it('writes what a traffic file yields in the format of its topic, and bytes as they are', async () => {
  assert.equal(await written({ topic: amounts, value: 5n }), '00000000070a')
  assert.equal(await written({ topic: amounts, value: Buffer.of(1, 2) }), '0102')
  const beside = await made({ topic: inHeader, value: 5n, headers: { a: 'b' } })
  assert.deepEqual(
    [beside?.value?.toString('hex'), beside?.headers.map(([name]) => name)],
    ['0a', ['a', '__value_schema_id']],
  )
  assert.equal(await written({ topic: amounts, value: null }), undefined)
  await assert.rejects(written({ topic: amounts, value: 'five' }), {
    code: 'PYR_TRAFFIC',
    message: /record 1 of traffic\.ts cannot be sent: .*amounts does not satisfy schema amounts-value/,
  })
})

it('writes keys in the format of their topic, and bytes as they are', async () => {
  const keyed = topic<string, bigint>('keyed', { keyFormat: avro({ ...schema, subject: 'keyed-key' }), key: BigInt })
  const key = async (record: Partial<TrafficRecord>) =>
    (await made({ topic: keyed, value: '5', ...record }))?.key?.toString('hex')
  assert.deepEqual(
    [await key({}), await key({ key: 6n }), await key({ key: null })],
    ['00000000070a', '00000000070c', undefined],
  )
  assert.equal(await key({ key: Buffer.of(1, 2) }), '0102')
  await assert.rejects(key({ key: 'c1' }), {
    code: 'PYR_TRAFFIC',
    message: /record 1 of traffic\.ts cannot be sent: .*The key published to keyed does not satisfy schema keyed-key/,
  })
  await assert.rejects(key({ topic: 'texts', key: 5 }), /cannot be sent: TypeError: its key is a number, and not text/)
})

it('writes to a topic that is only named what the project declares it in', async () => {
  const formatsOf = (name: string) =>
    name === 'amounts' ? { format: avro(schema), keyFormat: avro({ ...schema, id: 8 }) } : undefined
  const named = (record: TrafficRecord) => nextRecord([record].values(), 'traffic.ts', 1, formatsOf)
  const amount = await named({ topic: 'amounts', value: 5n, key: 6n })
  assert.deepEqual([amount?.key?.toString('hex'), amount?.value?.toString('hex')], ['00000000080c', '00000000070a'])
  const declared = await named({ topic: topic<bigint>('amounts'), value: 5n })
  assert.deepEqual([declared?.key, declared?.value?.toString('hex')], [null, '00000000070a'])
  const raw = await named({ topic: 'amounts', value: Buffer.from('{'), key: Buffer.from('c1') })
  assert.deepEqual([raw?.key?.toString(), raw?.value?.toString()], ['c1', '{'])
  assert.equal((await named({ topic: 'others', value: { id: 5 }, key: 'c1' }))?.value?.toString(), '{"id":5}')
  await assert.rejects(named({ topic: 'amounts', value: { id: 5 } }), {
    code: 'PYR_TRAFFIC',
    message: /record 1 of traffic\.ts cannot be sent: .*amounts does not satisfy schema amounts-value/,
  })
})

it('loads what a format needs before its first value', async () => {
  const { valueType: _, ...rest } = schema
  const proto: PulledSchema<object> = {
    ...rest,
    format: 'protobuf',
    text: 'syntax = "proto3"; message Order { int32 id = 1; }',
    message: 'Order',
  }
  assert.equal(isProtobufLoaded(), false)
  const orders = topic('orders', { format: protobuf(proto) })
  assert.equal(await written({ topic: orders, value: { id: 5 } }), '0000000007000805')
})
