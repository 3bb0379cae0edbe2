/** How a runtime with several groups starts: what takes long is waited for at once, and a failure leaves nothing behind. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { configDefaults } from '../../../framework/config/resolve-config.ts'
import type { KafkaConnection } from '../../../framework/kafka/kafka-client.ts'
import { type MemoryCluster, memoryCluster } from '../../../framework/kafka/memory/client.ts'
import { createRuntime } from '../../../framework/runtime/create-runtime.ts'
import type { Runtime } from '../../../framework/runtime/runtime.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import type { Clock } from '../../../framework/time/clock.ts'
import { HANDLER } from '../control-plane/builders.ts'
import { FakeEngine } from '../control-plane/fake-engine.ts'
import { World } from '../control-plane/group-member.ts'
import { recordedLog } from '../kafka/recorded-log.ts'
import { aHandler, gate } from './running-app.ts'

const limits = { timeout: 20_000 }
const groups = ['a', 'b', 'c']

/** A connection whose consumers call `joins` before they subscribe, and that counts those that are open. */
function aConnection(cluster: MemoryCluster, joins: (group: string) => Promise<void>) {
  const inner = cluster.connection()
  const open = new Set<string>()
  const connection: KafkaConnection = {
    ...inner,
    consumer: async (options) => {
      const consumer = await inner.consumer(options)
      open.add(options.group)
      const subscribe = consumer.subscribe.bind(consumer)
      const close = consumer.close.bind(consumer)
      consumer.subscribe = async (...parts) => {
        await joins(options.group)
        await subscribe(...parts)
      }
      consumer.close = async () => {
        open.delete(options.group)
        await close()
      }
      return consumer
    },
  }
  return { connection, open }
}

function aRuntime(connection: KafkaConnection, cluster: MemoryCluster, clock?: Clock): Runtime {
  for (const topic of groups) cluster.createTopic(topic)
  const { limits: most, commit, shutdown } = configDefaults
  return createRuntime({
    connection,
    handlers: groups.map((group) => aHandler(group, { group })),
    startFrom: 'earliest',
    limits: most,
    commit,
    shutdown,
    log: recordedLog().log,
    ...(clock === undefined ? {} : { clock }),
  })
}

describe('a runtime that starts', () => {
  it('lets its groups join at once, and keeps them in the order of their handlers', limits, async () => {
    const cluster = memoryCluster()
    const all = gate()
    let joining = 0
    const { connection } = aConnection(cluster, async () => {
      joining++
      if (joining === groups.length) all.open()
      await all.opened
    })
    const runtime = aRuntime(connection, cluster)
    await runtime.start()
    assert.deepEqual(
      runtime.snapshot().groups.map(({ group }) => group),
      groups,
    )
    await runtime.stop()
  })

  it(
    'whose one group cannot join says why once the others can be stopped, and stopping leaves none',
    limits,
    async () => {
      const cluster = memoryCluster()
      const held = gate()
      const failed = gate()
      const { connection, open } = aConnection(cluster, async (group) => {
        if (group === 'c') await held.opened
        if (group !== 'b') return
        failed.open()
        throw new Error('not for you')
      })
      const runtime = aRuntime(connection, cluster)
      let isTold = false
      const starting = runtime.start().finally(() => {
        isTold = true
      })
      starting.catch(() => {})
      await failed.opened
      await new Promise((resolve) => setImmediate(resolve))
      assert.equal(isTold, false)
      held.open()
      await assert.rejects(starting, /not for you/)
      assert.deepEqual([...open], ['a', 'c'])
      await runtime.stop()
      assert.deepEqual([...open], [])
    },
  )
})

describe('a runtime whose topic is not on the broker', () => {
  /** Topic `b` is shown from the `shownAt`-th question on. Waits are the clock's. */
  function aLateTopic(shownAt: number) {
    const cluster = memoryCluster()
    const clock = new ManualClock()
    const asked: number[] = []
    const connection: KafkaConnection = {
      ...cluster.connection(),
      missingTopics: async () => {
        asked.push(clock.now())
        return asked.length < shownAt ? ['b'] : []
      },
    }
    const runtime = aRuntime(connection, cluster, clock)
    let isSettled = false
    const starting = runtime.start().finally(() => {
      isSettled = true
    })
    starting.catch(() => {})
    const passing = async () => {
      while (!isSettled) {
        await new Promise((resolve) => setImmediate(resolve))
        clock.advance(50)
      }
    }
    return { runtime, asked, starting, passing, clock }
  }

  it('asks again, since a broker may show one that was just created a little late', limits, async () => {
    const { runtime, asked, starting, passing } = aLateTopic(4)
    await passing()
    await starting
    assert.equal(asked.length, 4)
    assert.equal(runtime.snapshot().state, 'running')
    await runtime.stop()
  })

  it('is refused after five seconds, with the files that read it', limits, async () => {
    const { runtime, asked, starting, passing } = aLateTopic(Number.POSITIVE_INFINITY)
    await passing()
    await assert.rejects(starting, {
      code: 'PYR_TOPIC_UNKNOWN',
      message: /^memory shows no topic b \(read by handlers\/b\.ts\)\. Create it.*lacks the right: Read on topic b\.$/,
    })
    const askedFor = asked.at(-1)! - asked[0]!
    assert.ok(askedFor >= 5_000 && askedFor < 6_000, `${askedFor} ms`)
    await runtime.stop()
  })

  it('is not asked for any more once the runtime is told to stop', limits, async () => {
    const { runtime, asked, starting, clock } = aLateTopic(Number.POSITIVE_INFINITY)
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    while (asked.length < 1) await turn()
    await turn()
    const stopping = runtime.stop()
    // One pause ends and is not followed by another.
    clock.advance(1_000)
    await assert.rejects(starting, { code: 'PYR_CLIENT_CLOSED' })
    await stopping
    await turn()
    assert.equal(asked.length, 2)
  })
})

describe('a group that starts', () => {
  /** An engine whose start is the test's. */
  class HeldEngine extends FakeEngine {
    readonly #begin: () => Promise<void>

    constructor(begin: () => Promise<void>) {
      super()
      this.#begin = begin
    }

    override async start(onCompletion: Parameters<FakeEngine['start']>[0]): Promise<void> {
      await this.#begin()
      await super.start(onCompletion)
    }
  }

  it('starts its engines at once', limits, async () => {
    const all = gate()
    let starting = 0
    const begin = async () => {
      starting++
      if (starting === 2) all.open()
      await all.opened
    }
    const engines = new Map([HANDLER, 'other'].map((id) => [id, new HeldEngine(begin)]))
    const world = new World()
    const { poller } = await world.member({ engines })
    await poller.start()
    await world.settled(poller.stop())
  })

  it('whose one engine fails says so once no other is still starting', limits, async () => {
    const held = gate()
    const failing = new HeldEngine(() => Promise.reject(new Error('no thread')))
    const slow = new HeldEngine(() => held.opened)
    const world = new World()
    const { poller } = await world.member({
      engines: new Map([
        [HANDLER, failing],
        ['other', slow],
      ]),
    })
    let isTold = false
    const starting = poller.start().finally(() => {
      isTold = true
    })
    starting.catch(() => {})
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(isTold, false)
    held.open()
    await assert.rejects(starting, /no thread/)
    await world.settled(poller.stop())
  })

  it(
    'a group that is stopped while an engine comes up that never would closes it, and subscribes to nothing',
    limits,
    async () => {
      const held = gate()
      class HungEngine extends HeldEngine {
        override async close(): Promise<void> {
          held.open()
          await super.close()
        }
      }
      const world = new World()
      let hasSubscribed = false
      const { poller } = await world.member({
        engines: new Map([[HANDLER, new HungEngine(() => held.opened)]]),
        around: (client) => {
          client.subscribe = async () => {
            hasSubscribed = true
          }
          return client
        },
      })
      const starting = poller.start()
      await world.settled(poller.stop())
      await starting
      assert.equal(hasSubscribed, false)
    },
  )
})

describe('a group that ends', () => {
  it('polls no more, though its client cannot be closed', limits, async () => {
    const world = new World()
    let polls = 0
    const { poller } = await world.member({
      around: (client) => {
        const poll = client.poll.bind(client)
        const close = client.close.bind(client)
        client.poll = (...parts) => {
          polls++
          return poll(...parts)
        }
        client.close = async () => {
          await close()
          throw new Error('the socket is gone')
        }
        return client
      },
    })
    await poller.start()
    await assert.rejects(world.settled(poller.stop()), /the socket is gone/)
    const before = polls
    await world.pass(200)
    assert.equal(polls, before)
  })
})
