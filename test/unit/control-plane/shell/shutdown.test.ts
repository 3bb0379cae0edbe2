/** The end of a member: one list of steps, in order, each bounded, and what it left behind in the log. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { KafkaClient } from '../../../../framework/kafka/kafka-client.ts'
import { failed, offsetsOf } from '../builders.ts'
import { instead, type MemberOptions, World } from '../group-member.ts'

const once = { attempts: 1, backoff: 'fixed', minMs: 0, maxMs: 0, jitter: false } as const

/** A member that works on one record each of three keys. */
async function busyMember(options: MemberOptions = {}) {
  const world = new World()
  const steps: string[] = []
  const around = (client: KafkaClient): KafkaClient => {
    const commit: KafkaClient['commit'] = async (commits) => {
      await client.commit(commits)
      steps.push(`commit ${commits.map(({ position }) => position)}`)
    }
    const close: KafkaClient['close'] = () => {
      steps.push('close the client')
      return client.close()
    }
    return instead(client, { commit, close })
  }
  const member = await world.member({ around, ...options })
  const { engine } = member
  const closeEngine = engine.close.bind(engine)
  engine.close = () => {
    steps.push(`close the engine, ${engine.inFlight} in flight`)
    return closeEngine()
  }
  await member.poller.start()
  for (const key of ['a', 'b', 'c']) world.put(key)
  await world.until(() => engine.inFlight === 3 && world.committed() === 0)
  await world.pass(200)
  steps.length = 0
  return { world, steps, ...member }
}

const warnings = (lines: readonly { readonly level: string; readonly message: string; readonly fields: object }[]) =>
  lines.filter(({ level }) => level === 'warn').map(({ message, fields }) => ({ message, ...fields }))

const withoutTimes = (fields: object) =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !name.endsWith('Ms')))

describe('stop', () => {
  it('leaves what is left of its drain to the engines, for the teardown of their handlers', async () => {
    const { world, poller, engine } = await busyMember({ shutdown: { drainMs: 9_000, revokeGraceMs: 1_000 } })
    const graces: number[] = []
    const { close } = engine
    engine.close = (graceMs?: number) => {
      graces.push(graceMs ?? Number.NaN)
      return close()
    }
    const stopped = poller.stop()
    await world.pass(2_000)
    for (const item of engine.running) engine.end(item)
    await world.settled(stopped)
    const [graceMs = 0, ...others] = graces
    assert.deepEqual([graceMs > 6_900 && graceMs <= 7_000, others], [true, []], `${graceMs} ms`)
  })

  it('gives the engines a second when its time is over, and when it is told to wait no longer', async () => {
    const { world, poller, engine } = await busyMember({ shutdown: { drainMs: 9_000, revokeGraceMs: 1_000 } })
    const graces: number[] = []
    const { close } = engine
    engine.close = (graceMs?: number) => {
      graces.push(graceMs ?? Number.NaN)
      return close()
    }
    const stopped = poller.stop()
    await world.pass(2_000)
    poller.abort()
    await world.settled(stopped)
    assert.deepEqual(graces, [1_000])
  })

  it('gives a teardown that goes on no more than a second when it is told to wait no longer', async () => {
    const { world, poller, engine } = await busyMember({ shutdown: { drainMs: 9_000, revokeGraceMs: 1_000 } })
    const graces: number[] = []
    const { close } = engine
    let onTornDown: () => void = () => {}
    engine.close = (graceMs?: number) => {
      graces.push(graceMs ?? Number.NaN)
      if (graces.length > 1) return close()
      return new Promise((resolve) => {
        onTornDown = resolve
      })
    }
    for (const item of engine.running) engine.end(item)
    const stopped = poller.stop()
    await world.until(() => graces.length === 1)
    poller.abort()
    assert.equal(graces[1], 1_000)
    onTornDown()
    await world.settled(stopped)
  })

  it('drains, closes the engines, commits, closes the client, in this order, and leaves nothing', async () => {
    const { world, steps, poller, engine, lines, fatal } = await busyMember({
      commit: { minIntervalMs: 600_000, recovery: 'metadata' },
    })
    const stopped = poller.stop()
    await world.pass(1_000)
    const before = steps.length
    for (const item of engine.running) engine.end(item)
    await world.settled(stopped)
    const listed: readonly string[] = steps
    assert.equal(before, 0)
    assert.deepEqual(listed, ['close the engine, 0 in flight', 'commit 3', 'close the client'])
    assert.equal(world.committed(), 3)
    assert.deepEqual([warnings(lines), fatal, world.clock.pendingTimers], [[], [], 0])
  })

  it('logs each step of its list with what it left behind', async () => {
    const { world, poller, engine, lines } = await busyMember()
    lines.length = 0
    const stopped = poller.stop()
    engine.endAll()
    await world.settled(stopped)
    assert.deepEqual(
      lines
        .filter(({ level }) => level !== 'debug')
        .map(({ message, fields }) => ({ message, ...withoutTimes(fields) })),
      [
        { message: 'draining: nothing more is started', partitionCount: 1, inFlight: 3, recordCount: 3 },
        { message: 'drained: nothing is in flight' },
        { message: 'the engines are closed', engines: 1, abandoned: 0 },
        { message: 'all that is done is committed', partitionCount: 1 },
        { message: 'the group is left' },
      ],
    )
  })

  it('starts nothing more once stop was called', async () => {
    const { world, poller, engine } = await busyMember()
    const stopped = poller.stop()
    world.put('d')
    world.put('a')
    engine.endAll(failed)
    await world.settled(stopped)
    assert.deepEqual(offsetsOf(engine.submitted), [0, 1, 2])
    assert.equal(world.committed(), 0)
  })

  it('may be called twice, and the second call waits for the first', async () => {
    const { world, steps, poller, engine } = await busyMember()
    const both = Promise.all([poller.stop(), poller.stop()])
    engine.endAll()
    await world.settled(both)
    await poller.stop()
    assert.equal(steps.filter((step) => step === 'close the client').length, 1)
  })

  it('gives up what is in flight when the drain time is over, and says how much', async () => {
    const { world, steps, poller, engine, lines } = await busyMember({
      shutdown: { revokeGraceMs: 60_000, drainMs: 2_000 },
    })
    const stopped = poller.stop()
    engine.end(engine.running[0])
    await world.pass(1_900)
    assert.equal(steps.includes('close the client'), false)
    await world.settled(stopped, 500)
    assert.ok(steps.includes('close the engine, 2 in flight'))
    assert.equal(world.committed(), 1)
    assert.deepEqual(warnings(lines), [
      {
        message: 'drain time is over with records in flight; they will be delivered again',
        leftBehind: 2,
        waitedMs: 2_000,
      },
    ])
    assert.equal(world.clock.pendingTimers, 0)
  })

  it('fires the signals when the drain time is over, and then waits a second for what heeds them', async () => {
    const { world, steps, poller, engine } = await busyMember({ shutdown: { revokeGraceMs: 60_000, drainMs: 2_000 } })
    const stopped = poller.stop()
    await world.pass(1_900)
    assert.deepEqual([engine.aborted.length, steps], [0, []])
    await world.until(() => engine.aborted.length > 0, 200)
    assert.deepEqual(offsetsOf(engine.aborted), [0, 1, 2])
    await world.settled(stopped, 500)
    assert.deepEqual([steps.at(0), world.committed()], ['close the engine, 3 in flight', 0])
  })

  it('does not wait another grace for dead letters that nobody publishes any more', async () => {
    const { world, poller, engine } = await busyMember({
      route: { retry: once },
      shutdown: { revokeGraceMs: 60_000, drainMs: 2_000 },
    })
    world.cluster.failProductions(1_000)
    engine.endAll(failed)
    await world.settled(poller.stop(), 2_500)
    assert.equal(world.committed(), 0)
    assert.equal(world.clock.pendingTimers, 0)
  })

  it('goes on without its last commit when that is not acknowledged in time, and says so', async () => {
    const { world, poller, engine, lines } = await busyMember()
    world.cluster.delayCommits(3_600_000)
    engine.endAll()
    await world.settled(poller.stop(), 25_000)
    assert.deepEqual(
      warnings(lines).map(({ message }) => message),
      [
        'the last commit was not acknowledged; what it carried may run again',
        'the last commit before a revoke was not acknowledged',
      ],
    )
    assert.equal(world.committed(), 0)
  })

  it('leaves no timer of a retry that was waiting', async () => {
    const { world, poller, engine } = await busyMember()
    engine.endAll(failed)
    await world.settled(poller.stop())
    assert.equal(world.clock.pendingTimers, 0)
  })

  it('closes the client also when an engine cannot be closed, and says so', async () => {
    const { world, poller, engine, steps, lines } = await busyMember()
    engine.endAll()
    engine.close = () => Promise.reject(new Error('a thread does not end'))
    await world.settled(poller.stop())
    assert.ok(steps.includes('close the client'))
    assert.equal(world.committed(), 3)
    assert.deepEqual(
      warnings(lines).map(({ message }) => message),
      ['an engine could not be closed'],
    )
  })

  it('before the start ends at once', async () => {
    const world = new World()
    const { poller } = await world.member()
    await world.settled(poller.stop(), 100)
    await assert.rejects(poller.start(), { code: 'PYR_BUG' })
  })

  it('while it subscribes leaves nothing running', async () => {
    const world = new World()
    let subscribed = () => {}
    const around = (client: KafkaClient): KafkaClient => {
      const subscribe: KafkaClient['subscribe'] = async (topics, listener) => {
        await client.subscribe(topics, listener)
        await new Promise<void>((resolve) => {
          subscribed = resolve
        })
      }
      return instead(client, { subscribe })
    }
    const { poller, fatal } = await world.member({ around })
    const starting = poller.start()
    await world.pass(50)
    const stopped = poller.stop()
    await world.pass(50)
    subscribed()
    await world.settled(Promise.allSettled([starting, stopped]))
    await world.pass(1_000)
    assert.deepEqual([fatal, world.clock.pendingTimers], [[], 0])
  })
})

describe('abort', () => {
  it('ends a drain at once: a second signal', async () => {
    const { world, poller, engine, lines } = await busyMember()
    const stopped = poller.stop()
    await world.pass(100)
    poller.abort()
    assert.equal(engine.aborted.length, 3)
    await world.settled(stopped, 200)
    assert.equal(world.committed(), 0)
    assert.equal(warnings(lines).length, 1)
    assert.equal(world.clock.pendingTimers, 0)
  })

  it('before stop makes stop wait for nothing', async () => {
    const { world, poller } = await busyMember()
    poller.abort()
    await world.settled(poller.stop(), 200)
  })
})

describe('a partition that comes while the member stops', () => {
  it('is not worked on', async () => {
    const { world, poller, engine, owned } = await busyMember()
    const stopped = poller.stop()
    world.cluster.addPartitions('orders', 2)
    world.put('x', 1)
    await world.until(() => owned().length === 2)
    await world.pass(500)
    assert.equal(engine.submitted.length, 3)
    engine.endAll()
    await world.settled(stopped)
  })
})
