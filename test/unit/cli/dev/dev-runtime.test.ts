/** The runtime of `pyrallel dev` when it is stopped while it begins: whichever step it is at, nothing is left. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LoadedApp } from '../../../../cli/dev/app/app-loader.ts'
import type { DevBroker } from '../../../../cli/dev/broker/open-broker.ts'
import { TopicMaker } from '../../../../cli/dev/broker/topic-maker.ts'
import { DevRuntime } from '../../../../cli/dev/dev-runtime.ts'
import { Faults } from '../../../../cli/dev/faults/faults.ts'
import { DevRegistry } from '../../../../cli/dev/registry/dev-registry.ts'
import { resolveConfig } from '../../../../framework/config/resolve-config.ts'
import { StrayFaults } from '../../../../framework/execution-plane/engines/stray-faults.ts'
import type { ViewedConnection } from '../../../../framework/kafka/kafka-client.ts'
import { memoryCluster } from '../../../../framework/kafka/memory/client.ts'
import { WatchPoint } from '../../../../framework/model/record-watch.ts'
import { systemClock } from '../../../../framework/time/clock.ts'
import { recordedLog } from '../../kafka/recorded-log.ts'
import { aHandler, gate } from '../../runtime/running-app.ts'

const config = resolveConfig({ group: 'shop' }, 'x')
const app: LoadedApp = {
  project: { root: '/', config, places: new Map(), declaredGroup: 'shop', warnings: [] },
  handlers: [aHandler('hello')],
  traffic: undefined,
  isFresh: false,
  generatedMs: 0,
  warnings: [],
}

/** Steps of a start at which it can be held up. */
type Step = 'createTopics' | 'connect' | 'check' | 'producer' | 'consumer' | 'close'

/** A broker that stands still at one step until it is let go on, and counts what is open. */
function aBroker(step: Step) {
  const cluster = memoryCluster()
  const reached = gate()
  const goesOn = gate()
  const open = { connections: 0, consumers: 0 }
  const at = async (here: Step) => {
    if (here !== step) return
    reached.open()
    await goesOn.opened
  }
  const connection = (): ViewedConnection => {
    const inner = cluster.connection()
    return {
      ...inner,
      check: () => at('check'),
      createTopics: async (topics, partitions) => {
        await at('createTopics')
        await inner.createTopics(topics, partitions)
      },
      producer: async () => {
        await at('producer')
        return inner.producer()
      },
      consumer: async (options) => {
        await at('consumer')
        const consumer = await inner.consumer(options)
        open.consumers++
        const close = consumer.close.bind(consumer)
        consumer.close = async (...parts) => {
          await at('close')
          open.consumers--
          await close(...parts)
        }
        return consumer
      },
      close: async () => {
        open.connections--
      },
    }
  }
  const broker: DevBroker = {
    kind: 'memory',
    connection: connection(),
    address: 'memory',
    fallback: undefined,
    created: [],
    died: new Promise(() => {}),
    connect: async () => {
      await at('connect')
      open.connections++
      return connection()
    },
    stop: async () => {},
  }
  return { broker, open, reached, goesOn }
}

const noFaults = () => new StrayFaults({ log: recordedLog().log, onException: (error) => assert.fail(error) })

describe('DevRuntime', () => {
  for (const step of ['createTopics', 'connect', 'check', 'producer', 'consumer'] as const) {
    it(`leaves nothing open when it is stopped while it starts, at ${step}`, async () => {
      const { broker, open, reached, goesOn } = aBroker(step)
      const runtime = new DevRuntime({
        broker,
        topics: new TopicMaker(),
        registry: new DevRegistry(),
        observer: { onStart() {}, onEnd() {}, onPublish() {} },
        logOf: () => recordedLog().log,
        clock: systemClock(),
        strayFaults: noFaults(),
        onEvent: () => {},
        onGroupEvent: () => {},
        watchPoint: new WatchPoint(),
        faults: new Faults(systemClock()),
        onFailed: (error) => assert.fail(String(error)),
      })
      const starting = runtime.start(app)
      await reached.opened
      let hasStopped = false
      const stopping = runtime.stop().then(() => {
        hasStopped = true
      })
      await new Promise((resolve) => setImmediate(resolve))
      // An answer that brokers owe is not waited for: they may be gone.
      assert.equal(hasStopped, step === 'check')
      goesOn.open()
      await stopping
      await starting
      assert.deepEqual(open, { connections: 0, consumers: 0 })
    })
  }

  it('waits, when it is stopped during a reload, for the runtime that the reload ends, and begins no other', async () => {
    const { broker, open, reached, goesOn } = aBroker('close')
    const runtime = new DevRuntime({
      broker,
      topics: new TopicMaker(),
      registry: new DevRegistry(),
      observer: { onStart() {}, onEnd() {}, onPublish() {} },
      logOf: () => recordedLog().log,
      clock: systemClock(),
      strayFaults: noFaults(),
      onEvent: () => {},
      onGroupEvent: () => {},
      watchPoint: new WatchPoint(),
      faults: new Faults(systemClock()),
      onFailed: (error) => assert.fail(String(error)),
    })
    await runtime.start(app)
    const changed = resolveConfig({ group: 'shop', limits: { maxRecords: 1_000 } }, 'x')
    const reloading = runtime.apply({ ...app, project: { ...app.project, config: changed } })
    await reached.opened
    let hasStopped = false
    const stopping = runtime.stop().then(() => {
      hasStopped = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(hasStopped, false)
    goesOn.open()
    await stopping
    await reloading
    assert.deepEqual(open, { connections: 0, consumers: 0 })
  })
})
