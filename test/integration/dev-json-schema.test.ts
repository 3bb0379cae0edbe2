/** `pyrallel dev` in a project whose topic is JSON with a JSON Schema: what the traffic yields is checked, in a process that has no other use for a schema. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { main } from '../../cli/main.ts'
import { pulledFile } from '../../cli/schemas/pulled-file.ts'
import { projectFolder, testIo } from '../unit/cli/test-io.ts'

const pulled = pulledFile({
  subject: 'orders-value',
  version: 3,
  id: 17,
  guid: null,
  format: 'json-schema',
  text: JSON.stringify({
    title: 'Order',
    type: 'object',
    properties: { id: { type: 'integer' }, by: { $ref: 'customer.json' } },
    required: ['id', 'by'],
  }),
  references: [{ name: 'customer.json', subject: 'customer', version: 1, text: '{"type":"string","minLength":2}' }],
  rules: [],
})

const files = {
  'pyrallel.config.ts': "import { defineConfig } from 'pyrallel'\nexport default defineConfig({ group: 'shop' })\n",
  'generated/registry/orders-value.ts': pulled,
  'topics.ts': `import { jsonSchema, topic } from 'pyrallel'
import { ordersValue } from './generated/registry/orders-value.ts'

export const orders = topic('orders', { format: jsonSchema(ordersValue), key: (order) => order.by })
`,
  'handlers/orders.ts': `import { handler } from 'pyrallel'
import { orders } from '../topics.ts'

export default handler(orders, { engine: 'worker' }, async ({ value }) => {
  if (!value.by.startsWith('customer ')) throw new Error('no order')
})
`,
}

const traffic = (by: string) => `import type { TrafficSource } from 'pyrallel'
import { orders } from '../topics.ts'

export const traffic: TrafficSource = function* () {
  for (let id = 0; ; id++) yield { topic: orders, value: { id, by: ${by} } }
}
`

describe('pyrallel dev, with a topic in JSON that has a JSON Schema', () => {
  it('reads what the traffic writes, by a registry of its own', async () => {
    const root = projectFolder({ ...files, 'handlers/_traffic.ts': traffic("'customer ' + (id % 7)") })
    const io = testIo(root)
    const code = await main(['dev', '--broker', 'memory', '--traffic', '--records', '50', '--json'], io)
    assert.equal(code, 0, io.err() + io.out().slice(-2_000))
    assert.equal(io.out().match(/"kind":"record.done"/g)?.length, 50)
  })

  it('says of a record that the schema does not allow which it was, and where', async () => {
    const root = projectFolder({ ...files, 'handlers/_traffic.ts': traffic("'x'") })
    const io = testIo(root)
    assert.notEqual(await main(['dev', '--broker', 'memory', '--traffic', '--records', '50'], io), 0)
    assert.match(
      io.err() + io.out(),
      /record 1 of .*does not satisfy schema orders-value: \/by must not have fewer than 2/,
    )
  })
})
