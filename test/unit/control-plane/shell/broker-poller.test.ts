/** The shell around the manager: records in, attempts out, retries, dead letters, commits, and what polls do meanwhile. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { KafkaClient } from '../../../../framework/kafka/kafka-client.ts'
import type { TopicPartition } from '../../../../framework/model/record.ts'
import { aFailure, aRoute, failed, interrupted, offsetsOf, range, succeeded } from '../builders.ts'
import { instead, World } from '../group-member.ts'

/** Sees every poll, and what the client is told. */
function watched(world: World) {
  const polls: { readonly at: number; readonly size: number }[] = []
  const calls: string[] = []
  const around = (client: KafkaClient): KafkaClient => {
    const poll: KafkaClient['poll'] = (size, waitMs) => {
      polls.push({ at: world.clock.now(), size })
      return client.poll(size, waitMs)
    }
    const told = (verb: 'pause' | 'resume') => (partitions: readonly TopicPartition[]) => {
      calls.push(`${verb} ${partitions.map(({ partition }) => partition)}`)
      client[verb](partitions)
    }
    return instead(client, { poll, pause: told('pause'), resume: told('resume') })
  }
  const longestGap = () => Math.max(...polls.slice(1).map(({ at }, i) => at - (polls[i]?.at ?? at)))
  return { polls, calls, around, longestGap }
}

describe('records in the poller', () => {
  it('are handled, committed and nothing is left behind', async () => {
    const world = new World()
    const { poller, engine, fatal } = await world.member()
    await poller.start()
    world.put('a')
    world.put('b')
    await world.until(() => engine.inFlight === 2)
    engine.endAll()
    await world.until(() => world.committed() === 2)
    await world.settled(poller.stop())
    assert.deepEqual([fatal, world.clock.pendingTimers], [[], 0])
  })

  it('are followed to the end of a log that ends with what no consumer is given', async () => {
    const world = new World()
    const { poller, engine } = await world.member()
    await poller.start()
    world.put('a')
    world.cluster.log('orders', 0).skip(5)
    await world.until(() => engine.inFlight === 1)
    await world.pass(3_000)
    assert.equal(world.committed(), 0)
    engine.endAll()
    await world.until(() => world.committed() === 6)
    await world.settled(poller.stop())
  })

  it('are not asked about, nor the ends of their logs, while the coordinator answers nothing', async () => {
    const world = new World()
    let asked = 0
    const askLogEnds = async () => {
      asked += 1
    }
    const around = (client: KafkaClient) => instead(client, { logEndHeardAt: () => undefined, askLogEnds })
    const { poller, engine } = await world.member({ sessionTimeoutMs: 6_000, around })
    await poller.start()
    world.put('a')
    await world.until(() => engine.inFlight === 1)
    engine.endAll()
    await world.until(() => world.committed() === 1)
    world.cluster.delayCommits(100_000)
    await world.pass(5_000)
    asked = 0
    await world.pass(60_000)
    assert.equal(asked, 0)
    world.cluster.delayCommits(0)
    await world.until(() => asked > 0, 60_000)
    await world.settled(poller.stop())
  })

  it('are tried as often as allowed, each time after its delay, then go to the dead-letter topic and are passed', async () => {
    const world = new World()
    const { poller, engine, events } = await world.member()
    await poller.start()
    world.put('a')
    world.put('a')
    const starts: number[] = []
    for (const attempt of [1, 2, 3]) {
      await world.until(() => engine.inFlight === 1)
      assert.deepEqual(engine.running[0]?.attempts, [attempt])
      starts.push(world.clock.now())
      engine.endAll(failed)
    }
    assert.ok(starts[1]! - starts[0]! >= 100 && starts[1]! - starts[0]! < 120, `${starts}`)
    assert.ok(starts[2]! - starts[1]! >= 200 && starts[2]! - starts[1]! < 220, `${starts}`)
    await world.until(() => world.committed() === 1)
    const [letter] = world.cluster.log('orders.dlq', 0).records
    assert.equal(String(new Map(letter?.headers).get('pyrallel-offset')), '0')
    await world.until(() => engine.inFlight === 1)
    assert.deepEqual(offsetsOf(engine.running), [1])
    assert.deepEqual(
      events.map(({ kind }) => kind).filter((kind) => kind.startsWith('record.')),
      ['record.retry', 'record.retry', 'record.dead'],
    )
    engine.endAll()
    await world.settled(poller.stop())
    assert.equal(world.clock.pendingTimers, 0)
  })

  it('are not passed while the dead-letter topic takes nothing, and hold their key', async () => {
    const world = new World()
    const { poller, engine } = await world.member({ route: { retry: { ...once } } })
    world.cluster.failProductions(8)
    await poller.start()
    world.put('a')
    world.put('a')
    world.put('b')
    await world.until(() => engine.inFlight === 2)
    engine.endAll(failed)
    await world.pass(1_000)
    assert.deepEqual([world.committed(), engine.inFlight], [0, 0])
    await world.until(() => world.committed() === 1)
    assert.deepEqual(offsetsOf(engine.running), [1])
    engine.endAll()
    await world.settled(poller.stop())
  })

  it('are committed again when commits fail for a while, and nothing else stops', async () => {
    const world = new World()
    const { poller, engine, events, fatal } = await world.member()
    world.cluster.failCommits(5)
    await poller.start()
    for (const i of range(0, 20)) {
      world.put(`k${i}`)
      await world.until(() => engine.inFlight === 1)
      engine.endAll()
    }
    await world.until(() => world.committed() === 20)
    assert.equal(events.filter(({ kind }) => kind === 'commit.failed').length, 5)
    assert.deepEqual(fatal, [])
    await world.settled(poller.stop())
  })

  it('go on while each commit takes 20 seconds, because an answer counts when it is late', async () => {
    const world = new World()
    const { poller, engine, fatal, owned, events } = await world.member()
    world.cluster.delayCommits(20_000)
    await poller.start()
    let done = 0
    for (let second = 0; second < 70; second += 1) {
      world.put(`k${second}`)
      await world.until(() => engine.inFlight === 1)
      engine.endAll()
      done += 1
      await world.pass(1_000)
    }
    assert.deepEqual([done, owned(), fatal], [70, [0], []])
    assert.ok((world.committed() ?? 0) > 30, `${world.committed()}`)
    assert.equal(events.filter(({ kind }) => kind === 'starts.stopped').length, 0)
    world.cluster.delayCommits(0)
    await world.until(() => world.committed() === 70, 60_000)
    await world.settled(poller.stop())
  })

  it('stop to start, retries and dead letters too, two thirds of the session after the last acknowledged commit, and start again at the next', async () => {
    const world = new World()
    const member = await world.member({
      sessionTimeoutMs: 6_000,
      route: { retry: { attempts: 2, backoff: 'fixed', minMs: 4_500, maxMs: 4_500, jitter: false } },
    })
    const { poller, engine, events } = member
    await poller.start()
    for (const key of ['runs', 'again', 'dead', 'dead']) world.put(key)
    await world.until(() => engine.inFlight === 3 && world.committed() === 0)
    const [, again, dead] = engine.running
    world.cluster.delayCommits(600_000)
    engine.end(again, failed)
    await world.pass(3_600)
    assert.equal(engine.inFlight, 2)
    await world.pass(600)
    world.put('new')
    engine.end(dead, { kind: 'failed', failure: aFailure({ retryable: false }) })
    await world.pass(20_000)
    assert.deepEqual([engine.submitted.length, engine.inFlight, engine.aborted], [3, 1, []])
    assert.equal(world.cluster.log('orders.dlq', 0).records.length, 0)
    const { stoppedBecause, isCutOff } = poller.snapshot()
    assert.deepEqual([stoppedBecause, isCutOff], ['unacknowledged', true])
    world.cluster.delayCommits(0)
    await world.until(() => engine.inFlight === 4, 15_000)
    assert.equal(world.cluster.log('orders.dlq', 0).records.length, 1)
    const told = events.filter(({ kind }) => kind.startsWith('starts.') || kind === 'commit.recovered')
    assert.deepEqual(
      told.map(({ kind }) => kind),
      ['starts.stopped', 'starts.resumed', 'commit.recovered'],
    )
    engine.endAll()
    await world.settled(poller.stop())
  })

  it('never stop while nothing comes, because what is committed is committed again', async () => {
    const world = new World()
    const { poller, engine, events } = await world.member({ sessionTimeoutMs: 6_000 })
    await poller.start()
    world.put('a')
    await world.until(() => engine.inFlight === 1)
    engine.endAll()
    await world.until(() => world.committed() === 1)
    await world.pass(60_000, 20)
    assert.equal(events.filter(({ kind }) => kind === 'starts.stopped').length, 0)
    const { sinceAnswerMs } = poller.snapshot()
    assert.ok(sinceAnswerMs !== null && sinceAnswerMs <= 1_100, `${sinceAnswerMs}`)
    await world.settled(poller.stop())
  })

  it('stop to start when too much is done that no commit has, and start again at the next', async () => {
    const world = new World()
    const { poller, engine, events } = await world.member({ limits: { maxUncommitted: 10 }, capacity: 2 })
    await poller.start()
    for (let i = 0; i < 30; i += 1) world.put(`k${i}`)
    await world.until(() => engine.inFlight === 2 && world.committed() === 0)
    world.cluster.delayCommits(5_000)
    const finish = async () => {
      engine.endAll()
      await world.pass(10)
    }
    for (let i = 0; i < 30; i += 1) await finish()
    assert.equal(engine.submitted.length, 10)
    assert.equal(poller.snapshot().stoppedBecause, 'uncommitted')
    world.cluster.delayCommits(0)
    await world.until(() => engine.submitted.length === 12, 12_000)
    for (let i = 0; i < 30; i += 1) await finish()
    await world.until(() => world.committed() === 30, 20_000)
    assert.ok(events.some(({ kind }) => kind === 'starts.resumed'))
    await world.settled(poller.stop())
  })
})

const once = { attempts: 1, backoff: 'fixed', minMs: 0, maxMs: 0, jitter: false } as const

describe('polls', () => {
  it('go on while handlers run for minutes and intake is held, and nothing more is taken in', async () => {
    const world = new World(2)
    const watch = watched(world)
    const { poller, engine, owned, fatal } = await world.member({ around: watch.around, limits: { maxRecords: 8 } })
    await poller.start()
    for (const i of range(0, 40)) world.put(`k${i}`, i % 2)
    // Each has 2 of its own, and of the other 4 the first one leaves something to the second, which leaves one.
    await world.until(() => engine.inFlight === 7)
    await world.pass(10 * 60_000, 100)
    assert.equal(engine.submitted.length, 7)
    assert.ok(watch.longestGap() <= 1_000, `${watch.longestGap()} ms without a poll`)
    assert.deepEqual([owned(), fatal], [[0, 1], []])
    assert.deepEqual(watch.calls.toSorted(), ['pause 0', 'pause 1'])
    while (engine.submitted.length < 40 || engine.inFlight > 0) {
      engine.endAll()
      await world.pass(50)
    }
    await world.until(() => world.committed(0) === 20 && world.committed(1) === 20)
    await world.settled(poller.stop())
  })

  it('of other partitions go on while one is full', async () => {
    const world = new World(2)
    const watch = watched(world)
    const { poller, engine } = await world.member({ around: watch.around, limits: { maxRecordsPerPartition: 8 } })
    await poller.start()
    for (const i of range(0, 100)) world.put(`k${i}`, 0)
    await world.until(() => watch.calls.includes('pause 0'))
    for (const i of range(0, 30)) {
      world.put(`k${i}`, 1)
      await world.until(() => engine.running.some(({ records: [record] }) => record?.partition === 1))
      engine.endPartition(1)
    }
    await world.until(() => world.committed(1) === 30)
    assert.ok(engine.submitted.filter(({ records: [record] }) => record?.partition === 0).length <= 8)
    engine.endPartition(0)
    await world.until(() => watch.calls.includes('resume 0'))
    await world.settled(poller.stop())
  })

  it('rest while plenty is ready, and take up again before it is used up', async () => {
    const world = new World()
    const { poller, engine } = await world.member({ route: { concurrency: 2 }, capacity: 2 })
    await poller.start()
    for (const i of range(0, 200)) world.put(`k${i}`)
    for (let round = 0; round < 400 && engine.submitted.length < 200; round += 1) {
      await world.until(() => engine.inFlight > 0)
      engine.endAll()
    }
    engine.endAll()
    await world.until(() => world.committed() === 200)
    await world.settled(poller.stop())
  })
})

describe('a failure of the poller', () => {
  it('a failure that the client calls fatal is told once; polling goes on without taking anything in, and it can be closed', async () => {
    const world = new World()
    let failure: Error | undefined
    const sizes: number[] = []
    const around = (client: KafkaClient): KafkaClient => {
      const poll: KafkaClient['poll'] = async (size, waitMs) => {
        sizes.push(size)
        const records = await client.poll(size, waitMs)
        if (failure !== undefined) throw failure
        return records
      }
      return instead(client, { poll })
    }
    const { poller, engine, fatal } = await world.member({ around })
    await poller.start()
    world.put('a')
    await world.until(() => engine.inFlight === 1)
    failure = new Error('the member was fenced')
    await world.pass(1_000)
    assert.deepEqual(fatal, [failure])
    sizes.length = 0
    world.put('b')
    await world.pass(1_000)
    assert.ok(sizes.length > 10 && sizes.every((size) => size === 0))
    engine.endAll()
    await world.until(() => world.committed() === 1)
    await world.settled(poller.stop())
    assert.deepEqual([engine.submitted.length, world.clock.pendingTimers], [1, 0])
  })

  it('of a listener is fatal, not an unhandled rejection: when a record is done', async () => {
    await failsAt('record.done', succeeded)
  })

  it('of a listener is fatal, not an unhandled rejection: when a dead letter is acknowledged', async () => {
    await failsAt('record.dead', failed)
  })

  it('of a listener is fatal, not an unhandled rejection: when a tick is done', async () => {
    const world = new World()
    const { poller, engine, fatal } = await world.member({
      route: { tick: { everyMs: 1_000, everyPer: 'process' } },
      onEvent: (event) => {
        if (event.kind === 'tick.done') throw new Error('the listener is broken')
      },
    })
    await poller.start()
    await world.until(() => engine.ticks.length === 1)
    engine.ticks[0]?.end()
    await world.until(() => fatal.length === 1)
    assert.match(fatal[0]?.message ?? '', /listener is broken/)
    await world.settled(poller.stop())
  })

  async function failsAt(kind: string, outcome: typeof failed): Promise<void> {
    const world = new World()
    const { poller, engine, fatal } = await world.member({
      route: { retry: once },
      onEvent: (event) => {
        if (event.kind === kind) throw new Error('the listener is broken')
      },
    })
    await poller.start()
    world.put('a')
    await world.until(() => engine.inFlight === 1)
    engine.endAll(outcome)
    await world.until(() => fatal.length === 1)
    assert.match(fatal[0]?.message ?? '', /listener is broken/)
    await world.settled(poller.stop())
  }

  it('to start is told by start, and leaves something that can be stopped', async () => {
    const world = new World()
    const { poller, engine } = await world.member()
    engine.start = () => Promise.reject(new Error('no schema'))
    await assert.rejects(poller.start(), /no schema/)
    await world.settled(poller.stop())
    assert.equal(world.clock.pendingTimers, 0)
  })

  it('by which it is started twice is a bug', async () => {
    const world = new World()
    const { poller } = await world.member()
    await poller.start()
    await assert.rejects(poller.start(), { code: 'PYR_BUG' })
    await world.settled(poller.stop())
  })
})

describe('an interrupted attempt', () => {
  it('runs again without waiting', async () => {
    const world = new World()
    const { poller, engine } = await world.member()
    await poller.start()
    world.put('a')
    await world.until(() => engine.inFlight === 1)
    engine.endAll(interrupted)
    await world.until(() => engine.inFlight === 1, 100)
    assert.deepEqual(engine.running[0]?.attempts, [1])
    engine.endAll()
    await world.settled(poller.stop())
  })
})

describe('ticks in the poller', () => {
  const everyHour = { everyMs: 3_600_000, everyPer: 'process' } as const

  it('come at once when a partition is revoked, so that what waits for them is done and committed before it goes', async () => {
    const world = new World(2)
    const { poller, engine, owned } = await world.member({ route: { tick: everyHour } })
    await poller.start()
    for (const partition of [0, 1]) world.put('a', partition)
    await world.until(() => engine.inFlight === 2)
    const other = await world.member()
    const joining = other.poller.start()
    await world.until(() => engine.ticks.length === 1)
    assert.equal(engine.ticks[0]?.order.isDraining, true)
    assert.equal(owned().length, 2)
    engine.endAll()
    engine.ticks[0]?.end()
    await world.settled(joining)
    await world.until(() => owned().length === 1)
    const [moved] = [0, 1].filter((partition) => !owned().includes(partition))
    assert.equal(world.committed(moved), 1)
    await world.settled(Promise.all([poller.stop(), other.poller.stop()]))
    assert.equal(world.clock.pendingTimers, 0)
  })

  it('come while the process stops, and none begins once its engines are closed', async () => {
    const world = new World()
    const { poller, engine } = await world.member({ route: { tick: everyHour } })
    await poller.start()
    world.put('a')
    await world.until(() => engine.inFlight === 1)
    const stopping = poller.stop()
    await world.until(() => engine.ticks.length === 1)
    engine.endAll()
    await world.settled(stopping)
    assert.deepEqual([engine.ticks, world.clock.pendingTimers], [[], 0])
  })

  it('come for a topic that is found later, too', async () => {
    const world = new World()
    world.cluster.createTopic('orders.late', 1)
    const everySecond = { everyMs: 1_000, everyPer: 'partition' } as const
    const { poller, engine } = await world.member({ route: { tick: everySecond } })
    await poller.start()
    const topics = () => engine.ticks.map(({ order }) => order.of?.topic)
    await world.until(() => topics().includes('orders'))
    const routes = ['orders', 'orders.late'].map((topic) => aRoute({ topic, tick: everySecond }))
    await world.settled(poller.changeTopics(routes))
    await world.until(() => topics().includes('orders.late'))
    await world.settled(poller.stop())
  })
})
