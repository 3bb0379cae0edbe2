/** The client in JavaScript on Apache Kafka, with answers that are cut, damaged or never come on their way: nothing is lost, doubled or out of order. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { connectJavascript } from '../../framework/kafka/javascript/client.ts'
import type { RecordProducer } from '../../framework/kafka/kafka-client.ts'
import { PyrallelError } from '../../framework/model/errors.ts'
import type { Logger } from '../../framework/model/logger.ts'
import type { BrokerProxy, requests } from './broker-proxy.ts'
import type { KafkaCluster } from './kafka-harness.ts'
import { byte, compactText, flexibleRequest, int32 } from './kafka-request.ts'
import { PolledReader } from './polled-reader.ts'

const RECORDS = 200
const HALF = RECORDS / 2
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => String(from + index))
let topics = 0

function written(producer: RecordProducer, topic: string, values: readonly string[], partition = 0) {
  const places = values.map((value) =>
    producer.produce({ topic, partition, key: null, value: Buffer.from(value), headers: [] }),
  )
  // Whoever waits for them hears of it.
  for (const place of places) place.catch(() => {})
  return places
}

const harms = [
  ['cut in the middle', 'cut', /Connection closed/],
  ['too short to be read', 'short', /cannot be read/],
] as const
const spoiled: readonly (keyof typeof requests)[] = [
  'Metadata',
  'InitProducerId',
  'Produce',
  'FindCoordinator',
  'ConsumerGroupHeartbeat',
  'OffsetFetch',
  'ListOffsets',
  'Fetch',
  'OffsetCommit',
]

/** @param proxy by which the cluster says that it is found */
export function wireSuite(cluster: KafkaCluster, proxy: BrokerProxy): void {
  /** A topic, and connections to it through the proxy and past it, with every line that was logged. */
  async function opened(t: TestContext, partitions = 1) {
    const topic = `wire-${++topics}`
    await cluster.admin.createTopic(topic, { partitions })
    const lines: string[] = []
    const write = (fields: object, message: string) => lines.push(`${message} ${JSON.stringify(fields)}`)
    const log: Logger = { debug: write, info: write, warn: write, error: write, child: () => log }
    const connection = await connectJavascript({ brokers: proxy.address, clientId: 'wire', log })
    const direct = await connectJavascript({ brokers: cluster.brokers, clientId: 'direct', log })
    const producer = await connection.producer()
    t.after(async () => {
      await producer.close(1_000)
      await connection.close()
      await direct.close()
    })
    return { topic, connection, direct, producer, lines }
  }

  /** Says whether an answer to a heartbeat has come since that tells nothing new: there is nothing that the member has to say any more. */
  function plainAnswer(): () => boolean {
    let hasCome = false
    const heard = proxy.spoil('ConsumerGroupHeartbeat', (answer) => {
      hasCome ||= !heartbeatAnswer(answer).isNews
      if (hasCome) heard.end()
      return undefined
    })
    return () => hasCome
  }

  describe('the client in JavaScript', {
    skip: cluster.controllable ? false : 'its way to the broker is ours',
    timeout: 180_000,
  }, () => {
    for (const [request, [what, harm, told]] of spoiled.flatMap((each) => harms.map((harm) => [each, harm] as const))) {
      it(`writes, reads and commits each record once although an answer to ${request} is ${what}, and tells of it`, async (t) => {
        const { topic, connection, producer, lines } = await opened(t)
        const { done } = proxy.spoil(request, harm, 2)
        const places = written(producer, topic, numbers(0, HALF))
        const reader = await PolledReader.join(t, connection, topic)
        await reader.until('the first half is there', () => reader.records.length >= HALF)
        const last = () => ({ topic, partition: 0, position: reader.records.length, metadata: 'so far' })
        await reader.during(reader.client.commit([last()]))
        places.push(...written(producer, topic, numbers(HALF, RECORDS)))
        await reader.until('all are there', () => reader.records.length >= RECORDS)
        await reader.during(reader.client.commit([last()]))
        await reader.during(done)
        assert.deepEqual(reader.values(), numbers(0, RECORDS))
        assert.deepEqual(
          (await Promise.all(places)).map(({ offset }) => offset),
          [...places.keys()],
        )
        const [committed] = await connection.view.groupOffsets(`${topic}-group`)
        assert.deepEqual([committed?.position, committed?.metadata], [RECORDS, 'so far'])
        const errors = lines.filter((line) => line.startsWith('the Kafka client reports an error'))
        assert.match(errors.join('\n'), told)
      })
    }

    it('hands out nothing of a batch that arrives damaged, tells of it, and has it once it arrives whole', async (t) => {
      const { topic, connection, producer, lines } = await opened(t, 2)
      await Promise.all(written(producer, topic, numbers(0, HALF)))
      const damaged = proxy.spoil('Fetch', damage('in a batch'), Number.POSITIVE_INFINITY)
      await Promise.all(written(producer, topic, ['in a batch']))
      await Promise.all(written(producer, topic, numbers(HALF, RECORDS)))
      const reader = await PolledReader.join(t, connection, topic)
      await reader.until('it is told', () => reader.errors.includes('OTHER'))
      // The other partition does not wait for it.
      await Promise.all(written(producer, topic, numbers(0, RECORDS), 1))
      await reader.until('the other partition is read', () => reader.values(1).length === RECORDS)
      assert.deepEqual(reader.values(0), numbers(0, HALF))
      damaged.end()
      await reader.until('all are there', () => reader.values(0).length > RECORDS)
      assert.deepEqual(reader.values(0), [...numbers(0, HALF), 'in a batch', ...numbers(HALF, RECORDS)])
      assert.deepEqual(reader.values(1), numbers(0, RECORDS))
      assert.deepEqual(new Set(reader.errors), new Set(['OTHER']))
      assert.match(
        lines.join('\n'),
        new RegExp(`a batch is damaged; it is fetched again.*"topic":"${topic}","partition":0,"position":${HALF}`),
      )
    })

    it('goes on where it was when a proxy has answered in HTTP for the broker, which it tells', async (t) => {
      const { topic, connection, producer, lines } = await opened(t)
      await Promise.all(written(producer, topic, numbers(0, HALF)))
      const reader = await PolledReader.join(t, connection, topic)
      await reader.until('the first half is there', () => reader.records.length === HALF)
      const end = proxy.speakHttp()
      t.after(end)
      const rest = Promise.all(written(producer, topic, numbers(HALF, RECORDS)))
      const isTold = () => lines.some((line) => line.includes('it answers in HTTP, so it is no Kafka broker'))
      await reader.until('it is told', () => isTold() && reader.errors.includes('NETWORK_EXCEPTION'))
      end()
      await reader.until('all are there', () => reader.records.length >= RECORDS)
      await rest
      assert.deepEqual(reader.values(), numbers(0, RECORDS))
      assert.deepEqual(new Set(reader.errors), new Set(['NETWORK_EXCEPTION']))
    })

    it('gives up in order what the group wants back, although the answer that said so was lost', async (t) => {
      const { topic, connection, direct } = await opened(t, 2)
      const first = await PolledReader.join(t, connection, topic)
      await first.until('it has both', () => first.owned.length === 2)
      await first.until('it has said everything', plainAnswer())
      const lost = proxy.spoil('ConsumerGroupHeartbeat', 'cut', 1, (answer) => heartbeatAnswer(answer).isNews)
      const second = await PolledReader.join(t, direct, topic)
      await first.until('each has one', () => first.owned.length === 1 && second.owned.length === 1, [second])
      await first.during(lost.done)
      assert.deepEqual([first.story, second.story], [['assigned', 'revoked'], ['assigned']])
    })

    it('reads a partition that was given to it later than the others, although the answer that said so was lost', async (t) => {
      const { topic, connection, direct, producer } = await opened(t, 6)
      const [first, second] = [await PolledReader.join(t, direct, topic), await PolledReader.join(t, direct, topic)]
      const sizes = (...readers: PolledReader[]) => readers.map(({ owned }) => owned.length).join()
      await first.until('each has three', () => sizes(first, second) === '3,3', [second])
      // The second is not polled: what it is to give up comes later.
      const third = await PolledReader.join(t, connection, topic)
      await third.until('it has one', () => sizes(first, third) === '2,1', [first])
      await third.until('it has said everything', plainAnswer(), [first])
      const lost = proxy.spoil('ConsumerGroupHeartbeat', 'cut', 1, (answer) => heartbeatAnswer(answer).isNews)
      await third.until('each has two', () => sizes(first, second, third) === '2,2,2', [first, second])
      await third.during(lost.done)
      await Promise.all(numbers(0, 6).map((value) => written(producer, topic, [value], Number(value))[0]))
      const all = [first, second, third]
      await third.until('all is read', () => all.every(({ records }) => records.length === 2), [first, second])
      assert.deepEqual(third.story, ['assigned', 'assigned'])
    })

    it('ends, with a next step and without its partitions, when another member has taken over its static name, which goes on', async (t) => {
      const { topic, connection } = await opened(t)
      const [group, instanceId] = [`${topic}-group`, 'one']
      let memberId = ''
      let beats = 0
      const heard = proxy.spoil('ConsumerGroupHeartbeat', (answer) => {
        memberId = heartbeatAnswer(answer).memberId
        beats++
        return undefined
      })
      const first = await PolledReader.join(t, connection, topic, { instanceId })
      const second = await PolledReader.open(t, connection, topic, { instanceId })
      await first.until('it is assigned', () => first.owned.length === 1)
      const before = beats
      await first.until('its next heartbeat, which is the last for half a second', () => beats > before)
      heard.end()
      await giveNameBack(cluster.brokers, { group, memberId, instanceId })
      await second.subscribe()
      await second.until('it is assigned', () => second.owned.length === 1)
      await second.during(second.client.commit([{ topic, partition: 0, position: 0, metadata: 'of the second' }]))
      const told = await first.untilFailed()
      const late = first.client.commit([{ topic, partition: 0, position: 0, metadata: 'of the first' }])
      const refused = await late.catch((thrown: unknown) => thrown)
      assert.ok(told instanceof Error && refused instanceof PyrallelError)
      assert.match(told.message, /taken over the instance id 'one'\. Give each process a kafka\.instanceId of its own/)
      assert.equal(refused.code, 'PYR_NOT_OWNED', refused.message)
      assert.deepEqual([first.story, first.errors], [['assigned', 'lost'], ['FATAL']])
      assert.deepEqual([second.story, second.errors], [['assigned'], []])
      const [committed] = await connection.view.groupOffsets(group)
      assert.equal(committed?.metadata, 'of the second')
    })

    it('closes in time and keeps what was committed when the broker takes what it is told and never answers', async (t) => {
      const { topic, connection, producer } = await opened(t)
      await Promise.all(written(producer, topic, numbers(0, RECORDS)))
      const reader = await PolledReader.join(t, connection, topic)
      await reader.until('all are there', () => reader.records.length === RECORDS)
      const commit = (position: number) => reader.client.commit([{ topic, partition: 0, position, metadata: '' }])
      await reader.during(commit(HALF))
      t.after(proxy.silence())
      const waiting = commit(RECORDS).then(
        () => assert.fail('nobody has told that it was stored'),
        (thrown: { readonly code?: unknown }) => thrown.code,
      )
      const unwritten = producer.produce({ topic, key: null, value: null, headers: [] }).catch((thrown) => thrown.code)
      const startedAt = performance.now()
      await Promise.all([reader.close(), producer.close(500)])
      assert.ok(performance.now() - startedAt < 10_000, `it took ${Math.round(performance.now() - startedAt)} ms`)
      assert.deepEqual(await Promise.all([waiting, unwritten]), ['PYR_CLIENT_CLOSED', 'PYR_CLIENT_CLOSED'])
      // It has arrived, or not: nobody may have turned back what was acknowledged.
      const [committed] = await cluster.admin.committed(`${topic}-group`, topic)
      assert.ok((committed?.offset ?? 0) >= HALF, `${committed?.offset} is committed`)
    })
  })
}

/** Of an answer without an error: whose it is, and whether it tells what is assigned. */
function heartbeatAnswer(answer: Buffer): { memberId: string; isNews: boolean } {
  // Behind its length, its header, the throttle time, the code, and the message, which is null.
  const end = 17 + answer.readUInt8(16) - 1
  // Behind the epoch and the interval.
  return { memberId: answer.toString('utf8', 17, end), isNews: answer.readInt8(end + 8) === 1 }
}

/** As a member does that leaves for a moment: whoever comes next under its name has its partitions (KIP-848, epoch -2). */
async function giveNameBack(brokers: string, who: { group: string; memberId: string; instanceId: string }) {
  const [unchanged, none] = [int32(-1), byte(0)]
  const answer = await flexibleRequest(brokers, { key: 68, version: 0 }, [
    compactText(who.group),
    compactText(who.memberId),
    int32(-2),
    compactText(who.instanceId),
    // No rack, no topics, no assignor, no partitions.
    ...[none, unchanged, none, none, none],
  ])
  // Behind the throttle time.
  assert.equal(answer.readInt16BE(4), 0)
}

/** Changes one bit of the first answer, and of each after it, that has these words. */
function damage(words: string) {
  return (answer: Buffer) => {
    const at = answer.indexOf(words)
    if (at < 0) return undefined
    const changed = Buffer.from(answer)
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
    return changed
  }
}
