/** Attempts of a record over processes that stop in order, one after the other: counted as if one process had made them all. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startEmbeddedBroker } from '../../framework/kafka/embedded/embedded-broker.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { connectUnderTest } from '../client-under-test.ts'
import { built, serve } from './built-server.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

/** No process lives until its second attempt. */
const files = {
  'package.json': '{ "name": "my-shop", "version": "1.0.0", "type": "module" }',
  'pyrallel.config.ts': `import { defineConfig } from 'pyrallel'
export default defineConfig({
  group: 'shop',
  handlers: { retry: { attempts: 3, backoff: 'fixed', min: '1h', max: '1h' } },
  kafka: { brokers: (process.env.BROKERS ?? 'localhost:9092').split(',') },
})
`,
  'handlers/orders.ts': `import { handler } from 'pyrallel'
export default handler<{ readonly id: number }>('orders', ({ attempt }) => {
  throw new Error('attempt ' + attempt + ' fails')
})
`,
}

describe('a record that fails in every process', { timeout: 120_000 }, () => {
  it('is given up after its attempts in all, though each process stops in order after one', async (t) => {
    const broker = await startEmbeddedBroker({ log: quiet, topics: ['orders', 'orders.shop.dlq'] })
    t.after(() => broker.stop())
    const connection = await connectUnderTest({ ...broker.connection, clientId: 'test', log: quiet })
    t.after(() => connection.close())
    const producer = await connection.producer()
    t.after(() => producer.close(1_000))
    const value = Buffer.from(JSON.stringify({ id: 1 }))
    await producer.produce({ topic: 'orders', partition: 0, key: Buffer.from('k'), value, headers: [] })
    const folder = await built(files)
    const positions: (number | undefined)[] = []
    for (const attempt of [1, 2, 3]) {
      const server = serve(folder, { BROKERS: broker.brokers })
      await server.seen(/attempt \d+ fails/)
      server.stop()
      const { code, out } = await server.ended
      assert.match(out, new RegExp(`attempt ${attempt} fails`))
      assert.equal(code, 0, out)
      const [offset] = await connection.view.groupOffsets('shop')
      positions.push(offset?.position)
    }
    assert.deepEqual(positions, [0, 0, 1], 'done once its dead letter is acknowledged')
  })
})
