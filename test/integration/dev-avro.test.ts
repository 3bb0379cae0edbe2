/** `pyrallel dev` in a project whose topic is in Avro: nothing else runs, and the values are read by their schemas. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { main } from '../../cli/main.ts'
import { pulledFile } from '../../cli/schemas/pulled-file.ts'
import { projectFolder, testIo } from '../unit/cli/test-io.ts'
import { type Answer, serve } from '../unit/registry/registry-server.ts'

const schema = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'note', type: ['null', 'string'], default: null },
  ],
}
const pulled = pulledFile({
  subject: 'orders-value',
  version: 3,
  id: 17,
  guid: null,
  format: 'avro',
  text: JSON.stringify(schema),
  references: [],
  rules: [],
})
const pulledKey = pulledFile({
  subject: 'orders-key',
  version: 1,
  id: 18,
  guid: null,
  format: 'avro',
  text: '{"type":"record","name":"Place","fields":[{"name":"tenant","type":"string"},{"name":"id","type":"long"}]}',
  references: [],
  rules: [],
})

const files = {
  'pyrallel.config.ts': "import { defineConfig } from 'pyrallel'\nexport default defineConfig({ group: 'shop' })\n",
  'generated/registry/orders-value.ts': pulled,
  'topics.ts': `import { avro, topic } from 'pyrallel'
import { ordersValue } from './generated/registry/orders-value.ts'

export const orders = topic('orders', { format: avro(ordersValue), key: (order) => String(order.id % 7n) })
`,
  'handlers/_traffic.ts': `import type { TrafficSource } from 'pyrallel'
import { orders } from '../topics.ts'

export const traffic: TrafficSource = function* (random) {
  for (let id = 2n ** 53n; ; id++) {
    yield { topic: orders, value: { id, at: 1_700_000_000_000, note: random() < 0.5 ? null : 'ü' } }
  }
}
`,
}

const handler = (engine: 'async' | 'worker') => `import { handler } from 'pyrallel'
import { orders } from '../topics.ts'

export default handler(orders, { engine: '${engine}' }, async ({ value }, context) => {
  if (typeof value.id !== 'bigint' || value.id < 2n ** 53n || typeof value.at !== 'number') throw new Error('no order')
  context.log.info({ id: String(value.id) }, 'order')
})
`

describe('pyrallel dev, with a topic in Avro', () => {
  for (const engine of ['async', 'worker'] as const) {
    it(`reads what the traffic writes, by a registry of its own, on the ${engine} engine`, async () => {
      const root = projectFolder({ ...files, 'handlers/orders.ts': handler(engine) })
      const io = testIo(root)
      const code = await main(['dev', '--broker', 'memory', '--traffic', '--records', '50', '--json'], io)
      assert.equal(code, 0, io.err() + io.out().slice(-2_000))
      const events = io
        .out()
        .split('\n')
        .flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
      const [starting] = events
      assert.match(starting.registry, /^http:\/\/127\.0\.0\.1:\d+$/)
      assert.equal(events.filter(({ kind }) => kind === 'record.done').length, 50)
      assert.equal(events.filter(({ kind }) => kind === 'record.failed').length, 0)
    })
  }

  it('keeps the order of keys in Avro, and its checker tells them from each other', async () => {
    const root = projectFolder({
      ...files,
      'generated/registry/orders-key.ts': pulledKey,
      'topics.ts': `import { avro, topic } from 'pyrallel'
import { ordersKey } from './generated/registry/orders-key.ts'
import { ordersValue } from './generated/registry/orders-value.ts'

export const orders = topic('orders', {
  format: avro(ordersValue),
  keyFormat: avro(ordersKey),
  key: (order) => ({ tenant: 't', id: order.id % 7n }),
})
`,
      'handlers/orders.ts': handler('async'),
    })
    const io = testIo(root)
    const code = await main(['dev', '--broker', 'memory', '--traffic', '--records', '50', '--json'], io)
    assert.equal(code, 0, io.err() + io.out().slice(-2_000))
    const keys = io
      .out()
      .split('\n')
      .flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
      .flatMap(({ kind, key }) => (kind === 'record.done' ? [key] : []))
    assert.deepEqual([keys.length, new Set(keys).size], [50, 7])
    const [key = ''] = keys
    assert.equal(Buffer.from(key, 'base64').subarray(0, 7).toString('hex'), '00000000120274')
  })

  it('asks the registry that is named instead of its own', async () => {
    const root = projectFolder({ ...files, 'handlers/orders.ts': handler('async') })
    const { url, asked } = await serve(({ path }): Answer => {
      return path === '/schemas/ids/17' ? { json: { schema: JSON.stringify(schema) } } : { status: 404, json: {} }
    })
    // Of another registry, which nobody is to ask.
    const io = testIo(root, '', { PYRALLEL_REGISTRY_URL: 'http://127.0.0.1:1' })
    const argv = ['dev', '--broker', 'memory', '--traffic', '--records', '5', '--registry', url]
    assert.equal(await main(argv, io), 0, io.err() + io.out().slice(-2_000))
    assert.deepEqual(
      asked.map(({ path }) => path),
      ['/schemas/ids/17'],
    )
  })

  it('says in its header where the registry is, and what it is not', async () => {
    const root = projectFolder({ ...files, 'handlers/orders.ts': handler('async') })
    const io = testIo(root)
    assert.equal(await main(['dev', '--broker', 'memory', '--traffic', '--records', '5'], io), 0, io.err())
    assert.match(
      io.out(),
      /schema registry http:\/\/127\.0\.0\.1:\d+, of this session: it keeps nothing, and checks no/,
    )
  })
})
