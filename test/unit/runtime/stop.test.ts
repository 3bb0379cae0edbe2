/** The end of a runtime, in every state that it can be in: what is open is closed, in a time that is known before, and nothing begins afterwards. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { configDefaults } from '../../../framework/config/resolve-config.ts'
import type { KafkaConnection } from '../../../framework/kafka/kafka-client.ts'
import { memoryCluster } from '../../../framework/kafka/memory/client.ts'
import { PyrallelError } from '../../../framework/model/errors.ts'
import { createRuntime } from '../../../framework/runtime/create-runtime.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { recordedLog } from '../kafka/recorded-log.ts'
import { aHandler, gate } from './running-app.ts'

const limits = { timeout: 20_000 }
const DRAIN_MS = 4_000
/** What a stop may take beyond its drain. */
const SLACK_MS = 10_000

const steps = ['check', 'missingTopics', 'producer', 'consumer', 'subscribe', 'poll', 'close'] as const
type Step = (typeof steps)[number]

/** A runtime with groups `a` and `b`, whose connection stands still, or fails, at the step that the test names; time is the test's. */
function aRuntime() {
  const clock = new ManualClock()
  const cluster = memoryCluster({ clock })
  for (const topic of ['a', 'b', 'c']) cluster.createTopic(topic, 1)
  const inner = cluster.connection()
  const { log, lines } = recordedLog()
  const open: string[] = []
  const opened = (name: string) => {
    open.push(name)
    return () => {
      open.splice(open.indexOf(name), 1)
    }
  }
  let disturb: (step: Step, group: string) => unknown = () => {}
  const at = async (step: Step, group = '') => {
    await disturb(step, group)
  }
  const closeConnection = opened('connection')
  const connection: KafkaConnection = {
    ...inner,
    check: () => at('check'),
    missingTopics: async () => {
      await at('missingTopics')
      return []
    },
    producer: async () => {
      await at('producer')
      const producer = await inner.producer()
      const closed = opened('producer')
      return {
        produce: (record) => producer.produce(record),
        close: async () => {
          closed()
        },
      }
    },
    consumer: async (options) => {
      const { group } = options
      await at('consumer', group)
      const consumer = await inner.consumer(options)
      const closed = opened(`consumer of ${group}`)
      const { subscribe, poll, close } = {
        subscribe: consumer.subscribe.bind(consumer),
        poll: consumer.poll.bind(consumer),
        close: consumer.close.bind(consumer),
      }
      consumer.subscribe = async (...parts) => {
        await at('subscribe', group)
        await subscribe(...parts)
      }
      consumer.poll = async (...parts) => {
        await at('poll', group)
        return poll(...parts)
      }
      consumer.close = async () => {
        await at('close', group)
        closed()
        await close()
      }
      return consumer
    },
    close: async () => {
      closeConnection()
    },
  }
  const { limits: most, commit, shutdown } = configDefaults
  const runtime = createRuntime({
    connection,
    handlers: [aHandler('a', { group: 'a' }), aHandler('b', { group: 'b' })],
    startFrom: 'earliest',
    limits: most,
    commit,
    shutdown: { ...shutdown, drainMs: DRAIN_MS },
    log,
    clock,
  })
  /** Time passes until the promise has settled. @returns how much of it, in milliseconds */
  const passing = async (promise: Promise<unknown>): Promise<number> => {
    const from = clock.now()
    let isSettled = false
    const settled = () => {
      isSettled = true
    }
    promise.then(settled, settled)
    for (let turn = 0; !isSettled; turn++) {
      await new Promise((resolve) => setImmediate(resolve))
      if (turn % 4 === 3) clock.advance(50)
    }
    return clock.now() - from
  }
  return {
    runtime,
    open,
    lines,
    passing,
    /** Stands still at the step from now on, until the gate is opened. */
    holdAt: (step: Step, group = '') => {
      const reached = gate()
      const goesOn = gate()
      disturb = async (each, of) => {
        if (each !== step || (group !== '' && of !== group)) return
        reached.open()
        await goesOn.opened
      }
      return { reached: reached.opened, goOn: goesOn.open }
    },
    failAt: (step: Step, group: string, error: Error) => {
      disturb = (each, of) => {
        if (each === step && of === group) throw error
      }
    },
  }
}

const stopped = { code: 'PYR_CLIENT_CLOSED', message: /was stopped before this had ended/ }

describe('a runtime that is stopped', limits, () => {
  it('before it was started closes its connection, and cannot be started any more', async () => {
    const { runtime, open, passing } = aRuntime()
    await passing(runtime.stop())
    assert.deepEqual(open, [])
    await assert.rejects(runtime.start(), { code: 'PYR_CLIENT_CLOSED', message: /a runtime runs once\. Make another/ })
    assert.equal(runtime.snapshot().state, 'stopped')
  })

  it('cannot be started again, and begins nothing by the attempt', async () => {
    const { runtime, open, passing } = aRuntime()
    await runtime.start()
    await passing(runtime.stop())
    // The same start as before, which was done.
    await runtime.start()
    assert.deepEqual(open, [])
  })

  for (const step of ['check', 'missingTopics', 'producer', 'consumer', 'subscribe'] as const) {
    it(`while it starts, at ${step}, says so to who starts it, and leaves nothing open`, async () => {
      const { runtime, open, passing, holdAt } = aRuntime()
      const { reached, goOn } = holdAt(step)
      const starting = assert.rejects(runtime.start(), stopped)
      await reached
      const stopping = runtime.stop()
      assert.equal(runtime.snapshot().state, 'stopping')
      goOn()
      assert.ok((await passing(stopping)) < 1_000)
      await starting
      assert.deepEqual(open, [])
      assert.equal(runtime.snapshot().state, 'stopped')
    })
  }

  for (const step of ['check', 'missingTopics'] as const) {
    it(`while it starts, and ${step} is not answered, does not wait for the answer`, async () => {
      const { runtime, open, passing, holdAt } = aRuntime()
      const { reached, goOn } = holdAt(step)
      const starting = assert.rejects(runtime.start(), stopped)
      await reached
      const tookMs = await passing(runtime.stop())
      assert.ok(tookMs < 1_000, `${tookMs} ms`)
      await starting
      goOn()
      assert.deepEqual(open, [])
    })
  }

  for (const step of ['producer', 'consumer', 'subscribe'] as const) {
    it(`while it starts, and ${step} never ends, does not wait for it, and closes what it brings later`, async () => {
      const { runtime, open, passing, holdAt } = aRuntime()
      const { reached, goOn } = holdAt(step)
      const starting = assert.rejects(runtime.start(), stopped)
      await reached
      const tookMs = await passing(runtime.stop())
      assert.ok(tookMs >= 5_000 && tookMs < 6_000, `${tookMs} ms`)
      goOn()
      await passing(starting)
      assert.deepEqual(open, [])
    })
  }

  it('whose one group cannot be closed closes all else, and says why', async () => {
    const { runtime, open, passing, failAt } = aRuntime()
    await runtime.start()
    failAt('close', 'a', new Error('a will not go'))
    const stopping = assert.rejects(runtime.stop(), /a will not go/)
    await passing(stopping)
    assert.deepEqual(open, ['consumer of a'])
    assert.equal(runtime.snapshot().state, 'stopped')
  })

  it('whose one group never ends is over ten seconds after its drain, and says where it stood', async () => {
    const { runtime, lines, passing, holdAt } = aRuntime()
    await runtime.start()
    const { goOn } = holdAt('close', 'a')
    const tookMs = await passing(runtime.stop())
    assert.ok(tookMs >= DRAIN_MS + SLACK_MS && tookMs < DRAIN_MS + SLACK_MS + 1_000, `${tookMs} ms`)
    const told = lines.find(({ message }) => message.startsWith('stopping takes too long'))
    assert.deepEqual([told?.level, told?.fields], ['error', { waitedMs: DRAIN_MS + SLACK_MS, at: 'groups' }])
    goOn()
  })

  it('after it has failed by itself leaves nothing open', async () => {
    const { runtime, open, passing, failAt } = aRuntime()
    await runtime.start()
    failAt('poll', 'b', new PyrallelError('PYR_KAFKA', 'the member is fenced'))
    const failed = assert.rejects(runtime.failed, /fenced/)
    await passing(failed)
    assert.equal(runtime.snapshot().state, 'failed')
    await passing(runtime.stop())
    assert.deepEqual(open, [])
  })

  it('after a start that has failed leaves nothing open, and has no more to say', async () => {
    const { runtime, open, lines, passing, failAt } = aRuntime()
    failAt('subscribe', 'b', new Error('not for you'))
    await assert.rejects(runtime.start(), /not for you/)
    await passing(runtime.stop())
    assert.deepEqual(open, [])
    assert.ok(!lines.some(({ message }) => message === 'stopped'))
  })

  it('while an update opens a group leaves nothing open, and says so to who updates', async () => {
    const { runtime, open, passing, holdAt } = aRuntime()
    await runtime.start()
    const { reached, goOn } = holdAt('consumer', 'c')
    const updating = assert.rejects(runtime.update([aHandler('c', { group: 'c' })]), stopped)
    await passing(reached)
    const stopping = runtime.stop()
    goOn()
    await passing(stopping)
    await updating
    assert.deepEqual(open, [])
  })

  it('waits no longer for an update that hangs than for a start', async () => {
    const { runtime, passing, holdAt } = aRuntime()
    await runtime.start()
    const { reached, goOn } = holdAt('consumer', 'c')
    const updating = assert.rejects(runtime.update([aHandler('c', { group: 'c' })]), stopped)
    await passing(reached)
    const tookMs = await passing(runtime.stop())
    assert.ok(tookMs >= 5_000 && tookMs < 6_000, `${tookMs} ms`)
    goOn()
    await updating
  })

  it('a runtime that is stopped twice stops once', async () => {
    const { runtime, lines, passing } = aRuntime()
    await runtime.start()
    await passing(Promise.all([runtime.stop(), runtime.stop()]))
    assert.equal(lines.filter(({ message }) => message === 'stopped').length, 1)
  })
})

describe('an update that ends a group which cannot be closed', limits, () => {
  it('begins the groups that it has to all the same, says why, and leaves none in the books that does not run', async () => {
    const { runtime, passing, failAt } = aRuntime()
    await runtime.start()
    failAt('close', 'a', new Error('a will not go'))
    const b = aHandler('b', { group: 'b' })
    const c = aHandler('c', { group: 'c' })
    const updating = assert.rejects(runtime.update([b, c]), /a will not go/)
    await passing(updating)
    assert.deepEqual(
      runtime.snapshot().groups.map(({ group }) => group),
      ['b', 'c'],
    )
    await passing(runtime.stop())
  })
})
