/** Partitions that come, go in order, and are taken away, with work in flight. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RebalanceListener } from '../../../framework/kafka/kafka-client.ts'
import { failed, interrupted, of, offsetsOf, range } from './builders.ts'
import { instead, type Member, World } from './group-member.ts'

const startedOn = (member: Member, partition: number) =>
  member.engine.submitted.filter(({ records: [record] }) => record?.partition === partition)

/** A member that owns both partitions and works on `perPartition` records of each, and a second one that joins. */
async function handOver(perPartition: number, options: Parameters<World['member']>[0] = {}) {
  const world = new World(2)
  const first = await world.member(options)
  await first.poller.start()
  for (const i of range(0, perPartition)) for (const partition of [0, 1]) world.put(`k${i}`, partition)
  await world.until(() => first.engine.inFlight === 2 * perPartition)
  const second = await world.member()
  await second.poller.start()
  const stop = async () => {
    first.engine.endAll()
    second.engine.endAll()
    await world.settled(Promise.all([first.poller.stop(), second.poller.stop()]))
    assert.equal(world.clock.pendingTimers, 0)
  }
  return { world, first, second, stop }
}

describe('a partition that is revoked', () => {
  it('finishes what is in flight, is committed, and only then goes to the next owner, who goes on behind it', async () => {
    const { world, first, second, stop } = await handOver(3)
    await world.pass(1_000)
    assert.deepEqual([first.owned(), second.owned()], [[0, 1], []])
    for (const item of first.engine.running.filter(({ records: [record] }) => record?.partition === 1)) {
      assert.deepEqual(second.owned(), [])
      first.engine.end(item)
      await world.pass(50)
    }
    await world.until(() => second.owned().length === 1)
    assert.deepEqual([first.owned(), second.owned(), world.committed(1)], [[0], [1], 3])
    world.put('next', 1)
    await world.until(() => second.engine.inFlight === 1)
    assert.deepEqual(offsetsOf(second.engine.running), [3])
    assert.deepEqual(first.engine.aborted, [])
    await stop()
  })

  it('starts nothing more while it drains; the other partitions go on', async () => {
    const { world, first, stop } = await handOver(1)
    world.put('k0', 0)
    world.put('k0', 1)
    await world.pass(500)
    first.engine.endPartition(0)
    await world.until(() => startedOn(first, 0).length === 2)
    assert.equal(startedOn(first, 1).length, 1)
    await stop()
  })

  it('does not wait for what its engine has not begun: the next owner runs it', async () => {
    const { world, first, second, stop } = await handOver(2, { shutdown: { revokeGraceMs: 2_000, drainMs: 0 } })
    for (const item of first.engine.running)
      if (item.records[0]?.partition === 1) {
        first.engine.unbegun.add(item)
      }
    await world.until(() => second.owned().length === 1, 1_000)
    assert.deepEqual(first.engine.aborted, [])
    await world.until(() => second.engine.inFlight === 2)
    assert.deepEqual(offsetsOf(second.engine.running), [0, 1])
    await stop()
  })

  it('is given up when its grace is over: its handlers are aborted, the next owner gets the records again', async () => {
    const { world, first, second, stop } = await handOver(2, { shutdown: { revokeGraceMs: 2_000, drainMs: 0 } })
    first.engine.end(
      first.engine.running.find(({ records: [record] }) => record?.partition === 1 && record.offset === 0),
    )
    await world.pass(1_800)
    assert.deepEqual(second.owned(), [])
    await world.until(() => second.owned().length === 1, 1_400)
    assert.deepEqual(offsetsOf(first.engine.aborted), [1])
    assert.equal(world.committed(1), 1)
    const warning = first.lines.find(({ level }) => level === 'warn')
    assert.match(warning?.message ?? '', /given up with records in flight/)
    assert.deepEqual({ ...warning?.fields }, { partitions: ['orders[1]'], leftBehind: 1, waitedMs: 2_000 })
    await world.until(() => second.engine.inFlight === 1)
    assert.deepEqual(offsetsOf(second.engine.running), [1])
    first.engine.endPartition(1)
    await world.pass(200)
    assert.equal(world.committed(1), 1)
    assert.equal(first.events.at(-1)?.kind, 'stale.dropped')
    await stop()
  })

  it('fires the signals before its last commit, which has what ends within a second, and then goes to the next owner', async () => {
    const { world, first, second, stop } = await handOver(3, { shutdown: { revokeGraceMs: 2_000, drainMs: 0 } })
    await world.until(() => first.engine.aborted.length > 0, 2_500)
    assert.deepEqual(offsetsOf(first.engine.aborted), [0, 1, 2])
    const [done, left, deaf] = first.engine.aborted
    await world.pass(500)
    assert.deepEqual([second.owned(), world.committed(1)], [[], 0])
    first.engine.end(done)
    first.engine.end(left, interrupted)
    await world.pass(400)
    assert.deepEqual(second.owned(), [])
    await world.until(() => second.owned().length === 1, 300)
    assert.equal(world.committed(1), 1)
    await world.until(() => second.engine.inFlight === 2)
    assert.deepEqual(offsetsOf(second.engine.running), [1, 2])
    first.engine.end(deaf)
    await stop()
  })

  it('waits no longer than its handlers take to heed their signals', async () => {
    const { world, first, second, stop } = await handOver(1, { shutdown: { revokeGraceMs: 2_000, drainMs: 0 } })
    await world.until(() => first.engine.aborted.length > 0, 2_500)
    first.engine.end(first.engine.aborted[0], interrupted)
    await world.until(() => second.owned().length === 1, 100)
    await stop()
  })

  it('is given up, with its last commit, before the client would answer for it, however long the grace is', async () => {
    const { world, first, second, stop } = await handOver(2, {
      shutdown: { revokeGraceMs: 60_000, drainMs: 0 },
      around: (client) => instead(client, { revokeLimitMs: 10_000 }),
    })
    await world.until(() => world.committed(1) === 0)
    world.cluster.delayCommits(60_000)
    first.engine.end(first.engine.running.find(({ records: [record] }) => record?.partition === 1))
    await world.pass(8_000)
    assert.deepEqual(second.owned(), [])
    await world.until(() => second.owned().length === 1, 1_500)
    world.cluster.delayCommits(0)
    await world.pass(60_000, 50)
    await stop()
  })

  it('does not wait for records that wait for their retry: the next owner goes on with their attempts', async () => {
    const { world, first, second, stop } = await handOver(1)
    first.engine.endPartition(1, failed)
    await world.until(() => second.owned().length === 1, 200)
    await world.until(() => second.engine.inFlight === 1)
    assert.deepEqual(second.engine.running[0]?.attempts, [2])
    await stop()
  })

  it('waits for a dead letter that is on its way', async () => {
    const once = { attempts: 1, backoff: 'fixed', minMs: 0, maxMs: 0, jitter: false } as const
    const { world, first, second, stop } = await handOver(1, { route: { retry: once } })
    world.cluster.failProductions(2)
    first.engine.endPartition(1, failed)
    await world.pass(400)
    assert.deepEqual(second.owned(), [])
    await world.until(() => second.owned().length === 1, 1_000)
    assert.deepEqual([world.committed(1), world.cluster.log('orders.dlq', 0).records.length], [1, 1])
    await stop()
  })

  it('is given up without its last commit when that does not arrive within 5 s, and says so', async () => {
    const { world, first, second, stop } = await handOver(1)
    await world.until(() => world.committed(1) === 0)
    world.cluster.delayCommits(60_000)
    first.engine.endPartition(1)
    await world.pass(4_900)
    assert.deepEqual(second.owned(), [])
    await world.until(() => second.owned().length === 1, 400)
    assert.ok(first.lines.some(({ message }) => message === 'the last commit before a revoke was not acknowledged'))
    world.cluster.delayCommits(0)
    await world.pass(60_000, 50)
    await stop()
  })

  it('tries its last commit again when the first is refused', async () => {
    const { world, first, second, stop } = await handOver(1)
    await world.until(() => world.committed(1) === 0)
    world.cluster.failCommits(3)
    first.engine.endPartition(1)
    await world.until(() => second.owned().length === 1, 4_000)
    assert.equal(world.committed(1), 1)
    await stop()
  })
})

describe('a partition that is lost', () => {
  it('is dropped at once and never committed, whatever finishes later', async () => {
    const world = new World(2)
    const member = await world.member()
    await member.poller.start()
    for (const partition of [0, 1]) world.put('a', partition)
    await world.until(() => member.engine.inFlight === 2 && world.committed(1) === 0)
    const other = await world.member()
    await other.poller.start()
    // It comes back to the group, and goes to the other one.
    world.lose(1)
    await world.until(() => member.owned().length === 1)
    assert.deepEqual(
      member.engine.aborted.map(({ records: [record] }) => record?.partition),
      [1],
    )
    member.engine.endAll()
    await world.until(() => world.committed(0) === 1)
    assert.equal(
      member.events.some(({ kind }) => kind === 'partition.lost'),
      true,
    )
    await world.until(() => startedOn(other, 1).length === 1)
    assert.equal(world.committed(1), 0)
    other.engine.endAll()
    await world.until(() => world.committed(1) === 1)
    await world.settled(Promise.all([member.poller.stop(), other.poller.stop()]))
  })

  it('is worked on anew when it comes back to the same process, and what its old attempts answer is dropped', async () => {
    const world = new World()
    const { poller, engine, events } = await world.member()
    await poller.start()
    world.put('a')
    world.put('b')
    await world.until(() => engine.inFlight === 2)
    const [oldA, oldB] = engine.running
    world.lose(0)
    await world.until(() => events.filter(({ kind }) => kind === 'partition.assigned').length === 2)
    await world.pass(100)
    // Their keys wait for the handlers of before.
    assert.equal(engine.submitted.length, 2)
    engine.end(oldA)
    await world.until(() => engine.submitted.length === 3)
    assert.deepEqual(offsetsOf(engine.submitted), [0, 1, 0])
    assert.notEqual(engine.submitted[2]?.epoch, oldA?.epoch)
    assert.equal(world.committed() ?? 0, 0)
    engine.end(engine.submitted[2])
    engine.end(oldB)
    await world.until(() => engine.submitted.length === 4)
    engine.endAll()
    await world.until(() => world.committed() === 2)
    await world.settled(poller.stop())
  })

  it('stays when its drain ends, if the client could not wait for that and it has come back meanwhile', async () => {
    const world = new World()
    let listener: RebalanceListener | undefined
    const { poller, engine, owned, fatal } = await world.member({
      around: (client) =>
        instead(client, {
          subscribe: (topics, given) => {
            listener = given
            return client.subscribe(topics, given)
          },
        }),
    })
    await poller.start()
    for (const key of ['a', 'b']) world.put(key)
    await world.until(() => engine.inFlight === 2 && world.committed() === 0)
    // The drain's last commit waits for this one.
    world.cluster.delayCommits(3_000)
    engine.end(engine.running[0])
    await world.pass(200)
    let isDrained = false
    void listener?.onRevoked([of(0)]).then(() => {
      isDrained = true
    })
    await world.pass(200)
    listener?.onLost([of(0)])
    listener?.onAssigned([{ ...of(0), position: 0, metadata: '' }])
    world.put('c')
    await world.until(() => offsetsOf(engine.submitted).includes(2))
    assert.equal(isDrained, false)
    await world.until(() => isDrained)
    assert.deepEqual([owned(), fatal], [[0], []])
    assert.deepEqual(offsetsOf(engine.aborted), [1])
    engine.endAll()
    await world.until(() => world.committed() === 3)
    await world.settled(poller.stop())
  })

  it('ends its drain when it is lost while it is being revoked', async () => {
    const { world, first, second, stop } = await handOver(1)
    await world.pass(200)
    world.lose(1)
    await world.until(() => second.owned().length === 1, 200)
    assert.equal(
      first.events.some(({ kind }) => kind === 'partition.lost'),
      true,
    )
    await stop()
  })
})

describe('partitions that come', () => {
  it('are given to a member when the topic grows, and worked on', async () => {
    const world = new World(1)
    const { poller, engine, owned } = await world.member()
    await poller.start()
    await world.until(() => owned().length === 1)
    world.cluster.addPartitions('orders', 3)
    world.put('a', 2)
    await world.until(() => engine.inFlight === 1)
    assert.deepEqual(owned(), [0, 1, 2])
    engine.endAll()
    await world.until(() => world.committed(2) === 1)
    await world.settled(poller.stop())
  })

  it('are paused with the others when they come while intake is held, and resumed with them', async () => {
    const world = new World(2)
    const { poller, engine, events } = await world.member({ limits: { maxBytes: 300 } })
    const assignments = () => events.filter(({ kind }) => kind === 'partition.assigned').length
    // They come with one poll, which passes the limit, so that intake as a whole is held.
    for (const i of range(0, 4)) world.put(`k${i}`, 0)
    await poller.start()
    await world.until(() => engine.inFlight === 4)
    await world.pass(1_000)
    world.lose(1)
    await world.until(() => assignments() === 3)
    world.put('a', 1)
    await world.pass(1_000)
    assert.equal(engine.submitted.length, 4)
    engine.endAll()
    await world.until(() => engine.inFlight === 1)
    engine.endAll()
    await world.until(() => world.committed(1) === 1)
    await world.settled(poller.stop())
  })
})
