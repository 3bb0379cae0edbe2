import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Type } from 'typebox'
import { Mask } from '../../../framework/console/mask.ts'
import type { DeadLettersAnswer, LetterAnswer } from '../../../framework/console/protocol-actions.ts'
import type { ViewedConnection } from '../../../framework/kafka/kafka-client.ts'
import type { MemoryCluster } from '../../../framework/kafka/memory/client.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { clusterWith, DLQ } from '../cli/dlq-fixtures.ts'
import { aWatchedHandler, serveConsole } from './served-console.ts'

async function served(t: TestContext, cluster: MemoryCluster, over: Parameters<typeof serveConsole>[1] = {}) {
  const connection = cluster.connection()
  t.after(() => connection.close())
  return serveConsole(t, { cluster: () => connection, ...over })
}

async function answer<Answer>(response: Response): Promise<Answer> {
  assert.equal(response.status, 200, await response.clone().text())
  return (await response.json()) as Answer
}

describe('dead letters in the console', { timeout: 60_000 }, () => {
  it('has the dead-letter topics of its handlers, and looks into no other topic', async (t) => {
    const { get } = await served(t, await clusterWith({}))
    assert.deepEqual(await answer(await get('/api/dead-letters')), {
      topics: [{ topic: DLQ, handlerIds: ['bill'] }],
    })
    for (const topic of ['orders', 'other.dlq', '__consumer_offsets']) {
      assert.equal((await get(`/api/dead-letters/${topic}`)).status, 404, topic)
      assert.equal((await get(`/api/dead-letters/${topic}/0/0`)).status, 404, topic)
    }
  })

  it('groups letters by their error, and shows them newest first, or those of one kind', async (t) => {
    const kind = (fingerprint: string) => ({
      error: fingerprint,
      headers: { 'pyrallel-error-fingerprint': fingerprint },
    })
    const { get } = await served(t, await clusterWith(kind('a'), kind('b'), kind('a')))
    const all = await answer<DeadLettersAnswer>(await get(`/api/dead-letters/${DLQ}`))
    assert.deepEqual(
      all.groups.map(({ fingerprint, count, error }) => [fingerprint, count, error]),
      [
        ['a', 2, 'Error: a'],
        ['b', 1, 'Error: b'],
      ],
    )
    assert.deepEqual([all.looked, all.isCut, all.cursor], [3, false, null])
    assert.deepEqual(
      all.letters.map(({ place }) => place.offset),
      [2, 1, 0],
    )
    const ofB = await answer<DeadLettersAnswer>(await get(`/api/dead-letters/${DLQ}?fingerprint=b`))
    assert.deepEqual(
      ofB.letters.map(({ place }) => place.offset),
      [1],
    )
    assert.equal(ofB.letters[0]?.key?.text, 'k')
    assert.deepEqual(ofB.letters[0]?.source, { topic: 'orders', partition: 0, offset: 1 })
  })

  it('counts a hundred thousand of them, and gives 50 all the same', async (t) => {
    const cluster = await clusterWith({})
    const headers = [['pyrallel-error-fingerprint', Buffer.from('many')]] as const
    const letter = { topic: DLQ, key: null, value: Buffer.from('{}'), headers }
    for (let index = 1; index < 100_000; index++) cluster.append({ ...letter, timestamp: index })
    const { get } = await served(t, cluster)
    const before = process.memoryUsage().heapUsed
    const { groups, letters, looked, cursor, isCut } = await answer<DeadLettersAnswer>(
      await get(`/api/dead-letters/${DLQ}`),
    )
    assert.deepEqual([looked, letters.length, isCut, cursor !== null], [100_000, 50, false, true])
    assert.deepEqual(
      groups.map(({ count }) => count).sort((a, b) => a - b),
      [1, 99_999],
    )
    assert.ok(process.memoryUsage().heapUsed - before < 200 * 1_048_576)
  })

  it('gives 50 at a time, and the older ones by a cursor, none twice', async (t) => {
    const { get } = await served(t, await clusterWith(...Array.from({ length: 120 }, () => ({}))))
    const seen: number[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const query: string = cursor === '' ? '' : `?cursor=${cursor}`
      const page: DeadLettersAnswer = await answer(await get(`/api/dead-letters/${DLQ}${query}`))
      assert.ok(page.letters.length <= 50)
      seen.push(...page.letters.map(({ place }) => place.offset))
      cursor = page.cursor
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 120 }, (_, index) => 119 - index),
    )
    assert.equal((await get(`/api/dead-letters/${DLQ}?cursor=1;2`)).status, 400)
  })

  it('shows one with value and headers, and says whether it would pass today’s schema', async (t) => {
    const { get, runtime } = await served(t, await clusterWith({ key: 'c9' }))
    const look = async () => answer<LetterAnswer>(await get(`/api/dead-letters/${DLQ}/0/0`))
    const first = await look()
    assert.deepEqual([first.letter.value?.text, first.letter.key?.text, first.passesToday], ['v0', 'c9', null])
    assert.ok(first.letter.headers.some(([name, value]) => name === 'trace' && value?.text === 't0'))
    runtime.handlers = [{ ...aWatchedHandler(), definition: { topic: { schema: Type.String() } } }]
    const judged = await look()
    assert.equal(judged.passesToday, false)
    assert.match(judged.misfits.join(), /JSON|read/)
    assert.equal((await get(`/api/dead-letters/${DLQ}/0/7`)).status, 404)
    assert.equal((await get(`/api/dead-letters/${DLQ}/x/0`)).status, 400)
  })

  it('passes today what satisfies the schema', async (t) => {
    const cluster = await clusterWith()
    const producer = await cluster.connection().producer()
    await producer.produce({ topic: DLQ, key: null, value: Buffer.from('{"id":1}'), headers: [] })
    const { get, runtime } = await served(t, cluster)
    const schema = Type.Object({ id: Type.Number() })
    runtime.handlers = [{ ...aWatchedHandler(), definition: { topic: { schema } } }]
    const judged = await answer<LetterAnswer>(await get(`/api/dead-letters/${DLQ}/0/0`))
    assert.deepEqual([judged.passesToday, judged.misfits], [true, []])
  })

  it('says of one whose headers name a schema of a registry why it does not pass', async (t) => {
    const cluster = await clusterWith()
    const producer = await cluster.connection().producer()
    const headers = [['__value_schema_id', Buffer.alloc(17, 1)]] as const
    await producer.produce({ topic: DLQ, key: null, value: Buffer.from([0x02, 0x80]), headers })
    const { get, runtime } = await served(t, cluster)
    runtime.handlers = [{ ...aWatchedHandler(), definition: { topic: { schema: Type.String() } } }]
    const judged = await answer<LetterAnswer>(await get(`/api/dead-letters/${DLQ}/0/0`))
    assert.equal(judged.passesToday, false)
    assert.match(judged.misfits.join(), /its headers name a schema of a registry/)
  })

  it('masks keys, values, headers, errors and stacks, whatever topic a header names', async (t) => {
    const headers = { 'pyrallel-topic': 'shown', 'kafka_dlt-original-topic': 'shown', trace: 'secret-trace' }
    const cluster = await clusterWith({ key: 'secret-key', error: 'secret-error', headers })
    const { get } = await served(t, cluster, { mask: new Mask(['shown']) })
    for (const path of [`/api/dead-letters/${DLQ}`, `/api/dead-letters/${DLQ}/0/0`]) {
      const response = await get(path)
      const text = await response.text()
      assert.equal(response.status, 200, text)
      assert.ok(!text.includes('secret-') && !text.includes('"v0"'), text)
    }
    const open = await served(t, cluster, { mask: new Mask(['orders']) })
    assert.match(await (await open.get(`/api/dead-letters/${DLQ}/0/0`)).text(), /secret-key.*secret-error/)
  })

  it('masks those of several topics unless each topic is shown', async (t) => {
    const cluster = await clusterWith({ key: 'secret-key' })
    const { route } = aWatchedHandler()
    const handlers = ['orders', 'payments'].map((topic) =>
      aWatchedHandler({ route: { ...route, topic, deadLetterTopic: DLQ } }),
    )
    const textWith = async (mask: Mask) => {
      const { get, runtime } = await served(t, cluster, { mask })
      runtime.handlers = handlers
      return (await get(`/api/dead-letters/${DLQ}/0/0`)).text()
    }
    assert.doesNotMatch(await textWith(new Mask(['orders'])), /secret-key/)
    assert.match(await textWith(new Mask(['orders', 'payments'])), /secret-key/)
  })

  it('takes one look at a time, and leaves no group of its own behind', async (t) => {
    const { get } = await served(t, await clusterWith({}))
    const path = `/api/dead-letters/${DLQ}`
    const statuses = (await Promise.all([get(path), get(path)])).map(({ status }) => status)
    assert.deepEqual(statuses.sort(), [200, 409])
    assert.equal((await get(path)).status, 200)
  })

  it('ends after five seconds, and says that there is more', async (t) => {
    const clock = new ManualClock()
    const inner = (await clusterWith(...Array.from({ length: 20 }, () => ({})))).connection()
    const consumer: ViewedConnection['consumer'] = async (options) => {
      const client = await inner.consumer(options)
      const poll = client.poll.bind(client)
      // One letter a second.
      client.poll = (_max, waitMs) => {
        clock.pass(1_000)
        return poll(1, waitMs)
      }
      return client
    }
    const { get } = await serveConsole(t, { cluster: () => ({ ...inner, consumer }), clock })
    const { isCut, looked, letters } = await answer<DeadLettersAnswer>(await get(`/api/dead-letters/${DLQ}`))
    assert.equal(isCut, true)
    assert.ok(looked > 0 && looked <= 5, String(looked))
    assert.equal(letters.length, looked)
  })
})
