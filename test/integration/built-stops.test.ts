/** How a built server ends in states that a signal, a dead broker or an exception of nobody finds it in: bounded, in order, and said in its log. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type EmbeddedBroker, startEmbeddedBroker } from '../../framework/kafka/embedded/embedded-broker.ts'
import type { RecordProducer, ViewedConnection } from '../../framework/kafka/kafka-client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { shutdownLimitMs } from '../../framework/runtime/shutdown-limit.ts'
import { connectUnderTest } from '../client-under-test.ts'
import { built, serve } from './built-server.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
const drainMs = 4_000
/** What manifests give a process to end in. */
const limitMs = shutdownLimitMs({ shutdown: { drainMs } })

const config = `import { defineConfig } from 'pyrallel'
export default defineConfig({
  group: 'shop',
  shutdown: { drain: '4s' },
  handlers: { retry: { attempts: 2, min: 10 } },
  kafka: { brokers: (process.env.BROKERS ?? 'localhost:9092').split(',') },
})
`
const manifest = '{ "name": "my-shop", "version": "1.0.0", "type": "module" }'

const careless = `import { handler } from 'pyrallel'

type Order = { readonly then: 'reject' | 'throw' | 'break' | 'wait' | 'nothing' }
let isBroken = false
// Of no attempt: it began with the process.
setInterval(() => {
  if (isBroken) throw new RangeError('the timer of nobody')
}, 20)

export default handler<Order>('orders', async ({ value }, context) => {
  const later = () => new Promise<void>((resolve) => setTimeout(resolve, 30))
  if (value.then === 'reject') void later().then(() => Promise.reject(new RangeError('nobody awaits this')))
  if (value.then === 'throw') setTimeout(() => { throw new RangeError('a timer of a handler') }, 30)
  if (value.then === 'break') isBroken = true
  if (value.then === 'wait') {
    context.log.info('begun')
    await new Promise<void>((resolve) => setTimeout(resolve, 1_000))
  }
  context.log.info({ did: value.then }, 'handled')
})
`

const hanging = `import { handler } from 'pyrallel'
export async function setup() {
  process.stdout.write('the setup begins\\n')
  await new Promise((resolve) => setTimeout(resolve, 600_000))
}
export default handler('orders', { engine: 'worker', worker: { threads: 2 } }, () => {})
`

describe('a built server', { timeout: 240_000 }, () => {
  let broker: EmbeddedBroker
  let connection: ViewedConnection
  let producer: RecordProducer

  before(async () => {
    broker = await startEmbeddedBroker({ log: quiet, topics: ['orders', 'orders.shop.dlq'] })
    connection = await connectUnderTest({ ...broker.connection, clientId: 'test', log: quiet })
    producer = await connection.producer()
  })
  after(async () => {
    await producer.close(1_000)
    await connection.close()
    await broker.stop()
  })

  const order = (then: string) => ({
    ...{ topic: 'orders', partition: 0, key: Buffer.from('k'), headers: [] },
    value: Buffer.from(JSON.stringify({ then })),
  })
  const send = (then: string) => producer.produce(order(then))

  it("survives a rejection that nobody awaits and an exception in a handler's timer, and stops in order for one of nobody", async () => {
    const folder = await built({
      'package.json': manifest,
      'pyrallel.config.ts': config,
      'handlers/careless.ts': careless,
    })
    const server = serve(folder, { BROKERS: broker.brokers })
    await server.seen(/"msg":"started"/)
    await send('reject')
    await server.seen(/nobody awaits this/)
    await send('throw')
    await server.seen(/a timer of a handler/)
    await send('nothing')
    await server.seen(/"did":"nothing"/)
    await send('break')
    const { code, out, err } = await server.ended
    assert.equal(code, 1, out)
    assert.match(err, /PYR_UNCAUGHT[\s\S]*the timer of nobody/)
    assert.match(
      out,
      /"msg":"an exception that nobody catches: stopping, what is done is committed first"[\s\S]*"msg":"stopped"/,
    )
    const [offset] = await connection.view.groupOffsets('shop')
    assert.equal(offset?.position, 4)
  })

  it('ends within its drain when SIGTERM comes while the setup of a worker hangs, and begins no thread any more', async () => {
    const folder = await built({
      'package.json': manifest,
      'pyrallel.config.ts': config,
      'handlers/hanging.ts': hanging,
    })
    const server = serve(folder, { BROKERS: broker.brokers })
    const begins = (text: string) => text.split('the setup begins').length - 1
    const before = begins(await server.seen(/the setup begins[\s\S]*the setup begins/))
    const askedAt = performance.now()
    server.stop()
    const { code, out, err } = await server.ended
    const tookMs = performance.now() - askedAt
    assert.ok(tookMs < limitMs, `it took ${tookMs} ms`)
    assert.deepEqual([code, begins(out), err], [0, before, ''])
  })

  it('ends within its drain when SIGTERM comes while its broker is dead, and says what is not committed', async (t) => {
    const folder = await built({
      'package.json': manifest,
      'pyrallel.config.ts': config,
      'handlers/careless.ts': careless,
    })
    const own = await startEmbeddedBroker({ log: quiet, topics: ['orders', 'orders.shop.dlq'] })
    const there = await connectUnderTest({ ...own.connection, clientId: 'test', log: quiet })
    const producerTo = await there.producer()
    const server = serve(folder, { BROKERS: own.brokers })
    await server.seen(/"msg":"started"/)
    await producerTo.produce(order('wait'))
    await server.seen(/"msg":"begun"/)
    await own.stop()
    await server.seen(/"did":"wait"/)
    const askedAt = performance.now()
    server.stop()
    const { code, out, err } = await server.ended
    const tookMs = performance.now() - askedAt
    assert.ok(tookMs < limitMs, `it took ${tookMs} ms\n${out}`)
    t.diagnostic(`it took ${Math.round(tookMs)} ms`)
    assert.deepEqual([code, err], [0, ''])
    assert.match(
      out,
      /"msg":"the last commit was not acknowledged; what it carried may run again"[\s\S]*"msg":"stopped"/,
    )
    await producerTo.close(0)
    await there.close()
  })
})
