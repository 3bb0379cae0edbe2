/** What the console says of records, on a runtime with the cluster in memory. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { configDefaults } from '../../../framework/config/resolve-config.ts'
import { Mask } from '../../../framework/console/mask.ts'
import type { FindKeyAnswer } from '../../../framework/console/protocol-actions.ts'
import type { ErrorAnswer } from '../../../framework/console/protocol-errors.ts'
import type {
  KeysAnswer,
  PartitionView,
  RecordView,
  RetriesAnswer,
} from '../../../framework/console/protocol-records.ts'
import type { ResolvedHandler } from '../../../framework/runtime/runtime.ts'
import { aHandler, aRunningApp, type RunningApp } from '../runtime/running-app.ts'
import { boundTo } from './bound-runtime.ts'
import { serveConsole } from './served-console.ts'

/** Two records of one key, of which the first has failed and waits for an hour. */
async function blocked(t: TestContext, over: Parameters<typeof serveConsole>[1] = {}) {
  let isFixed = false
  const retry = { ...configDefaults.handlers.retry, attempts: 3, minMs: 3_600_000, maxMs: 3_600_000, jitter: false }
  const orders = aHandler('orders', {
    retry,
    deadLetterTopic: 'orders.dlq',
    run: () => {
      if (!isFixed) throw new Error('card 4111 refused')
    },
  })
  const app = await aRunningApp(t, [orders], ['orders.dlq'])
  await app.send('orders', 1, 'customer-9')
  await app.send('orders', 2, 'customer-9')
  await app.until(() => app.count('record.retry') === 1)
  // No event tells that a record was taken in.
  while (app.runtime.snapshot().groups[0]?.records !== 2) await new Promise(setImmediate)
  return { app, ...(await readingOf(t, app, orders, over)), fix: () => (isFixed = true) }
}

/** Three records of one key that are parked, each by itself. */
async function parkedThree(t: TestContext) {
  let isFixed = false
  const retry = { ...configDefaults.handlers.retry, attempts: 1, then: 'park-alone' } as const
  const run = () => {
    if (!isFixed) throw new Error('card 4111 refused')
  }
  const orders = aHandler('orders', { retry, deadLetterTopic: 'orders.dlq', run })
  const app = await aRunningApp(t, [orders], ['orders.dlq'])
  for (const value of [1, 2, 3]) await app.send('orders', value, 'customer-9')
  await app.until(() => app.count('record.parked') === 3)
  return { app, ...(await readingOf(t, app, orders)), fix: () => (isFixed = true) }
}

async function readingOf(
  t: TestContext,
  app: RunningApp,
  orders: ResolvedHandler,
  over: Parameters<typeof serveConsole>[1] = {},
) {
  const served = await serveConsole(t, { runtime: () => boundTo(app.runtime, [orders]), ...over })
  const partition = app.runtime.snapshot().groups[0]?.partitions.find(({ records }) => records > 0)?.partition ?? 0
  const read = async <Answer>(path: string): Promise<Answer> => {
    const response = await served.get(path)
    assert.equal(response.status, 200, await response.clone().text())
    return (await response.json()) as Answer
  }
  return { served, place: `shop/orders/${partition}`, partition, read }
}

describe('records in the console', { timeout: 30_000 }, () => {
  it('says what a record waits for: its retry, and the one behind it for its key', async (t) => {
    const { read, place } = await blocked(t)
    const first = await read<RecordView>(`/api/records/${place}/0`)
    assert.deepEqual([first.state, first.attempt, first.attempts, first.isBlocking], ['waiting', 2, 3, true])
    assert.deepEqual(
      first.waitsFor.map(({ kind }) => kind),
      ['retry'],
    )
    assert.deepEqual(
      [first.key?.text, first.value?.text, first.failures[0]?.message],
      ['customer-9', '1', 'card 4111 refused'],
    )
    assert.deepEqual(first.can, { retryNow: true, giveUp: true, discard: false, copy: true })
    const second = await read<RecordView>(`/api/records/${place}/1`)
    assert.deepEqual([second.state, second.waitsFor[0]?.kind, second.can.giveUp], ['queued', 'record', false])
  })

  it('gives a value, a test and a command to take along, and says where its failure comes from', async (t) => {
    const { read, served, place, partition } = await blocked(t, { root: process.cwd() })
    const of = async (kind: string) => {
      const response = await served.get(`/api/records/${place}/0/${kind}`)
      return [response.status, response.headers.get('content-disposition'), await response.text()] as const
    }
    assert.deepEqual(await of('value'), [200, `attachment; filename="orders-${partition}-0.bin"`, '1'])
    const [, name, test] = await of('test')
    assert.equal(name, `attachment; filename="orders-${partition}-0.test.ts"`)
    assert.match(test, /runRecord\(routes, "orders", record, \{ attempt: 2 \}\)/)
    assert.deepEqual((await of('send')).slice(2), ['npx pyrallel send --key customer-9 -- orders 1\n'])
    const { failures, timeline } = await read<RecordView>(`/api/records/${place}/0`)
    assert.equal(failures[0]?.source?.file, 'test/unit/console/records.test.ts')
    assert.equal(timeline, null)
    assert.equal((await served.get(`/api/records/${place}/7/value`)).status, 404)
  })

  it('shows a value of 1 MB in part, gives it whole as a file, and both as nothing that a browser runs', async (t) => {
    const markup = '<script>alert(1)</script>'
    const value = markup.padEnd(1_048_576, '<')
    const orders = aHandler('orders', {
      retry: { ...configDefaults.handlers.retry, attempts: 3, minMs: 3_600_000, maxMs: 3_600_000 },
      run: () => {
        throw new Error(markup)
      },
    })
    const app = await aRunningApp(t, [orders])
    await app.send('orders', value, markup)
    await app.until(() => app.count('record.retry') === 1)
    const { get } = await serveConsole(t, { runtime: () => boundTo(app.runtime, [orders]) })
    const partition = app.runtime.snapshot().groups[0]?.partitions.find(({ records }) => records > 0)?.partition
    const shown = await get(`/api/records/shop/orders/${partition}/0`)
    assert.match(shown.headers.get('content-type') ?? '', /^application\/json/)
    const view = (await shown.json()) as RecordView
    assert.deepEqual([view.value?.bytes, view.value?.isCut, view.value?.text.length], [1_048_578, true, 65_536])
    assert.deepEqual([view.key?.text, view.failures[0]?.message], [markup, markup])
    const whole = await get(`/api/records/shop/orders/${partition}/0/value`)
    for (const { headers } of [shown, whole]) assert.equal(headers.get('x-content-type-options'), 'nosniff')
    assert.deepEqual(
      [whole.headers.get('content-type'), JSON.parse(await whole.text())],
      ['application/octet-stream', value],
    )
    assert.equal((await get(`/api/records/shop/orders/${partition}/0/send`)).status, 404)
  })

  it('gives no record of a masked topic to take along', async (t) => {
    const { read, served, place } = await blocked(t, { mask: new Mask([]) })
    for (const kind of ['value', 'test', 'send']) {
      const response = await served.get(`/api/records/${place}/0/${kind}`)
      assert.equal(response.status, 403, kind)
      assert.doesNotMatch(await response.text(), /customer-9|card 4111/)
    }
    const { can, failures } = await read<RecordView>(`/api/records/${place}/0`)
    assert.deepEqual([can.copy, failures[0]?.source, failures[0]?.stack], [false, null, null])
  })

  it('draws the offsets of a partition, and says what a crash would run again', async (t) => {
    const { read, place } = await blocked(t)
    const { runs, runsAgain, handlerId, logEndAgeMs } = await read<PartitionView>(`/api/partitions/${place}`)
    assert.deepEqual(
      runs.map(([state, from, to]) => [state, from, to]),
      [
        ['waiting', 0, 1],
        ['queued', 1, 2],
      ],
    )
    assert.deepEqual([runsAgain, handlerId], [0, 'orders'])
    assert.equal(typeof logEndAgeMs, 'number')
  })

  it('finds a key that no address names, and lists keys and retries', async (t) => {
    const { read, served, partition } = await blocked(t)
    const find = async (body: object) =>
      (
        (await (
          await served.post('/api/keys/find', { group: 'shop', topic: 'orders', ...body })
        ).json()) as FindKeyAnswer
      ).found
    assert.deepEqual(
      [(await find({ key: 'customer-9' }))?.depth, (await find({ key: 'customer-9' }))?.partition],
      [2, partition],
    )
    assert.equal((await find({ keyBase64: Buffer.from('customer-9').toString('base64') }))?.first?.place.offset, 0)
    assert.equal(await find({ key: 'none' }), null)
    for (const wrong of [{}, { keyBase64: 'not base64' }, { key: 'customer-9', keyBase64: 'YzE=' }]) {
      const refused = await served.post('/api/keys/find', { group: 'shop', topic: 'orders', ...wrong })
      assert.equal(refused.status, 400, JSON.stringify(wrong))
    }
    const keys = await read<KeysAnswer>('/api/keys?g=shop&t=orders&by=depth')
    assert.deepEqual(
      keys.rows.map(({ key, depth }) => [key?.text, depth]),
      [['customer-9', 2]],
    )
    const retries = await read<RetriesAnswer>('/api/retries?g=shop')
    assert.deepEqual(
      retries.rows.map(({ place, attempt }) => [place.offset, attempt]),
      [[0, 2]],
    )
  })

  it('retries at once what waits, only as it was seen, and tells of it', async (t) => {
    const { app, read, served, place, fix } = await blocked(t)
    const { epoch, attempt } = await read<RecordView>(`/api/records/${place}/0`)
    const stale = await served.post(`/api/records/${place}/0/retry-now`, { epoch, attempt: 1 })
    assert.equal(stale.status, 409)
    assert.equal(((await stale.json()) as ErrorAnswer).error.record?.state, 'waiting')
    fix()
    assert.equal((await served.post(`/api/records/${place}/0/retry-now`, { epoch, attempt })).status, 200)
    await app.until(() => app.count('record.done') === 2)
    assert.ok(served.lines.some(({ what, client }) => what === 'action.retry-now' && client === '127.0.0.1'))
  })

  it('gives up what waits, to its dead-letter topic, and the next of its key runs', async (t) => {
    const { app, read, served, place, fix } = await blocked(t)
    const { epoch, attempt } = await read<RecordView>(`/api/records/${place}/0`)
    fix()
    assert.equal((await served.post(`/api/records/${place}/0/give-up`, { epoch, attempt })).status, 200)
    await app.until(() => app.count('record.dead') === 1 && app.count('record.done') === 1)
  })

  it('lists what is parked, says since when, and retries, gives up and discards it', async (t) => {
    const { app, read, served, place, fix } = await parkedThree(t)
    const { parked, parkedCount, rows } = await read<RetriesAnswer>('/api/retries?g=shop')
    assert.deepEqual(
      [parked.map((row) => [row.place.offset, row.holdsKey, row.failure?.message]), parkedCount, rows],
      [[0, 1, 2].map((offset) => [offset, false, 'card 4111 refused']), 3, []],
    )
    const first = await read<RecordView>(`/api/records/${place}/0`)
    assert.deepEqual([first.state, first.waitsFor[0]?.kind], ['parked', 'parked'])
    assert.deepEqual(first.can, { retryNow: true, giveUp: true, discard: true, copy: true })
    fix()
    for (const [offset, verb] of (['retry-now', 'give-up', 'discard'] as const).entries()) {
      const { epoch, attempt } = await read<RecordView>(`/api/records/${place}/${offset}`)
      assert.equal((await served.post(`/api/records/${place}/${offset}/${verb}`, { epoch, attempt })).status, 200)
    }
    await app.until(() => app.count('record.dead') === 2 && app.count('record.done') === 1)
    assert.ok(served.lines.some(({ what }) => what === 'action.discard'))
    assert.equal((await read<RetriesAnswer>('/api/retries?g=shop')).parkedCount, 0)
  })

  it('changes nothing of records where actions are off', async (t) => {
    const { read, served, place } = await blocked(t, { canAct: false })
    const { epoch, attempt } = await read<RecordView>(`/api/records/${place}/0`)
    for (const verb of ['retry-now', 'give-up', 'discard']) {
      assert.equal((await served.post(`/api/records/${place}/0/${verb}`, { epoch, attempt })).status, 403)
    }
    const breaker = { group: 'shop', topic: 'orders', partition: 0, epoch, breaker: 1 }
    assert.equal((await served.post('/api/breakers/close', breaker)).status, 403)
  })

  it('says of a breaker that is not open, a group and a partition that are not here, that they are not', async (t) => {
    const { read, served, place } = await blocked(t)
    const { epoch } = await read<RecordView>(`/api/records/${place}/0`)
    const breaker = { group: 'shop', topic: 'orders', partition: 0, epoch, breaker: 1 }
    assert.equal((await served.post('/api/breakers/close', breaker)).status, 409)
    for (const path of [
      'partitions/other/orders/0',
      'partitions/shop/orders/99',
      'records/shop/none/0/0',
      'keys?g=other',
      'retries?g=',
    ]) {
      assert.equal((await served.get(`/api/${path}`)).status, 404, path)
    }
    assert.equal((await served.get('/api/keys?g=shop&by=name')).status, 400)
    assert.equal((await served.get('/api/partitions/shop/orders/-1')).status, 400)
  })

  it('masks keys, values and messages of records', async (t) => {
    const { served, place } = await blocked(t, { mask: new Mask([]) })
    for (const path of [`records/${place}/0`, 'keys?g=shop', 'retries?g=shop']) {
      const text = await (await served.get(`/api/${path}`)).text()
      assert.ok(!text.includes('customer-9') && !text.includes('card 4111'), text)
    }
  })
})
