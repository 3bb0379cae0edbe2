/** The laws of transactions, as numbered in framework/kafka/transactional-producer.ts. Every implementation passes these. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, afterEach, before, describe, it } from 'node:test'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { KafkaClient, ViewedConnection } from '../../framework/kafka/kafka-client.ts'
import { partitionOfKey } from '../../framework/kafka/murmur2.ts'
import type { Cut, CutOffset, TransactionalProducer } from '../../framework/kafka/transactional-producer.ts'
import { type OutgoingRecord, partitionId } from '../../framework/model/record.ts'
import { Member, pump, whilePolled } from './polled-member.ts'

export interface TransactionTarget {
  readonly name: string
  connect(): Promise<ViewedConnection>
  stop?(): Promise<void>
  /** Commits of transactions are done, and have no answer, until the function that it gives is called; `undefined` where that is not tried. */
  readonly unanswered?: () => () => void
  /** Commits of transactions do not arrive until the function that it gives is called; `undefined` where that cannot be had here. */
  readonly lost?: () => () => void
  /** Offsets are on their way until the function that it gives is called; `undefined` where that cannot be had here. */
  readonly slowOffsets?: () => () => void
  /** While `work` runs, a transaction of this id is open that another process has begun, with a record in partition 0 of the topic. */
  readonly insideAnother: (id: string, topic: string, work: () => Promise<void>) => Promise<void>
}

const PARTITIONS = 4
const TIMEOUT_MS = 10_000

export function transactionalProducerSuite(target: TransactionTarget): void {
  describe(`Transactions: ${target.name}`, () => {
    let connection: ViewedConnection
    let members: Member[] = []
    let producers: TransactionalProducer[] = []
    let names = 0

    before(async () => {
      connection = await target.connect()
    })
    afterEach(async () => {
      await Promise.all(producers.map((each) => each.close(10_000)))
      await Promise.all(members.filter((each) => !each.isClosed).map((each) => each.close()))
      members = []
      producers = []
    })
    after(async () => {
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
    const join = async (topic: string, group = fresh('group')) => {
      const client = await connection.consumer({ group, startFrom: 'earliest' })
      const member = new Member(client)
      members.push(member)
      return member.subscribe([topic])
    }
    const transactions = (client: KafkaClient, id = fresh('id'), timeoutMs = TIMEOUT_MS) => {
      const made = connection.transactionalProducer?.(client, { id, timeoutMs })
      assert.ok(made, 'this connection has transactions')
      producers.push(made)
      return made
    }
    /** A member that owns all of a topic, with a topic for its outputs. */
    const begin = async () => {
      const [source, output, group] = [await newTopic(), await newTopic(), fresh('group')]
      const member = await join(source, group)
      await pump([member], 'the assignment', () => member.owned.size === PARTITIONS)
      const producer = transactions(member.client)
      const offset = (partition: number, position: number, more: Partial<CutOffset> = {}): CutOffset => ({
        topic: source,
        partition,
        position,
        metadata: '',
        before: undefined,
        ...more,
      })
      const out = (value: string, more: Partial<OutgoingRecord> = {}): OutgoingRecord => ({
        topic: output,
        partition: 0,
        key: null,
        value: Buffer.from(value),
        headers: [],
        ...more,
      })
      const transact = (cut: Cut, by = producer) => whilePolled(member, by.transact(cut))
      /** Whoever looks from outside sees it some milliseconds later: a broker answers EndTxn before the markers are written. */
      const isStored = async (expected: readonly Omit<CutOffset, 'topic' | 'before'>[]) => {
        for (let left = 500; ; left -= 1) {
          const offsets = await connection.view.groupOffsets(group)
          const stored = offsets.map(({ partition, position, metadata }) => ({ partition, position, metadata }))
          if (left === 0 || isDeepStrictEqual(stored, expected)) return assert.deepEqual(stored, expected)
          await delay(20)
        }
      }
      /** What a read-committed reader gets, once one that knows the last value has come. */
      const visible = async (last: string) => {
        const reader = await join(output)
        await pump([reader], `${last} is read`, () => reader.values().includes(last))
        return reader
      }
      return { source, output, group, member, producer, offset, out, transact, isStored, visible }
    }

    it('laws 1 and 4: a committed cut shows its outputs, and stores each position and metadata unchanged', async () => {
      const { offset, out, transact, isStored, visible } = await begin()
      const long = 'é'.repeat(4_095)
      const offsets = [offset(0, 3, { metadata: long }), offset(2, 7, { metadata: 'a € 😀 漢' }), offset(3, 1)]
      assert.deepEqual(await transact({ outputs: [out('a'), out('b')], offsets }), { kind: 'committed' })
      await isStored([
        { partition: 0, position: 3, metadata: long },
        { partition: 2, position: 7, metadata: 'a € 😀 漢' },
        { partition: 3, position: 1, metadata: '' },
      ])
      assert.deepEqual((await visible('b')).values(), ['a', 'b'])
    })

    it('law 1: a cut without outputs is committed, and one after the other', async () => {
      const { offset, transact, isStored } = await begin()
      for (let position = 1; position <= 3; position++) {
        const before = position === 1 ? undefined : { position: position - 1, metadata: '' }
        assert.equal((await transact({ outputs: [], offsets: [offset(1, position, { before })] })).kind, 'committed')
      }
      await isStored([{ partition: 1, position: 3, metadata: '' }])
    })

    const { unanswered } = target
    const noSilence = unanswered === undefined && 'not tried here'
    it('law 1: after a commit without an answer nothing is sent until it is settled', { skip: noSilence }, async () => {
      const { producer, offset, out, transact, member, visible } = await begin()
      await whilePolled(member, producer.open())
      const speak = unanswered?.()
      try {
        const outcome = await transact({ outputs: [out('once')], offsets: [offset(0, 1)] })
        assert.equal(outcome.kind, 'unknown')
        const next = { outputs: [out('twice')], offsets: [offset(0, 2)] }
        await assert.rejects(producer.transact(next), { code: 'PYR_BUG' })
      } finally {
        speak?.()
      }
      assert.equal(await whilePolled(member, producer.settle()), 'committed')
      await assert.rejects(producer.settle(), { code: 'PYR_BUG' })
      const before = { position: 1, metadata: '' }
      assert.equal((await transact({ outputs: [out('next')], offsets: [offset(0, 2, { before })] })).kind, 'committed')
      assert.deepEqual((await visible('next')).values(), ['once', 'next'])
    })

    it('law 2: of an aborted cut no record is read and no offset stored, and the same offsets go with the next one', async () => {
      const { producer, offset, out, transact, isStored, visible } = await begin()
      const refused = out('nowhere', { topic: fresh('missing') })
      const outcome = await transact({ outputs: [out('aborted'), refused], offsets: [offset(0, 5), offset(1, 5)] })
      assert.equal(outcome.kind, 'aborted')
      await isStored([])
      assert.equal((await transact({ outputs: [out('kept')], offsets: [offset(0, 5)] }, producer)).kind, 'committed')
      assert.deepEqual((await visible('kept')).values(), ['kept'])
      await isStored([{ partition: 0, position: 5, metadata: '' }])
    })

    const { lost } = target
    it('law 2: a commit that has not arrived is settled as aborted', {
      skip: lost === undefined && 'cannot be had here',
    }, async () => {
      const { member, offset, out, transact, isStored, visible } = await begin()
      const producer = transactions(member.client, fresh('id'), 2_000)
      await whilePolled(member, producer.open())
      const arrive = lost?.()
      try {
        const outcome = await transact({ outputs: [out('lost')], offsets: [offset(0, 1)] }, producer)
        assert.equal(outcome.kind, 'unknown')
        assert.equal(await whilePolled(member, producer.settle()), 'aborted')
      } finally {
        arrive?.()
      }
      await isStored([])
      const again = { outputs: [out('again')], offsets: [offset(0, 1)] }
      assert.equal((await transact(again, producer)).kind, 'committed')
      assert.deepEqual((await visible('again')).values(), ['again'])
    })

    it('law 3: outputs are written in order to the partitions of their keys, also more of them than the queue holds', async () => {
      const { output, offset, out, transact, visible } = await begin()
      const keys = ['a', 'b', 'c', 'd', 'e']
      const outputs = Array.from({ length: 1_000 }, (_, index) => ({
        topic: output,
        key: Buffer.from(keys[index % 5] ?? ''),
        value: Buffer.from(String(index)),
        headers: [],
      }))
      const end = out('the end')
      assert.equal((await transact({ outputs, offsets: [offset(0, 1)] })).kind, 'committed')
      const before = { position: 1, metadata: '' }
      assert.equal((await transact({ outputs: [end], offsets: [offset(0, 2, { before })] })).kind, 'committed')
      const reader = await visible('the end')
      await pump([reader], 'all', () => reader.records.length === 1_001)
      for (const [index, key] of keys.entries()) {
        const ofKey = reader.records.filter((each) => String(each.key) === key)
        assert.deepEqual(
          ofKey.map((each) => Number(each.value)),
          Array.from({ length: 200 }, (_, turn) => turn * 5 + index),
        )
        assert.deepEqual(
          [...new Set(ofKey.map(partitionId))],
          [partitionId({ topic: output, partition: partitionOfKey(Buffer.from(key), PARTITIONS) })],
        )
      }
    })

    it('laws 5 and 6: a partition that is not owned is refused with nothing sent, and named', async () => {
      const { source, offset, out, transact, isStored } = await begin()
      const outcome = await transact({ outputs: [out('x')], offsets: [offset(0, 1), offset(77, 1)] })
      assert.equal(outcome.kind, 'aborted')
      assert.ok(outcome.kind === 'aborted' && outcome.blame.kind === 'partitions')
      assert.deepEqual(
        outcome.blame.partitions.map(({ topic, partition }) => ({ topic, partition })),
        [{ topic: source, partition: 77 }],
      )
      assert.equal(outcome.error.code, 'PYR_NOT_OWNED')
      await isStored([])
    })

    it('law 5: a member that has been closed sends no offsets', async () => {
      const { producer, offset, member } = await begin()
      await whilePolled(member, producer.open())
      await member.close()
      const outcome = await producer.transact({ outputs: [], offsets: [offset(0, 1)] })
      assert.ok(outcome.kind === 'aborted' && outcome.error.code === 'PYR_NOT_OWNED')
    })

    const { slowOffsets } = target
    it('law 5: a revoke is not answered while offsets are being sent', {
      skip: slowOffsets === undefined && 'cannot be had here',
    }, async () => {
      const { producer, offset, member } = await begin()
      await producer.open()
      const arrive = slowOffsets?.()
      const story: string[] = []
      const sent = producer.transact({ outputs: [], offsets: [offset(0, 1)] }).then(({ kind }) => story.push(kind))
      const closed = member.close().then(() => story.push('closed'))
      while (!member.story.includes('revoked')) await nextTurn()
      assert.deepEqual(story, [])
      arrive?.()
      await Promise.all([sent, closed])
      // The commit comes behind the offsets, and may come behind the close.
      assert.deepEqual(story.sort(), ['closed', 'committed'])
    })

    it('law 6: an output that cannot be written is to blame, by its index', async () => {
      const { offset, out, transact } = await begin()
      const odd: readonly (readonly [string, OutgoingRecord, string])[] = [
        ['a topic that is not there', out('x', { topic: fresh('missing') }), 'PYR_TOPIC_UNKNOWN'],
        ['a partition that is not there', out('x', { partition: 99 }), 'PYR_PRODUCE_FAILED'],
        ['a header that is a number', { ...out('x'), headers: [['n', 5 as unknown as Buffer]] }, 'PYR_RECORD_INVALID'],
      ]
      for (const [what, output, code] of odd) {
        const outcome = await transact({ outputs: [out('a'), output, out('b')], offsets: [offset(0, 1)] })
        assert.ok(outcome.kind === 'aborted', what)
        assert.deepEqual([outcome.blame, outcome.error.code], [{ kind: 'outputs', indexes: [1] }, code], what)
      }
    })

    it('law 6: an offset that cannot be stored is to blame', async () => {
      const { source, offset, transact } = await begin()
      const offsets = [offset(0, 1), offset(2, 1, { metadata: 'x'.repeat(4_096) })]
      const outcome = await transact({ outputs: [], offsets })
      assert.ok(outcome.kind === 'aborted' && outcome.blame.kind === 'partitions')
      assert.deepEqual(outcome.blame.partitions.map(partitionId), [partitionId({ topic: source, partition: 2 })])
      assert.equal(outcome.error.code, 'PYR_METADATA_TOO_LARGE')
    })

    it('refuses a cut that moves nothing', async () => {
      const { offset, transact } = await begin()
      await assert.rejects(transact({ outputs: [], offsets: [] }), { code: 'PYR_BUG' })
      const before = { position: 4, metadata: 'm' }
      await assert.rejects(transact({ outputs: [], offsets: [offset(0, 4, { metadata: 'm', before })] }), {
        code: 'PYR_BUG',
      })
    })

    it('laws 6 and 7: whoever opens the same id takes it away, and the first is told so', async () => {
      const { member, offset, out, transact, visible } = await begin()
      const id = fresh('shared')
      const [first, second] = [transactions(member.client, id), transactions(member.client, id)]
      assert.equal((await transact({ outputs: [out('first')], offsets: [offset(0, 1)] }, first)).kind, 'committed')
      await whilePolled(member, second.open())
      const before = { position: 1, metadata: '' }
      const outcome = await transact({ outputs: [out('late')], offsets: [offset(0, 2, { before })] }, first)
      assert.ok(outcome.kind === 'aborted', outcome.kind)
      assert.deepEqual([outcome.blame, outcome.error.code], [{ kind: 'fenced' }, 'PYR_TRANSACTION_FENCED'])
      const next = { outputs: [out('second')], offsets: [offset(0, 2, { before })] }
      assert.equal((await transact(next, second)).kind, 'committed')
      assert.deepEqual((await visible('second')).values(), ['first', 'second'])
    })

    it('law 7: an earlier transaction of the id has ended once it is open', async () => {
      const { member, output, offset, out, transact, visible } = await begin()
      const id = fresh('left')
      await target.insideAnother(id, output, async () => {
        const producer = transactions(member.client, id)
        await whilePolled(member, producer.open())
        assert.equal((await transact({ outputs: [out('mine')], offsets: [offset(0, 1)] }, producer)).kind, 'committed')
        assert.deepEqual((await visible('mine')).values(), ['mine'])
      })
    })

    it('law 8: may be closed twice, and refuses everything afterwards', async () => {
      const { producer, offset, out, transact } = await begin()
      assert.equal((await transact({ outputs: [out('x')], offsets: [offset(0, 1)] })).kind, 'committed')
      await Promise.all([producer.close(1_000), producer.close(1_000)])
      const cut = { outputs: [], offsets: [offset(0, 2)] }
      for (const refused of [producer.open(), producer.transact(cut), producer.settle()]) {
        await assert.rejects(refused, { code: 'PYR_CLIENT_CLOSED' })
      }
    })

    it('law 4 of the consumer: the next owner begins when the transaction that may move its position has ended', {
      skip: noSilence,
    }, async () => {
      const { producer, offset, out, member, source, group } = await begin()
      await whilePolled(member, producer.open())
      const speak = unanswered?.()
      const outcome = await whilePolled(
        member,
        producer.transact({ outputs: [out('x')], offsets: [offset(0, 1), offset(1, 2), offset(2, 3), offset(3, 4)] }),
      )
      assert.equal(outcome.kind, 'unknown')
      await member.close()
      speak?.()
      const next = await join(source, group)
      await pump([next], 'the assignment', () => next.owned.size === PARTITIONS)
      assert.deepEqual(
        next.assignments.map(({ partition, position }) => [partition, position]).sort(),
        [0, 1, 2, 3].map((partition) => [partition, partition + 1]),
      )
    })
  })
}
