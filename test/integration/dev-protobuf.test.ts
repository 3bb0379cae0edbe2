/** `pyrallel dev` in a project whose topic is in Protobuf: nothing else runs, and the values are read by their schemas. */
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { main } from '../../cli/main.ts'
import { pulledFile } from '../../cli/schemas/pulled-file.ts'
import { loadProtobuf } from '../../framework/formats/protobuf/protobuf-library.ts'
import { projectFolder, testIo } from '../unit/cli/test-io.ts'

const text = `syntax = "proto3";
package shop;
import "shop/money.proto";
import "google/protobuf/timestamp.proto";
message Customer { string name = 1; }
message Order {
  int64 id = 1;
  Money total = 2;
  google.protobuf.Timestamp at = 3;
  oneof payment { string card = 4; Customer account = 5; }
}
`
const money = 'syntax = "proto3"; package shop; message Money { int64 units = 1; }'

const handler = (engine: 'async' | 'worker') => `import { handler } from 'pyrallel'
import { orders } from '../topics.ts'

export default handler(orders, { engine: '${engine}' }, async ({ value }) => {
  if (value.id < 2n ** 53n || value.total?.units !== value.id || value.at?.seconds !== 7n) throw new Error('no order')
  if (value.payment.case === 'account' && value.payment.value.name !== 'ü') throw new Error('no account')
})
`

describe('pyrallel dev, with a topic in Protobuf', () => {
  before(() => loadProtobuf())

  for (const engine of ['async', 'worker'] as const) {
    it(`reads what the traffic writes, by a registry of its own, on the ${engine} engine`, async () => {
      const schema = { subject: 'orders-value', version: 3, id: 17, guid: null, format: 'protobuf', text } as const
      const references = [{ name: 'shop/money.proto', subject: 'money', version: 1, text: money }]
      const root = projectFolder({
        'pyrallel.config.ts':
          "import { defineConfig } from 'pyrallel'\nexport default defineConfig({ group: 'shop' })\n",
        'generated/registry/orders-value.ts': pulledFile({ ...schema, references, rules: [] }, 'shop.Order'),
        'topics.ts': `import { protobuf, topic } from 'pyrallel'
import { ordersValue } from './generated/registry/orders-value.ts'

export const orders = topic('orders', { format: protobuf(ordersValue), key: (order) => String(order.id % 7n) })
`,
        'handlers/_traffic.ts': `import type { TrafficSource } from 'pyrallel'
import { orders } from '../topics.ts'

export const traffic: TrafficSource = function* (random) {
  for (let id = 2n ** 53n; ; id++) {
    const payment = random() < 0.5 ? { case: undefined } : ({ case: 'account', value: { name: 'ü' } } as const)
    yield { topic: orders, value: { id, total: { units: id }, at: { seconds: 7n, nanos: 0 }, payment } }
  }
}
`,
        'handlers/orders.ts': handler(engine),
      })
      const io = testIo(root)
      const code = await main(['dev', '--broker', 'memory', '--traffic', '--records', '50', '--json'], io)
      assert.equal(code, 0, io.err() + io.out().slice(-2_000))
      const events = io
        .out()
        .split('\n')
        .flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
      assert.equal(events.filter(({ kind }) => kind === 'record.done').length, 50)
      assert.equal(events.filter(({ kind }) => kind === 'record.failed').length, 0)
    })
  }
})
