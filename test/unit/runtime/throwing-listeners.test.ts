/** A listener or a logger that throws at whatever it is told: records are handled and committed all the same, and the runtime stops. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { configDefaults } from '../../../framework/config/resolve-config.ts'
import { memoryCluster } from '../../../framework/kafka/memory/client.ts'
import type { EventSink } from '../../../framework/model/events.ts'
import type { Logger } from '../../../framework/model/logger.ts'
import { createRuntime } from '../../../framework/runtime/create-runtime.ts'
import { recordedLog } from '../kafka/recorded-log.ts'
import { aHandler, gate } from './running-app.ts'

const RECORDS = 20

const boom = (): never => {
  throw new Error('the disk is full')
}

/** Handles some records, of which every second one fails for good, and stops. @returns the committed position */
async function handleAll(t: TestContext, { onEvent, log }: { readonly onEvent?: EventSink; readonly log: Logger }) {
  const cluster = memoryCluster()
  cluster.createTopic('orders', 1)
  const { limits, commit, shutdown, handlers } = configDefaults
  const all = gate()
  let handled = 0
  const orders = aHandler('orders', {
    retry: { ...handlers.retry, attempts: 1 },
    run: () => {
      handled++
      if (handled === RECORDS) all.open()
      if (handled % 2 === 0) throw new Error('no')
    },
  })
  const runtime = createRuntime({
    connection: cluster.connection(),
    handlers: [orders],
    startFrom: 'earliest',
    limits,
    commit,
    shutdown,
    log,
    ...(onEvent === undefined ? {} : { onEvent }),
  })
  t.after(() => runtime.stop())
  const producer = await cluster.connection().producer()
  await runtime.start()
  for (let record = 0; record < RECORDS; record++) {
    await producer.produce({ topic: 'orders', key: Buffer.from(`k${record}`), value: Buffer.from('{}'), headers: [] })
  }
  await all.opened
  await runtime.stop()
  await producer.close(0)
  return cluster.group('shop').committed({ topic: 'orders', partition: 0 })?.position
}

describe('a runtime', { timeout: 60_000 }, () => {
  it('handles and commits all records though its listener throws at each event, and says so', async (t) => {
    const { log, lines } = recordedLog()
    assert.equal(await handleAll(t, { onEvent: boom, log }), RECORDS)
    const told = lines.filter(({ message }) => message === 'onEvent threw; the event counts as told')
    assert.ok(told.length > 0)
    assert.ok(told.length < RECORDS, `${told.length} lines`)
  })

  it('handles and commits all records though its log takes no line', async (t) => {
    const log: Logger = { debug: boom, info: boom, warn: boom, error: boom, child: () => log }
    assert.equal(await handleAll(t, { log }), RECORDS)
  })

  it('handles and commits all records though its log cannot be bound to a group', async (t) => {
    const nothing = () => {}
    const log: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: boom }
    assert.equal(await handleAll(t, { log }), RECORDS)
  })
})
