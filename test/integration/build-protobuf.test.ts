/** A built app that reads Protobuf brings the library with it, on the event loop and in threads: its folder has no package of that name. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { startEmbeddedBroker } from '../../framework/kafka/embedded/embedded-broker.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { connectUnderTest } from '../client-under-test.ts'
import { serve as serveRegistry } from '../unit/registry/registry-server.ts'
import { built, serve } from './built-server.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
const text = 'syntax = "proto3"; package shop; message Order { int64 id = 1; }'

function project(engine: 'async' | 'worker'): Readonly<Record<string, string>> {
  return {
    'pyrallel.config.ts': `import { defineConfig } from 'pyrallel'
export default defineConfig({ group: 'shop', registry: { url: process.env.REGISTRY ?? 'http://127.0.0.1:8081' } })
`,
    'generated/registry/orders-value.ts': `import type { PulledSchema } from 'pyrallel'
export interface Order { readonly id: bigint }
export const ordersValue: PulledSchema<Order> = {
  kind: 'pyrallel.schema', format: 'protobuf', subject: 'orders-value', id: 7, guid: null, fingerprint: 'f00d',
  text: ${JSON.stringify(text)}, message: 'shop.Order',
}
`,
    'handlers/orders.ts': `import { handler, protobuf, topic } from 'pyrallel'
import { ordersValue } from '../generated/registry/orders-value.ts'
export default handler(topic('orders', { format: protobuf(ordersValue) }), { engine: '${engine}' }, (record, context) => {
  context.log.info({ id: String(record.value.id) }, 'read')
})
`,
  }
}

describe('a built app that reads Protobuf', { timeout: 300_000 }, () => {
  for (const engine of ['async', 'worker'] as const) {
    it(`needs no package for it: engine ${engine}`, async () => {
      const folder = await built(project(engine))
      assert.equal(existsSync(join(folder, 'node_modules/@bufbuild')), false)
      const registry = await serveRegistry(() => ({ json: { schema: text, schemaType: 'PROTOBUF' } }))
      const broker = await startEmbeddedBroker({ log: quiet, topics: ['orders', 'orders.shop.dlq'] })
      const connection = await connectUnderTest({ ...broker.connection, clientId: 'test', log: quiet })
      const producer = await connection.producer()
      try {
        const server = serve(folder, { PYRALLEL_KAFKA_BROKERS: broker.brokers, REGISTRY: registry.url })
        await server.seen(/"msg":"started"/)
        const value = Buffer.of(0, 0, 0, 0, 7, 0, 8, 150, 1)
        await producer.produce({ topic: 'orders', key: null, value, headers: [] })
        await server.seen(/"id":"150".*"msg":"read"/)
        server.stop()
        assert.equal((await server.ended).code, 0)
      } finally {
        await producer.close(1_000)
        await connection.close()
        await broker.stop()
      }
    })
  }
})
