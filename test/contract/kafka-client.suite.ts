/** The laws of the Kafka port, as numbered in framework/kafka/kafka-client.ts. Every implementation passes these, and differs only as its feature table says. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, afterEach, before, describe, it } from 'node:test'
import type { ConsumerOptions, RecordProducer, ViewedConnection } from '../../framework/kafka/kafka-client.ts'
import { partitionOfKey } from '../../framework/kafka/murmur2.ts'
import { type OutgoingRecord, partitionId, type RecordHeader } from '../../framework/model/record.ts'
import { ignoreClosed, LIMIT_MS, Member, pump, whilePolled } from './polled-member.ts'

/** How a client or broker may differ. Each is asserted both ways, so none can change unseen. */
export interface KafkaFeatures {
  /** `createTopics` makes as many partitions as asked; otherwise always four. */
  readonly partitionsAsAsked: boolean
  /** A header value that is null arrives as null; otherwise as empty. */
  readonly nullHeaderValues: boolean
  /** Producing to a topic that does not exist is refused; otherwise the broker creates it. */
  readonly refusesUnknownTopics: boolean
}

export interface KafkaTarget {
  readonly name: string
  readonly features: KafkaFeatures
  /** Called once. For law 4 of the producer its queue should be small, 100 records say, where that can be set. */
  connect(): Promise<ViewedConnection>
  /** Has the coordinator answer nothing for some seconds, or until the function that it gives is called; `undefined` where it cannot be had here. */
  readonly silence: (() => Promise<() => Promise<void>>) | undefined
  /** Called once, after the connection is closed. */
  stop?(): Promise<void>
  /** Uses up so many offsets of the topic's first partition that no consumer is given; `undefined` where that cannot be had here. */
  readonly leaveHoles?: (topic: string, count: number) => Promise<void>
  /** Which laws are tried. Default: all. */
  readonly parts?: readonly KafkaPart[]
}

export type KafkaPart = 'consumer' | 'producer' | 'view' | 'connection'

const PARTITIONS = 4

function text(topic: string, value: string, more: Partial<OutgoingRecord> = {}): OutgoingRecord {
  return { topic, key: null, value: Buffer.from(value), headers: [], ...more }
}

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, index) => String(from + index))

export function kafkaClientSuite(target: KafkaTarget): void {
  const without = (part: KafkaPart) => target.parts?.includes(part) === false && 'not a part of this client'
  describe(`Kafka client: ${target.name}`, () => {
    let connection: ViewedConnection
    let producer: RecordProducer
    let members: Member[] = []
    let names = 0

    before(async () => {
      connection = await target.connect()
      producer = await connection.producer()
    })
    afterEach(async () => {
      await Promise.all(members.filter((each) => !each.isClosed).map((each) => each.close()))
      members = []
    })
    after(async () => {
      await producer.close(1_000)
      await connection.close()
      await target.stop?.()
    })

    const run = randomBytes(4).toString('hex')
    const fresh = (kind: string) => `${kind}-${run}-${++names}`
    const newTopic = async () => {
      const topic = fresh('topic')
      await connection.createTopics([topic], PARTITIONS)
      return topic
    }
    const newMember = async (options: Partial<ConsumerOptions> = {}) => {
      const client = await connection.consumer({ group: fresh('group'), startFrom: 'earliest', ...options })
      const member = new Member(client)
      members.push(member)
      return member
    }
    const join = async (topic: string, options: Partial<ConsumerOptions> = {}) =>
      (await newMember(options)).subscribe([topic])
    const produceTo = (topic: string, partition: number, values: readonly string[]) =>
      Promise.all(values.map((value) => producer.produce(text(topic, value, { partition }))))
    const ownsAll = (member: Member) => member.owned.size === PARTITIONS

    describe('consumer', { skip: without('consumer') }, () => {
      it('law 1: returns the records of a partition in increasing offset order', async () => {
        const topic = await newTopic()
        const member = await join(topic)
        for (const partition of [0, 1, 2, 3]) await produceTo(topic, partition, numbers(250))
        await pump([member], 'all records', () => member.records.length === 1_000)
        for (const partition of [0, 1, 2, 3]) {
          const offsets = member.records.filter((each) => each.partition === partition).map((each) => each.offset)
          assert.deepEqual(offsets, [...offsets.keys()])
        }
      })

      it('law 2: returns no record of a revoked partition, and the next owner goes on at the committed position', async () => {
        const topic = await newTopic()
        const group = fresh('group')
        const first = await join(topic, { group })
        for (const partition of [0, 1, 2, 3]) await produceTo(topic, partition, numbers(50))
        await pump([first], 'the first 200', () => first.records.length === 200)
        first.onRevoked = (partitions) =>
          first.client.commit(partitions.map((each) => ({ ...each, position: 50, metadata: `kept ${each.partition}` })))
        const second = await join(topic, { group })
        // Member.poll asserts that each record's partition is owned, so records that come late are seen.
        await pump([first, second], 'the second has its share', () => second.owned.size === 2 && first.owned.size === 2)
        for (const partition of [0, 1, 2, 3]) await produceTo(topic, partition, numbers(50, 50))
        await pump([first, second], 'all records', () => first.records.length + second.records.length === 400)
        assert.deepEqual([...new Set(second.records.map((each) => partitionId(each)))].sort(), [...second.owned].sort())
        assert.equal(Math.min(...second.records.map((each) => each.offset)), 50)
        for (const each of second.assignments) {
          assert.deepEqual([each.position, each.metadata], [50, `kept ${each.partition}`])
        }
      })

      for (const [name, metadata] of [
        ['no metadata', ''],
        ['text of every width', 'a é € 😀 漢 \t "quoted" \\ \u0001'],
        ['as much as fits', 'é'.repeat(4_095)],
      ] as const) {
        it(`laws 3 and 4: a commit stores position and metadata unchanged: ${name}`, async () => {
          const topic = await newTopic()
          const group = fresh('group')
          const first = await join(topic, { group })
          await produceTo(topic, 2, numbers(5))
          await pump([first], 'records', () => ownsAll(first) && first.records.length === 5)
          const before = first.assignments.find((each) => each.partition === 2)
          assert.deepEqual([before?.position, before?.metadata], [undefined, ''])
          const committed = first.client.commit([{ topic, partition: 2, position: 3, metadata }])
          let isStored = false
          committed.then(
            () => {
              isStored = true
            },
            () => {},
          )
          await pump([first], 'the commit', () => isStored)
          await first.close()
          const second = await join(topic, { group })
          await pump([second], 'the rest', () => second.records.length === 2)
          const after = second.assignments.find((each) => each.partition === 2)
          assert.deepEqual([after?.position, after?.metadata], [3, metadata])
          if (metadata !== '') assert.equal(after?.logEnd, 5)
          assert.deepEqual(second.values(), ['3', '4'])
        })
      }

      it('law 9: tells of each position outside its log, and goes on within it', async () => {
        const topic = await newTopic()
        const group = fresh('group')
        const first = await join(topic, { group })
        for (const partition of [0, 1, 2, 3]) await produceTo(topic, partition, numbers(5))
        await pump([first], 'the records', () => first.records.length === 20)
        const positions = [500, 500, 5, 5].map((position, partition) => ({ topic, partition, position, metadata: '' }))
        const committed = first.client.commit(positions)
        await whilePolled(first, committed)
        await first.close()
        const codes: string[] = []
        const second = await join(topic, { group, onError: (code) => codes.push(code) })
        await pump([second], 'what is read anew', () => second.records.length === 10)
        assert.deepEqual(codes, ['OFFSET_OUT_OF_RANGE', 'OFFSET_OUT_OF_RANGE'])
      })

      it('law 3: refuses a commit of a partition that is not owned', async () => {
        const topic = await newTopic()
        const member = await join(topic)
        await pump([member], 'the assignment', () => ownsAll(member))
        const foreign = [{ topic, partition: 77, position: 1, metadata: '' }]
        await assert.rejects(member.client.commit(foreign), { code: 'PYR_NOT_OWNED', retriable: false })
      })

      it('law 3: refuses commits that could not be stored as they are', async () => {
        const topic = await newTopic()
        const member = await join(topic)
        await pump([member], 'the assignment', () => ownsAll(member))
        const commit = (change: object) =>
          member.client.commit([{ topic, partition: 0, position: 1, metadata: '', ...change }])
        await assert.rejects(commit({ metadata: 'x'.repeat(4_096) }), { code: 'PYR_METADATA_TOO_LARGE' })
        for (const change of [
          { metadata: 'a\0b' },
          { metadata: 'half \ud800' },
          { metadata: undefined },
          { position: -1 },
          { position: 0.5 },
          { partition: undefined },
          { topic: '' },
        ]) {
          await assert.rejects(commit(change), { code: 'PYR_BUG' }, JSON.stringify(change))
        }
        await assert.doesNotReject(member.client.commit([]))
      })

      it('law 10: with `latest`, a new topic begins at its ends, which are committed for all its partitions before a record is returned', async () => {
        const topic = await newTopic()
        const group = fresh('group')
        for (const partition of [0, 2]) await produceTo(topic, partition, numbers(10))
        const member = await join(topic, { group, startFrom: 'latest' })
        await pump([member], 'the assignment', () => ownsAll(member))
        const committed = (await connection.view.groupOffsets(group)).map(({ partition, position }) => [
          partition,
          position,
        ])
        assert.deepEqual(committed, [
          [0, 10],
          [1, 0],
          [2, 10],
          [3, 0],
        ])
        assert.deepEqual(member.assignments.map(({ partition, position }) => [partition, position]).sort(), committed)
        for (const partition of [0, 1, 2, 3]) await produceTo(topic, partition, numbers(5, 100))
        await pump([member], 'the new records', () => member.records.length === 20)
        assert.ok(member.records.every((each) => Number(each.value) >= 100))
        assert.deepEqual(member.story.slice(0, 2), ['assigned', 'record'])
      })

      it('law 10: with `latest`, a topic that was made after the group had begun begins at its first records', async () => {
        const [topic, late] = [await newTopic(), await newTopic()]
        const group = fresh('group')
        const member = await join(topic, { group, startFrom: 'latest', isLate: (name) => name === late })
        await pump([member], 'the assignment', () => ownsAll(member))
        await produceTo(late, 2, numbers(20))
        await member.client.changeTopics([topic, late])
        await pump([member], 'its records', () => member.records.length === 20)
        assert.deepEqual(member.values(), numbers(20))
        const stored = (await connection.view.groupOffsets(group)).filter((each) => each.topic === late)
        assert.deepEqual(
          stored.map(({ partition, position }) => [partition, position]),
          [0, 1, 2, 3].map((partition) => [partition, 0]),
        )
      })

      it('law 10: with `latest`, a member that comes back gets all that has come meanwhile, also where nothing was ever committed for a record', async () => {
        const topic = await newTopic()
        const group = fresh('group')
        const first = await join(topic, { group, startFrom: 'latest' })
        await pump([first], 'the assignment', () => ownsAll(first))
        await produceTo(topic, 0, numbers(3))
        await pump([first], 'the records of one partition', () => first.records.length === 3)
        await whilePolled(first, first.client.commit([{ topic, partition: 0, position: 3, metadata: '' }]))
        await first.close()
        for (const partition of [0, 1, 2, 3]) await produceTo(topic, partition, numbers(10, 10))
        const second = await join(topic, { group, startFrom: 'latest' })
        await pump([second], 'all that has come meanwhile', () => second.records.length === 40)
      })

      it('law 10: with `latest`, a partition without a commit begins at its first record, where others of its topic have one', async () => {
        const topic = await newTopic()
        const group = fresh('group')
        const first = await join(topic, { group })
        await pump([first], 'the assignment', () => ownsAll(first))
        await whilePolled(first, first.client.commit([{ topic, partition: 1, position: 0, metadata: '' }]))
        await first.close()
        for (const partition of [0, 1, 2, 3]) await produceTo(topic, partition, numbers(10))
        const second = await join(topic, { group, startFrom: 'latest' })
        await pump([second], 'all records', () => second.records.length === 40)
        const positions = second.assignments.map(({ partition, position }) => [partition, position])
        assert.deepEqual(positions.sort(), [
          [0, undefined],
          [1, 0],
          [2, undefined],
          [3, undefined],
        ])
      })

      it('law 5: a paused partition returns nothing and stays owned; resumed, it goes on where it stopped', async () => {
        const topic = await newTopic()
        const member = await join(topic)
        await pump([member], 'the assignment', () => ownsAll(member))
        await produceTo(topic, 0, numbers(300))
        member.take(7)
        await pump([member], 'some records', () => member.records.length >= 20)
        member.client.pause([{ topic, partition: 0 }])
        const before = member.records.length
        member.take(100)
        await produceTo(topic, 1, numbers(50))
        await pump([member], 'the other partition', () => member.records.length === before + 50)
        for (let round = 0; round < 5; round++) await member.poll()
        assert.equal(member.records.length, before + 50)
        assert.ok(ownsAll(member))
        member.client.resume([{ topic, partition: 0 }])
        await pump([member], 'the rest', () => member.records.length === 350)
        const paused = member.records.filter((each) => each.partition === 0)
        assert.deepEqual(
          paused.map((each) => String(each.value)),
          numbers(300),
        )
      })

      it('law 5: pausing while a poll runs holds back what that poll had already fetched, and keeps its order', async () => {
        const topic = await newTopic()
        const member = await join(topic)
        await pump([member], 'the assignment', () => ownsAll(member))
        await produceTo(topic, 0, numbers(500))
        for (let round = 0; round < 40; round++) {
          const before = member.records.length
          const polling = member.poll()
          await new Promise(setImmediate)
          member.client.pause([{ topic, partition: 0 }])
          await polling
          const taken = member.records.length
          await member.poll()
          assert.equal(member.records.length, taken, 'nothing comes while it is paused')
          assert.ok(taken >= before)
          member.client.resume([{ topic, partition: 0 }])
        }
        await pump([member], 'all records', () => member.records.length === 500)
        assert.deepEqual(member.values(), numbers(500))
      })

      it('law 5: a partition that comes back from another member is not paused', async () => {
        const topic = await newTopic()
        const group = fresh('group')
        const first = await join(topic, { group })
        await pump([first], 'the assignment', () => ownsAll(first))
        first.client.pause([0, 1, 2, 3].map((partition) => ({ topic, partition })))
        const second = await join(topic, { group })
        await pump([first, second], 'a share', () => second.owned.size === 2 && first.owned.size === 2)
        const moved = second.assignments.map((each) => each.partition)
        await second.close()
        await pump([first], 'it comes back', () => ownsAll(first))
        for (const partition of moved) await produceTo(topic, partition, ['moved'])
        await pump([first], 'its records', () => first.records.length === moved.length)
      })

      it('law 5: what is paused inside onAssigned is paused: nothing is read ahead of its resume, and nothing is lost', async () => {
        const topic = await newTopic()
        for (const partition of [0, 1, 2, 3]) await produceTo(topic, partition, numbers(100))
        const member = await newMember()
        member.onAssigned = (partitions) => member.client.pause(partitions)
        await member.subscribe([topic])
        member.take(0)
        await pump([member], 'the assignment', () => ownsAll(member))
        // A poll that receives a record ends at once, also when it may not return it. A busy machine makes polls longer, never shorter.
        let short = 0
        for (let round = 0; round < 60; round++) {
          const start = performance.now()
          await member.poll()
          if (performance.now() - start < 10) short++
        }
        assert.ok(short < 20, `${short} of 60 polls did not wait: records flow into the client's memory`)
        member.take(100)
        for (let round = 0; round < 5; round++) await member.poll()
        assert.equal(member.records.length, 0)
        member.client.resume([0, 1, 2, 3].map((partition) => ({ topic, partition })))
        await pump([member], 'all records', () => member.records.length === 400)
        for (const partition of [0, 1, 2, 3]) {
          const values = member.records.filter((each) => each.partition === partition).map(({ value }) => String(value))
          assert.deepEqual(values, numbers(100))
        }
      })

      it('law 6: poll(0) serves the group, returns nothing, and loses nothing', async () => {
        const topic = await newTopic()
        const member = await join(topic)
        await produceTo(topic, 3, numbers(200))
        member.take(0)
        await pump([member], 'the assignment', () => ownsAll(member))
        for (let round = 0; round < 60; round++) await member.poll()
        assert.equal(member.records.length, 0)
        let isStored = false
        const committed = member.client.commit([{ topic, partition: 3, position: 0, metadata: 'early' }]).then(() => {
          isStored = true
        })
        await pump([member], 'the commit', () => isStored)
        await committed
        member.take(100)
        await pump([member], 'all records', () => member.records.length === 200)
        assert.deepEqual(member.values(), numbers(200))
      })

      it('law 6: a paused partition stays paused through poll(0)', async () => {
        const topic = await newTopic()
        const member = await join(topic)
        await pump([member], 'the assignment', () => ownsAll(member))
        member.client.pause([{ topic, partition: 0 }])
        await produceTo(topic, 0, numbers(50))
        await produceTo(topic, 1, numbers(50))
        member.take(0)
        for (let round = 0; round < 60; round++) await member.poll()
        member.take(100)
        await pump([member], 'the other partition', () => member.records.length === 50)
        for (let round = 0; round < 5; round++) await member.poll()
        assert.deepEqual([...new Set(member.records.map((each) => each.partition))], [1])
        member.client.resume([{ topic, partition: 0 }])
        await pump([member], 'the rest', () => member.records.length === 100)
      })

      it('law 7: refuses a poll while another one runs', async () => {
        const topic = await newTopic()
        const member = await join(topic)
        const running = member.client.poll(10, 20)
        await assert.rejects(member.client.poll(10, 20), { code: 'PYR_BUG' })
        await running
      })

      it('law 7: a poll takes about its time, also while a revoke drains', async () => {
        const topic = await newTopic()
        const member = await join(topic)
        await pump([member], 'the assignment', () => ownsAll(member))
        let polls = 0
        let longest = 0
        member.onRevoked = async () => {
          while (polls < 10) await new Promise(setImmediate)
        }
        const closing = member.client.close().then(() => {
          member.isClosed = true
        })
        while (!member.isClosed) {
          const start = performance.now()
          await member.poll().catch(ignoreClosed)
          longest = Math.max(longest, performance.now() - start)
          if (member.story.includes('revoked')) polls++
        }
        await closing
        assert.ok(polls >= 10)
        assert.ok(longest < 500, `a poll of 20 ms took ${longest} ms`)
      })

      it('law 8: close revokes what is owned, and onRevoked can still commit', async () => {
        const topic = await newTopic()
        const group = fresh('group')
        const first = await join(topic, { group })
        await produceTo(topic, 0, numbers(3))
        await pump([first], 'records', () => ownsAll(first) && first.records.length === 3)
        first.onRevoked = () => first.client.commit([{ topic, partition: 0, position: 3, metadata: 'last' }])
        await first.close()
        assert.equal(first.revoked.length, PARTITIONS)
        assert.equal(first.story.at(-1), 'revoked')
        const second = await join(topic, { group })
        await pump([second], 'the assignment', () => ownsAll(second))
        const found = second.assignments.find((each) => each.partition === 0)
        assert.deepEqual([found?.position, found?.metadata], [3, 'last'])
      })

      it('law 8: close may be called twice, and before anything was assigned; afterwards the client says that it is closed', async () => {
        const topic = await newTopic()
        const member = await join(topic)
        await Promise.all([member.close(), member.client.close()])
        await member.client.close()
        const commit = [{ topic, partition: 0, position: 1, metadata: '' }]
        await assert.rejects(member.client.poll(1, 1), { code: 'PYR_CLIENT_CLOSED' })
        await assert.rejects(member.client.commit(commit), { code: 'PYR_CLIENT_CLOSED' })
        await assert.rejects(member.client.subscribe([topic], { onAssigned() {}, async onRevoked() {}, onLost() {} }), {
          code: 'PYR_CLIENT_CLOSED',
        })
      })

      it('law 11: asking the coordinator settles once it has answered, needs no partitions, and changes nothing', async () => {
        const topic = await newTopic()
        const group = fresh('group')
        const member = await join(topic, { group })
        // It is not polled, so it has no partitions yet.
        await member.client.askCoordinator(LIMIT_MS)
        assert.equal(member.owned.size, 0)
        assert.deepEqual(await connection.view.groupOffsets(group), [])
        await pump([member], 'the assignment', () => ownsAll(member))
        let isCommitted = false
        const committed = member.client.commit([{ topic, partition: 0, position: 0, metadata: 'mine' }]).finally(() => {
          isCommitted = true
        })
        await pump([member], 'the commit', () => isCommitted)
        await committed
        await member.client.askCoordinator(LIMIT_MS)
        const [offset, ...others] = await connection.view.groupOffsets(group)
        assert.deepEqual([offset?.metadata, others], ['mine', []])
        await member.close()
        await assert.rejects(member.client.askCoordinator(LIMIT_MS), { code: 'PYR_CLIENT_CLOSED' })
      })

      const { silence } = target
      const cannot = silence === undefined && 'the coordinator cannot be silenced here'
      it('law 11: a question that is not answered in time is refused, and may be asked again', {
        skip: cannot,
      }, async () => {
        const topic = await newTopic()
        const member = await join(topic)
        await pump([member], 'the assignment', () => ownsAll(member))
        await member.client.askCoordinator(LIMIT_MS)
        const speak = await silence?.()
        try {
          const askedAt = Date.now()
          await assert.rejects(member.client.askCoordinator(500), { code: 'PYR_KAFKA', retriable: true })
          const tookMs = Date.now() - askedAt
          assert.ok(tookMs >= 400 && tookMs < 3_000, `the question was refused after ${tookMs} ms`)
        } finally {
          await speak?.()
        }
        await member.client.askCoordinator(LIMIT_MS)
      })

      it('law 12: the next offset is never above what was returned, and comes to the end of the log', async () => {
        const topic = await newTopic()
        const first = { topic, partition: 0 }
        const member = await join(topic)
        await produceTo(topic, 0, numbers(40))
        member.take(7)
        let highest = 0
        await pump([member], 'all records', () => {
          const next = member.client.nextOffset(first)
          if (next !== undefined) assert.ok(next <= member.records.length, `${next} of ${member.records.length}`)
          highest = Math.max(highest, next ?? 0)
          return member.records.length === 40
        })
        assert.ok(highest > 0, 'it is told while there is more to read')
        await pump([member], 'the end', () => member.client.nextOffset(first) === 40)
        assert.equal(member.client.nextOffset({ topic, partition: 77 }), undefined)
        member.onRevoked = async () => assert.equal(member.client.nextOffset(first), undefined)
        await member.close()
        assert.equal(member.story.at(-1), 'revoked')
      })

      const { leaveHoles } = target
      const noHoles = leaveHoles === undefined && 'holes cannot be had here'
      it('law 12: the next offset passes what no consumer is given at the end of the log, for one that comes back there, too', {
        skip: noHoles,
      }, async () => {
        const topic = await newTopic()
        const group = fresh('group')
        await produceTo(topic, 0, numbers(4))
        const member = await join(topic, { group })
        await pump([member], 'the records', () => member.records.length === 4)
        await leaveHoles?.(topic, 5)
        await pump([member], 'the end', () => member.client.nextOffset({ topic, partition: 0 }) === 9)
        await whilePolled(member, member.client.commit([{ topic, partition: 0, position: 4, metadata: '' }]))
        await member.close()
        const again = await join(topic, { group })
        await pump([again], 'the end', () => again.client.nextOffset({ topic, partition: 0 }) === 9)
        await produceTo(topic, 0, ['behind'])
        await pump([again], 'what comes behind it', () => again.records.length === 1)
        assert.equal(again.records[0]?.offset, 9)
      })

      it('law 13: the end of a log that is not fetched is told when it is asked for', async () => {
        const topic = await newTopic()
        const all = [0, 1, 2, 3].map((partition) => ({ topic, partition }))
        const member = await newMember()
        member.onAssigned = (partitions) => member.client.pause(partitions)
        await member.subscribe([topic])
        await pump([member], 'the assignment', () => ownsAll(member))
        await produceTo(topic, 1, numbers(6))
        const askedAt = Date.now()
        await pump([member], 'all ends', () => {
          void member.client.askLogEnds(all, 5_000).catch(() => {})
          return all.every((each) => member.client.logEnd(each) === (each.partition === 1 ? 6 : 0))
        })
        for (const each of all) assert.ok((member.client.logEndHeardAt(each) ?? 0) >= askedAt - 1_000)
        assert.equal(member.client.logEndHeardAt({ topic, partition: 77 }), undefined)
        assert.equal(member.records.length, 0)
      })

      it('law 14: a member that has its partitions has settled, and its poll interval is longer than a revoke may take, where that is bounded', async () => {
        const topic = await newTopic()
        const member = await join(topic)
        await pump([member], 'the assignment', () => ownsAll(member))
        await pump([member], 'rest', () => member.client.unsettledSince() === undefined)
        const { pollIntervalMs, revokeLimitMs } = member.client
        assert.ok(revokeLimitMs === Number.POSITIVE_INFINITY || revokeLimitMs < pollIntervalMs)
      })

      it('law 16: a topic that comes is read, and nothing of those that stay is given up for it', async () => {
        const [topic, more] = [await newTopic(), await newTopic()]
        const member = await join(topic)
        await produceTo(topic, 1, numbers(10))
        await pump([member], 'the records', () => ownsAll(member) && member.records.length === 10)
        await produceTo(more, 3, numbers(20))
        await member.client.changeTopics([topic, more])
        await pump([member], 'the other records', () => member.records.length === 30)
        await pump([member], 'all partitions', () => member.owned.size === 2 * PARTITIONS)
        await produceTo(topic, 1, ['behind'])
        await pump([member], 'what comes behind', () => member.records.length === 31)
        assert.deepEqual([member.revoked, member.story.filter((each) => each === 'lost')], [[], []])
      })

      it('law 16: a topic that goes is given up in order, and may come back where it was left', async () => {
        const [topic, more] = [await newTopic(), await newTopic()]
        const member = await newMember()
        await member.subscribe([topic, more])
        await produceTo(more, 0, numbers(10))
        await pump([member], 'all', () => member.owned.size === 2 * PARTITIONS && member.records.length === 10)
        member.onRevoked = (partitions) =>
          member.client.commit(
            partitions.map((each) => ({ ...each, position: each.partition === 0 ? 4 : 0, metadata: '' })),
          )
        await member.client.changeTopics([topic])
        await pump([member], 'the revoke', () => member.owned.size === PARTITIONS)
        assert.deepEqual([...new Set(member.revoked.map((each) => each.topic))], [more])
        member.onRevoked = async () => {}
        await member.client.changeTopics([topic, more])
        await pump([member], 'what is left', () => member.records.length === 16)
        assert.deepEqual(member.values().slice(10), numbers(6, 4))
      })

      it('law 16: topics may be changed before the group has taken the member in', async () => {
        const [topic, more] = [await newTopic(), await newTopic()]
        await produceTo(more, 0, numbers(5))
        const member = await join(topic)
        await member.client.changeTopics([topic, more])
        await pump([member], 'both', () => member.owned.size === 2 * PARTITIONS && member.records.length === 5)
      })

      it('law 16: a member that reads nothing yet hears of its coordinator, and joins with its first topic', async () => {
        const topic = await newTopic()
        await produceTo(topic, 0, numbers(5))
        const member = await newMember()
        await member.subscribe([])
        await whilePolled(member, member.client.askCoordinator(10_000))
        assert.equal(member.owned.size, 0)
        await member.client.changeTopics([topic])
        await pump([member], 'the records', () => ownsAll(member) && member.records.length === 5)
      })

      it('law 16: a member that has never read anything closes', async () => {
        const member = await newMember()
        await member.subscribe([])
        await member.poll()
        await member.close()
        assert.deepEqual(member.story, [])
      })

      it('law 16: a topic that one member reads is not given to another that does not', async () => {
        const [topic, more] = [await newTopic(), await newTopic()]
        const group = fresh('group')
        const first = await join(topic, { group })
        await pump([first], 'the assignment', () => ownsAll(first))
        await produceTo(more, 0, numbers(5))
        const second = await join(topic, { group })
        await pump([first, second], 'a share each', () => first.owned.size === 2 && second.owned.size === 2)
        await second.client.changeTopics([topic, more])
        // Who has what of the other topic then is the group's to say.
        const owns = (member: Member, partition: number) => member.owned.has(partitionId({ topic: more, partition }))
        const isTaken = () => [0, 1, 2, 3].every((partition) => owns(second, partition))
        await pump([first, second], 'the topic', () => second.records.length === 5 && isTaken())
        const isAll = () => first.owned.size + second.owned.size === 2 * PARTITIONS
        await pump([first, second], 'all partitions', isAll)
        assert.ok([0, 1, 2, 3].every((partition) => !owns(first, partition)))
      })

      it('law 15: a member tells what its group knows it by, another id than the others, and nothing of it once it is closed', async () => {
        const topic = await newTopic()
        const group = fresh('group')
        const first = await join(topic, { group })
        await pump([first], 'the assignment', () => ownsAll(first))
        const second = await join(topic, { group })
        await pump([first, second], 'a share each', () => second.owned.size > 0 && first.owned.size > 0)
        const [one, other] = [first.client.membership(), second.client.membership()]
        assert.ok(one.protocol !== null && one.protocol === other.protocol)
        if (one.memberId !== null) assert.notEqual(one.memberId, other.memberId)
        assert.ok((one.generation ?? 1) >= 1 && (one.memberId === null) === (one.generation === null))
        const partitions = one.members?.reduce((sum, each) => sum + each.partitions, 0)
        if (one.members !== null) assert.deepEqual([one.members.length, partitions], [2, PARTITIONS])
        await whilePolled(second, second.client.close())
        const { memberId, generation } = second.client.membership()
        assert.deepEqual([memberId, generation], [null, null])
      })

      it('tells the log end that it last heard of', async () => {
        const topic = await newTopic()
        const member = await join(topic)
        await produceTo(topic, 0, numbers(5))
        await pump([member], 'records', () => member.records.length === 5)
        assert.equal(member.client.logEnd({ topic, partition: 0 }), 5)
        assert.equal(member.client.logEnd({ topic, partition: 77 }), undefined)
      })
    })

    describe('producer', { skip: without('producer') }, () => {
      it('law 1: rejects when the record cannot be written', async () => {
        const topic = await newTopic()
        await producer.produce(text(topic, 'so that its partitions are known'))
        await assert.rejects(producer.produce(text(topic, 'x', { partition: 99 })), { code: 'PYR_PRODUCE_FAILED' })
      })

      it('law 2: puts a key where the Java client would, and keeps its order', async () => {
        const topic = await newTopic()
        const member = await join(topic)
        const keys = numbers(20).map((each) => `customer-${each}`)
        const sent = numbers(10).flatMap((value) =>
          keys.map((key) => producer.produce(text(topic, value, { key: Buffer.from(key) }))),
        )
        await Promise.all(sent)
        await pump([member], 'all records', () => member.records.length === 200)
        for (const key of keys) {
          const ofKey = member.records.filter((each) => String(each.key) === key)
          assert.deepEqual(
            ofKey.map((each) => String(each.value)),
            numbers(10),
          )
          const chosen = partitionOfKey(Buffer.from(key), PARTITIONS)
          assert.deepEqual([...new Set(ofKey.map((each) => each.partition))], [chosen])
        }
      })

      it('law 3: keeps empty apart from null, in keys and in values', async () => {
        const topic = await newTopic()
        const member = await join(topic)
        const empty = Buffer.alloc(0)
        const pairs = [
          [null, null],
          [empty, null],
          [null, empty],
          [empty, empty],
        ] as const
        for (const [key, value] of pairs) await producer.produce({ topic, partition: 0, key, value, headers: [] })
        await pump([member], 'all records', () => member.records.length === 4)
        assert.deepEqual(
          member.records.map(({ key, value }) => [key, value]),
          pairs,
        )
      })

      it('keeps headers: repeated names, bytes of any kind, odd names, and their order', async () => {
        const topic = await newTopic()
        const member = await join(topic)
        const headers: readonly RecordHeader[] = [
          ['trace', Buffer.from('a')],
          ['trace', Buffer.from([0, 255, 128, 10])],
          ['empty', Buffer.alloc(0)],
          ['7', Buffer.from('a number as its name')],
          ['__proto__', Buffer.from('a trap as its name')],
          ['trace', Buffer.from('c')],
        ]
        await producer.produce({
          ...text(topic, 'x'),
          headers: [...headers, ['null', null]],
          timestamp: 1_700_000_000_123,
        })
        await pump([member], 'the record', () => member.records.length === 1)
        const nothing = target.features.nullHeaderValues ? null : Buffer.alloc(0)
        assert.deepEqual(member.records[0]?.headers, [...headers, ['null', nothing]])
        assert.equal(member.records[0]?.timestamp, 1_700_000_000_123)
      })

      it('law 4: takes more records at once than its queue holds', async () => {
        const topic = await newTopic()
        const member = await join(topic)
        await produceTo(topic, 0, numbers(3_000))
        member.take(1_000)
        await pump([member], 'all records', () => member.records.length === 3_000)
        assert.deepEqual(member.values(), numbers(3_000))
      })

      it('law 5: tells where each record can be read', async () => {
        const topic = await newTopic()
        const member = await join(topic)
        const places = await Promise.all(
          numbers(20).map(async (value) => {
            const place = await producer.produce(text(topic, value, { key: Buffer.from(`key-${value}`) }))
            return `${place.partition}@${place.offset} ${value}`
          }),
        )
        await pump([member], 'all records', () => member.records.length === 20)
        const read = member.records.map(({ partition, offset, value }) => `${partition}@${offset} ${value}`)
        assert.deepEqual(places.sort(), read.sort())
        assert.deepEqual(await producer.produce(text(topic, 'x', { partition: 3 })), {
          partition: 3,
          offset: member.records.filter(({ partition }) => partition === 3).length,
        })
      })

      it('law 6: writes nothing of a record that it cannot carry, and says which part that is', async () => {
        const topic = await newTopic()
        const member = await join(topic)
        const whole = text(topic, 'whole', { partition: 0 })
        const wrong: readonly (readonly [object, RegExp])[] = [
          [
            {
              headers: [
                ['ok', Buffer.from('x')],
                ['attempt', 5],
              ],
            },
            /its header 'attempt' is a number/,
          ],
          [{ headers: [['attempt', undefined]] }, /its header 'attempt' is undefined/],
          [{ headers: [['attempt', 'text']] }, /its header 'attempt' is a string/],
          [{ key: 5 }, /its key is a number/],
          [{ value: { n: 1 } }, /its value is an object/],
        ]
        for (const [part, message] of wrong) {
          const produced = producer.produce({ ...whole, ...part } as OutgoingRecord)
          await assert.rejects(produced, { code: 'PYR_RECORD_INVALID', message })
        }
        await producer.produce(whole)
        await pump([member], 'the record', () => member.records.length > 0)
        assert.deepEqual([member.values(), member.records[0]?.offset], [['whole'], 0])
      })

      it('may be closed twice, and refuses records afterwards', async () => {
        const topic = await newTopic()
        const own = await connection.producer()
        await own.produce(text(topic, 'x'))
        await Promise.all([own.close(1_000), own.close(1_000)])
        await assert.rejects(own.produce(text(topic, 'y')), { code: 'PYR_CLIENT_CLOSED' })
      })

      it('says that a topic does not exist, where the broker does not create it', async () => {
        const produced = producer.produce(text(fresh('nowhere'), 'x'))
        if (target.features.refusesUnknownTopics) await assert.rejects(produced, { code: 'PYR_TOPIC_UNKNOWN' })
        else await assert.doesNotReject(produced)
      })
    })

    describe('view', { skip: without('view') }, () => {
      it('lists the topics with their partitions, sorted, without those of Kafka itself', async () => {
        const topics = [await newTopic(), await newTopic()]
        const seen = await connection.view.topics()
        for (const name of topics) assert.equal(seen.find((each) => each.name === name)?.partitions, PARTITIONS)
        const order = seen.map(({ name }) => name)
        assert.deepEqual(order, [...order].sort())
        assert.deepEqual(
          order.filter((name) => name.startsWith('__')),
          [],
        )
      })

      it('shows what a group has committed, with its metadata whole and the ends of the log', async () => {
        const topic = await newTopic()
        const group = fresh('viewed')
        await produceTo(topic, 1, numbers(7))
        await produceTo(topic, 3, numbers(2))
        const member = await join(topic, { group })
        await pump([member], 'all partitions', () => ownsAll(member))
        const metadata = `${'x'.repeat(200)} the last character`
        let isCommitted = false
        const commits = [
          { topic, partition: 1, position: 5, metadata },
          { topic, partition: 3, position: 2, metadata: '' },
        ]
        void member.client.commit(commits).then(() => {
          isCommitted = true
        })
        await pump([member], 'the commit', () => isCommitted)
        assert.deepEqual(await connection.view.groupOffsets(group), [
          { topic, partition: 1, position: 5, metadata, logStart: 0, logEnd: 7 },
          { topic, partition: 3, position: 2, metadata: '', logStart: 0, logEnd: 2 },
        ])
      })

      it('tells where the logs of a topic begin and end, those of empty partitions too, and none of one that is not there', async () => {
        const topic = await newTopic()
        await produceTo(topic, 1, numbers(7))
        await produceTo(topic, 3, numbers(2))
        assert.deepEqual(
          await connection.view.logs(topic),
          [0, 7, 0, 2].map((logEnd, partition) => ({ topic, partition, logStart: 0, logEnd })),
        )
        assert.deepEqual(await connection.view.logs(fresh('nowhere')), [])
      })

      it('shows nothing of a group that nobody has heard of', async () => {
        assert.deepEqual(await connection.view.groupOffsets(fresh('nobody')), [])
        assert.equal(await connection.view.shareGroup?.(fresh('nobody')), undefined)
      })
    })

    describe('connection', { skip: without('connection') }, () => {
      it('finds the broker, and tells which topics are missing', async () => {
        await connection.check(5_000)
        const topic = await newTopic()
        const missing = fresh('missing')
        assert.deepEqual(await connection.missingTopics([topic, missing]), [missing])
        // Asking creates nothing.
        assert.deepEqual(await connection.missingTopics([missing]), [missing])
      })

      it('creates topics that do not exist, and leaves the others alone', async () => {
        const topic = fresh('created')
        await connection.createTopics([topic], 2)
        await producer.produce(text(topic, 'x', { partition: 0 }))
        await connection.createTopics([topic], 2)
        const member = await join(topic)
        const partitions = target.features.partitionsAsAsked ? 2 : PARTITIONS
        await pump([member], 'the record', () => member.owned.size === partitions && member.records.length === 1)
      })
    })
  })
}
