/** How a runtime with several groups starts: what takes long is waited for at once, and a failure leaves nothing behind. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { KafkaConnection } from '../../../framework/kafka/kafka-client.ts'
import { type MemoryCluster, memoryCluster } from '../../../framework/kafka/memory-client.ts'
import { createRuntime } from '../../../framework/runtime/create-runtime.ts'
import { configDefaults } from '../../../framework/runtime/resolve-config.ts'
import type { Runtime } from '../../../framework/runtime/runtime.ts'
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

function aRuntime(connection: KafkaConnection, cluster: MemoryCluster): Runtime {
  for (const topic of groups) cluster.createTopic(topic)
  const { limits: most, commit, shutdown } = configDefaults
  return createRuntime({
    connection,
    handlers: groups.map((group) => aHandler(group, { group })),
    startFrom: 'earliest',
    limits: most,
    commit,
    lifecycle: shutdown,
    log: recordedLog().log,
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
})
