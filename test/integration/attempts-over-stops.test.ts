/** Attempts of a record over processes that stop in order, one after the other: counted as if one process had made them all. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
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

const parking = {
  ...files,
  'pyrallel.config.ts': files['pyrallel.config.ts'].replace(
    /retry: \{[^}]*\}/,
    "retry: { attempts: 2, min: 1, max: 1, then: 'park' }",
  ),
  'handlers/orders.ts': `import { handler } from 'pyrallel'
export default handler<{ readonly id: number }>('orders', ({ attempt, value: { id } }) => {
  if (id === 1 && process.env.IS_MENDED === undefined) throw new Error('attempt ' + attempt + ' fails')
})
`,
}

describe('a record that fails in every process', { timeout: 120_000 }, () => {
  it('is given up after its attempts in all, though each process stops in order after one', async (t) => {
    const { broker, connection, producer } = await anEmbeddedBroker(t)
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

  it('is parked by each of them, tried once by the next, and done by the one that is mended', async (t) => {
    const { broker, connection, producer } = await anEmbeddedBroker(t)
    for (const [id, key] of [
      [1, 'k'],
      [2, 'k'],
      [3, 'other'],
    ] as const) {
      const value = Buffer.from(JSON.stringify({ id }))
      await producer.produce({ topic: 'orders', partition: 0, key: Buffer.from(key), value, headers: [] })
    }
    const folder = await built(parking)
    for (const attempts of [[1, 2], [2]]) {
      const server = serve(folder, { BROKERS: broker.brokers })
      await server.seen(/out of attempts and parked/)
      server.stop()
      const { code, out } = await server.ended
      assert.equal(code, 0, out)
      const tried = [...out.matchAll(/attempt (\d) fails/g)].map(([, attempt]) => Number(attempt))
      assert.deepEqual([...new Set(tried)], attempts, out)
      assert.equal((await connection.view.groupOffsets('shop'))[0]?.position, 0)
    }
    const mended = serve(folder, { BROKERS: broker.brokers, IS_MENDED: 'yes' })
    let position: number | undefined
    while (position !== 3) position = (await connection.view.groupOffsets('shop'))[0]?.position
    mended.stop()
    const { code, out } = await mended.ended
    assert.deepEqual([code, /parked/.test(out)], [0, false], out)
  })
})

async function anEmbeddedBroker(t: TestContext) {
  const broker = await startEmbeddedBroker({ log: quiet, topics: ['orders', 'orders.shop.dlq'] })
  t.after(() => broker.stop())
  const connection = await connectUnderTest({ ...broker.connection, clientId: 'test', log: quiet })
  t.after(() => connection.close())
  const producer = await connection.producer()
  t.after(() => producer.close(1_000))
  return { broker, connection, producer }
}
