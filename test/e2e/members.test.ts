/** Members that end, come back, or take long, on Apache Kafka: each record is accounted for, and nobody is disturbed without need. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { configDefaults } from '../../framework/config/resolve-config.ts'
import { connectUnderTest, skipWithout } from '../client-under-test.ts'
import { startKafka } from './kafka-harness.ts'
import type { MemberProcess } from './member-process.ts'
import { offsetsIn } from './raw-log.ts'
import { quietLog, Scenario } from './scenario.ts'

// Long enough for a member to be restarted on a machine that is busy: nobody is to be missed here, and no test waits for it.
const sessionMs = 45_000
const cluster = await startKafka({ config: { 'group.consumer.session.timeout.ms': sessionMs } })
after(() => cluster.stop())

const { limits, shutdown } = configDefaults
const classic = {
  groupProtocol: 'classic',
  sessionTimeoutMs: sessionMs,
  librdkafka: { 'heartbeat.interval.ms': 250 },
} as const

/** How often partitions have come or gone. */
function moves(member: MemberProcess): number {
  return member.count('assigned') + member.count('revoked') + member.count('lost')
}

// Beside each other, because most of their time passes while a session or a deadline runs out.
describe('a member', { concurrency: 3, timeout: 480_000 }, () => {
  for (const [name, plan] of [['new', {}] as const, ['classic', classic] as const]) {
    it(`with a static name is restarted without a rebalance of the others, in the ${name} protocol`, {
      skip: plan === classic && skipWithout('the classic group protocol'),
    }, async (t) => {
      const scenario = await Scenario.open(t, cluster, { partitions: 6 }, { ...plan, behaviour: { takesMs: [1, 10] } })
      const load = scenario.load(150, 30)
      const names = ['a', 'b', 'c']
      const [first, second, third] = await Promise.all(names.map((instanceId) => scenario.start({ instanceId })))
      await scenario.untilBalanced(6, [first!, second!, third!])
      const before = [moves(first!), moves(third!)]
      const partitions = second!.partitions
      await second!.stop()
      const again = await scenario.start({ instanceId: 'b' })
      await again.until('it has its partitions back', () => again.partitions.length === partitions.length)
      await scenario.untilProgress(50, [again])
      assert.deepEqual([moves(first!), moves(third!)], before)
      assert.deepEqual(again.partitions, partitions)
      await load.stop()
      const { repeats } = await scenario.finish()
      assert.equal(repeats, 0)
    })
  }

  it('with a static name that was killed has its partitions back in the classic protocol, before its session is over and without a rebalance of the others', {
    skip: skipWithout('the classic group protocol'),
  }, async (t) => {
    const scenario = await Scenario.open(t, cluster, { partitions: 4 }, { ...classic, behaviour: { takesMs: [1, 10] } })
    const load = scenario.load(100, 20)
    const [first, second] = await Promise.all(['a', 'b'].map((instanceId) => scenario.start({ instanceId })))
    await scenario.untilBalanced(4, [first!, second!])
    await scenario.untilProgress(100)
    const [before, partitions] = [moves(first!), second!.partitions]
    await second!.kill()
    const killedAt = performance.now()
    const again = await scenario.start({ instanceId: 'b' })
    await again.until('it has its partitions back', () => again.partitions.length === partitions.length)
    const tookMs = performance.now() - killedAt
    assert.ok(tookMs < sessionMs, `it came back after ${tookMs} ms, when its session was over`)
    await scenario.untilProgress(50, [again])
    assert.deepEqual([moves(first!), again.partitions], [before, partitions])
    await load.stop()
    await scenario.finish()
  })

  it('with the static name of a live one is refused, in words, after the session time-out, and the live one goes on', async (t) => {
    const scenario = await Scenario.open(t, cluster, { partitions: 2 })
    const live = await scenario.start({ instanceId: 'a' })
    await scenario.untilShared(2)
    const connection = await connectUnderTest({
      ...{ brokers: cluster.brokers, clientId: 'twin', log: quietLog },
      sessionTimeoutMs: 1_000,
    })
    const codes: string[] = []
    const onError = (code: string) => codes.push(code)
    const twin = await connection.consumer({ group: scenario.group, startFrom: 'earliest', instanceId: 'a', onError })
    await twin.subscribe([scenario.topic], {
      onAssigned: () => assert.fail('it was let in'),
      async onRevoked() {},
      onLost() {},
    })
    const pollForEver = async () => {
      for (;;) await twin.poll(1, 20)
    }
    await assert.rejects(pollForEver(), {
      code: 'PYR_KAFKA',
      message: /another live member of group .* 'a', still after/,
    })
    assert.deepEqual([codes.filter((code) => code === 'FATAL').length, codes.includes('OTHER')], [1, true])
    await twin.close()
    await connection.close()
    await scenario.produceMany(20, 4)
    await scenario.untilAllHandled()
    assert.equal(moves(live), 2)
    await scenario.finish()
  })

  it('a member that gets SIGTERM under load leaves nothing behind: the others repeat no record, dead letters included', async (t) => {
    const plan = { behaviour: { takesMs: [5, 50], failures: { k1: 2, k2: 99 } } } as const
    const scenario = await Scenario.open(t, cluster, { partitions: 4 }, plan)
    const deadLetterTopic = `${scenario.topic}.dlq`
    await cluster.admin.createTopic(deadLetterTopic)
    const load = scenario.load(200, 100)
    const [first, second] = await Promise.all([
      scenario.start({ deadLetterTopic }),
      scenario.start({ deadLetterTopic }),
    ])
    await scenario.untilShared(4)
    await scenario.untilProgress(200)
    await first.stop()
    await scenario.untilProgress(100, [second])
    // Now the whole group stops, with records queued and in flight, and another one goes on from there.
    await second.stop()
    await scenario.start({ deadLetterTopic })
    await load.stop()
    const { repeats, leftBehind, deadLettered } = await scenario.finish()
    assert.deepEqual({ repeats, leftBehind }, { repeats: 0, leftBehind: 0 })
    assert.ok(deadLettered > 0)
    assert.equal((await offsetsIn(cluster.brokers, deadLetterTopic, 0)).length, deadLettered)
  })

  it('with handlers that take longer than max.poll.interval.ms stays in its group while backpressure pauses it', {
    skip: skipWithout('the classic group protocol'),
  }, async (t) => {
    const scenario = await Scenario.open(
      t,
      cluster,
      { partitions: 2 },
      {
        sessionTimeoutMs: 4_000,
        librdkafka: { 'max.poll.interval.ms': 4_000, 'heartbeat.interval.ms': 250 },
        groupProtocol: 'classic',
        limits: { ...limits, maxRecords: 8 },
        behaviour: { takesMs: [5_500, 6_000] },
      },
    )
    await scenario.produceMany(16, 16)
    const member = await scenario.start()
    await member.until('it pauses', () => member.events('partitions.paused').length > 0)
    await scenario.untilAllHandled()
    assert.deepEqual([member.count('revoked'), member.count('lost'), member.partitions], [0, 0, [0, 1]])
    const { repeats } = await scenario.finish()
    assert.equal(repeats, 0)
  })

  it('a member that cannot finish within the revoke grace gives up what is in flight, says so, and only that runs twice', async (t) => {
    const stuck = ['stuck0', 'stuck1', 'stuck2', 'stuck3']
    const scenario = await Scenario.open(
      t,
      cluster,
      { partitions: 4 },
      {
        shutdown: { ...shutdown, revokeGraceMs: 500 },
      },
    )
    const first = await scenario.start({ behaviour: { blockedKeys: stuck, ignoresSignal: true } })
    await scenario.produceMany(200, 20)
    await Promise.all(stuck.map((key, partition) => scenario.produce([key], partition)))
    await scenario.produceMany(200, 20)
    await first.until('only the stuck ones are left', () => first.count('end') === 400 && first.count('start') === 404)
    const second = await scenario.start()
    await scenario.untilShared(4)
    const moved = second.partitions
    await second.until('it has run the stuck ones that came to it', () => second.count('end') === moved.length)
    // The first is still at work on them: its answers come too late, and change nothing.
    for (const key of stuck) first.release(key)
    await first.until('it has ended', () => first.count('end') === 404)
    const { repeats, overlaps, leftBehind } = await scenario.finish()
    const given = moved.length
    assert.deepEqual({ repeats, overlaps, leftBehind }, { repeats: given, overlaps: given, leftBehind: given })
    const warned = first.logged('partitions are given up with records in flight; their next owner gets them again')
    assert.equal(
      warned.reduce((sum, line) => sum + Number(line.fields.leftBehind), 0),
      given,
    )
  })
})
