/** When transactions of an exactly-once group leave, what becomes of one that fails or is not answered, and what a revoke waits for. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TransactionalProducer } from '../../../../framework/kafka/transactional-producer.ts'
import { PyrallelError } from '../../../../framework/model/errors.ts'
import type { RuntimeEvent } from '../../../../framework/model/events.ts'
import type { OutgoingRecord } from '../../../../framework/model/record.ts'
import type { Outcome } from '../../../../framework/model/work.ts'
import { aFailure } from '../builders.ts'
import { type MemberOptions, World } from '../group-member.ts'

const OUT = 'invoices'
const output = (value: string): OutgoingRecord => ({ topic: OUT, key: null, value: Buffer.from(value), headers: [] })
const published = (value: string): Outcome => ({ kind: 'succeeded', outputs: [output(value)] })
const aborted = (kind: 'fenced' | 'member' | 'nobody') =>
  ({
    kind: 'aborted',
    blame: { kind },
    error: new PyrallelError('PYR_TRANSACTION_FENCED', 'refused'),
  }) as const

async function groupOf(options: MemberOptions & { readonly partitions?: number } = {}) {
  const { partitions = 1, ...own } = options
  const world = new World(partitions)
  world.cluster.createTopic(OUT, 1)
  const member = await world.member({ transactionalId: 'billing-1', ...own })
  await member.poller.start()
  const visible = () => world.cluster.log(OUT, 0).records.map(({ value }) => String(value))
  return { world, ...member, visible }
}

/** A producer of which some verbs are done otherwise. */
function instead(of: TransactionalProducer, own: Partial<TransactionalProducer>): TransactionalProducer {
  return {
    open: own.open ?? (() => of.open()),
    transact: own.transact ?? ((cut) => of.transact(cut)),
    settle: own.settle ?? (() => of.settle()),
    close: own.close ?? ((timeoutMs) => of.close(timeoutMs)),
  }
}

describe('CutCommitter', () => {
  it('makes outputs visible with the offsets of their records, and neither before', async () => {
    const { world, engine, visible, poller } = await groupOf()
    for (const key of ['a', 'b']) world.put(key)
    await world.until(() => engine.inFlight === 2)
    engine.end(engine.running[1], published('b'))
    assert.deepEqual(visible(), [])
    await world.until(() => visible().length === 1)
    assert.equal(world.committed(), 0)
    engine.end(engine.running[0], published('a'))
    await world.until(() => world.committed() === 2)
    assert.deepEqual(visible(), ['b', 'a'])
    await world.settled(poller.stop())
  })

  it('opens its id with its first partitions, before it is told where they begin: a process without any takes it from nobody', async () => {
    const story: string[] = []
    const telling = (name: string) => (producer: TransactionalProducer) =>
      instead(producer, {
        open() {
          story.push(`${name} opens`)
          return producer.open()
        },
      })
    const onEvent = ({ kind }: RuntimeEvent) => kind === 'partition.assigned' && story.push(kind)
    const { world, poller } = await groupOf({ aroundTransactions: telling('first'), onEvent })
    const second = await world.member({ transactionalId: 'billing-2', aroundTransactions: telling('second') })
    await second.poller.start()
    await world.pass(1_000)
    assert.deepEqual([story, second.owned()], [['first opens', 'partition.assigned'], []])
    await world.settled(poller.stop())
    await world.until(() => second.owned().length === 1)
    assert.deepEqual(story.slice(2), ['second opens'])
    await world.settled(second.poller.stop())
  })

  it('ends the group at once where the brokers refuse its id', async () => {
    const refusal = new PyrallelError('PYR_TRANSACTION_REFUSED', 'no right on billing-1')
    const { world, fatal } = await groupOf({
      aroundTransactions: (producer) => instead(producer, { open: () => Promise.reject(refusal) }),
    })
    await world.until(() => fatal.length > 0)
    assert.deepEqual(fatal, [refusal])
  })

  it('sends nothing while nobody has answered a commit, and the same again once it is known that it did not arrive', async () => {
    for (const how of ['lost', 'unanswered'] as const) {
      const { world, engine, visible, poller, events } = await groupOf()
      for (const key of ['a', 'b']) world.put(key)
      await world.until(() => engine.inFlight === 2 && world.committed() === 0)
      await world.pass(200)
      world.cluster.failTransactions(1, how)
      engine.end(engine.running[0], published('a'))
      await world.until(() => events.some(({ kind }) => kind === 'commit.failed'))
      engine.endAll(published('b'))
      await world.until(() => world.committed() === 2)
      assert.deepEqual(visible(), ['a', 'b'], how)
      await world.settled(poller.stop())
    }
  })

  it('builds again with growing delays what was aborted, and tells when it is over', async () => {
    let left = 4
    const sentAt: number[] = []
    const { world, engine, visible, events, poller } = await groupOf({
      aroundTransactions: (producer) =>
        instead(producer, {
          async transact(cut) {
            if (cut.outputs.length > 0) sentAt.push(world.clock.now())
            if (cut.outputs.length === 0 || left === 0) return producer.transact(cut)
            left -= 1
            return aborted('nobody')
          },
        }),
    })
    world.put('a')
    await world.until(() => engine.inFlight === 1)
    engine.endAll(published('a'))
    await world.until(() => world.committed() === 1, 20_000)
    assert.deepEqual(visible(), ['a'])
    const waited = sentAt.slice(1).map((at, index) => at - (sentAt[index] ?? 0))
    assert.deepEqual(
      waited.map((ms) => Math.round(ms / 50) * 50),
      [100, 200, 400, 800],
    )
    assert.equal(events.findLast(({ kind }) => kind === 'commit.recovered')?.kind, 'commit.recovered')
    await world.settled(poller.stop())
  })

  it('ends the group in words when another process has taken the id three times in a row, and not before', async () => {
    const { world, engine, fatal, poller } = await groupOf({
      aroundTransactions: (producer) => instead(producer, { transact: async () => aborted('fenced') }),
    })
    world.put('a')
    await world.until(() => engine.inFlight === 1)
    engine.endAll(published('a'))
    await world.until(() => fatal.length > 0, 20_000)
    assert.deepEqual(
      fatal.map((error) => (error as PyrallelError).code),
      ['PYR_TRANSACTION_FENCED'],
    )
    await world.settled(poller.stop())
  })

  it('ends the group in words when the brokers do not allow its transactions', async () => {
    const refused = new PyrallelError('PYR_TRANSACTION_REFUSED', 'not allowed')
    const { world, engine, fatal, poller } = await groupOf({
      aroundTransactions: (producer) => instead(producer, { open: () => Promise.reject(refused) }),
    })
    world.put('a')
    await world.until(() => fatal.length > 0)
    assert.deepEqual([fatal, engine.inFlight <= 1], [[refused], true])
    engine.endAll()
    await world.settled(poller.stop())
  })

  it('makes dead letters visible with the offsets of their records', async () => {
    const { world, engine, poller } = await groupOf()
    world.put('a')
    await world.until(() => engine.inFlight === 1)
    engine.endAll({ kind: 'failed', failure: aFailure({ retryable: false }) })
    await world.until(() => world.committed() === 1)
    assert.equal(world.cluster.log('orders.dlq', 0).records.length, 1)
    await world.settled(poller.stop())
  })

  it('makes visible before it answers a revoke what was done until then', async () => {
    const { world, engine, visible, poller } = await groupOf({ partitions: 2 })
    for (const partition of [0, 1]) world.put('a', partition)
    await world.until(() => engine.inFlight === 2)
    const other = await world.member({ transactionalId: 'billing-2' })
    await other.poller.start()
    await world.pass(200)
    engine.endPartition(0, published('0'))
    engine.endPartition(1, published('1'))
    await world.until(() => other.owned().length === 1)
    assert.deepEqual(visible().toSorted(), ['0', '1'])
    await world.pass(1_000)
    assert.equal(other.engine.submitted.length, 0)
    await world.settled(Promise.all([poller.stop(), other.poller.stop()]))
  })

  it('does not keep a revoke waiting for a transaction that nobody answers, and its next owner sees what became of it', async () => {
    const { world, engine, visible, poller, owned } = await groupOf({
      partitions: 2,
      shutdown: { revokeGraceMs: 500, drainMs: 1_000 },
    })
    for (const partition of [0, 1]) world.put('a', partition)
    await world.until(() => engine.inFlight === 2 && world.committed(0) === 0 && world.committed(1) === 0)
    await world.pass(200)
    world.cluster.failTransactions(1, 'unanswered')
    engine.endPartition(0, published('0'))
    engine.endPartition(1, published('1'))
    const other = await world.member({ transactionalId: 'billing-2' })
    await other.poller.start()
    await world.until(() => owned().length === 1 && other.owned().length === 1, 30_000)
    await world.until(() => world.committed(0) === 1 && world.committed(1) === 1, 30_000)
    other.engine.endAll(published('again'))
    await world.pass(1_000)
    assert.deepEqual(visible().toSorted(), ['0', '1'])
    await world.settled(Promise.all([poller.stop(), other.poller.stop()]))
  })

  it('makes all that is done visible before the group is left, and closes its producer before its client', async () => {
    const closed: string[] = []
    const { world, engine, visible, poller, lines } = await groupOf({
      aroundTransactions: (producer) =>
        instead(producer, {
          close(timeoutMs) {
            closed.push('producer')
            return producer.close(timeoutMs)
          },
        }),
      around: (client) =>
        new Proxy(client, {
          get(of, name) {
            if (name === 'close') closed.push('client')
            const value: unknown = Reflect.get(of, name)
            return typeof value === 'function' ? value.bind(of) : value
          },
        }),
    })
    world.put('a')
    await world.until(() => engine.inFlight === 1)
    const stopped = poller.stop()
    await world.pass(50)
    engine.endAll(published('a'))
    await world.settled(stopped)
    assert.deepEqual([visible(), world.committed()], [['a'], 1])
    assert.deepEqual([closed.indexOf('producer') < closed.indexOf('client'), closed.includes('client')], [true, true])
    assert.equal(lines.filter(({ level }) => level === 'warn').length, 0)
  })

  it('tells in the snapshot what waits for a transaction, and for how long one is under way', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const { world, engine, poller, visible } = await groupOf({
      aroundTransactions: (producer) =>
        instead(producer, {
          async transact(cut) {
            if (cut.outputs.length > 0) await held
            return producer.transact(cut)
          },
        }),
    })
    world.put('a')
    await world.until(() => engine.inFlight === 1 && world.committed() === 0)
    await world.pass(200)
    assert.deepEqual(poller.snapshot().transactions, { waiting: 0, waitingBytes: 0, openMs: null })
    engine.endAll(published('a'))
    await world.pass(500)
    const { waiting, waitingBytes = 0, openMs } = poller.snapshot().transactions ?? {}
    assert.deepEqual([waiting, waitingBytes > 0], [1, true])
    assert.ok(openMs !== null && openMs !== undefined && openMs >= 300 && openMs <= 500, `${openMs}`)
    release()
    await world.until(() => visible().length === 1)
    await world.until(() => poller.snapshot().transactions?.waiting === 0)
    await world.settled(poller.stop())
    const plain = await new World().member()
    assert.equal(plain.poller.snapshot().transactions, null)
    await world.settled(plain.poller.stop())
  })

  it('waits a bounded time at the end for a transaction that does not end', async () => {
    const { world, engine, poller } = await groupOf({
      aroundTransactions: (producer) =>
        instead(producer, { transact: () => new Promise(() => {}), close: async () => {} }),
    })
    world.put('a')
    await world.until(() => engine.inFlight === 1)
    engine.endAll(published('a'))
    await world.settled(poller.stop(), 20_000)
    assert.equal(world.committed(), undefined)
  })
})
