/** The end of a session: whichever step of it fails, all others are done, and what ended it is told first. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { LoadedApp } from '../../../../cli/dev/app/app-loader.ts'
import type { DevBroker } from '../../../../cli/dev/broker/open-broker.ts'
import { DevSession } from '../../../../cli/dev/dev-session.ts'
import type { PreparedDev } from '../../../../cli/dev/prepare-dev.ts'
import { failuresOf } from '../../../../cli/terminal/failure.ts'
import type { TrafficSource } from '../../../../framework/api/traffic.ts'
import { resolveConfig } from '../../../../framework/config/resolve-config.ts'
import type { ViewedConnection } from '../../../../framework/kafka/kafka-client.ts'
import { memoryCluster } from '../../../../framework/kafka/memory/client.ts'
import { PyrallelError, toError } from '../../../../framework/model/errors.ts'
import { systemClock } from '../../../../framework/time/clock.ts'
import { aHandler, gate } from '../../runtime/running-app.ts'
import { emptyFolder, testIo } from '../test-io.ts'

/** What closes something at the end of a session. */
const steps = ['loader', 'connection', 'broker', 'runtime', 'traffic'] as const
type Step = (typeof steps)[number]

const brokerDied = new PyrallelError('PYR_BROKER_UNREACHABLE', 'The embedded broker has died.')

const endless: TrafficSource = function* () {
  while (true) yield { topic: 'hello', value: 1 }
}

/** A session with everything that one can have. Its steps are written down when they are done, and those of `failing` reject. */
function aSession(failing: readonly Step[] = [], traffic: TrafficSource = endless) {
  const root = emptyFolder()
  const done: Step[] = []
  const step = async (name: Step) => {
    done.push(name)
    if (failing.includes(name)) throw new Error(`no ${name}`)
  }
  const app: LoadedApp = {
    project: {
      root,
      config: resolveConfig({ group: 'shop' }, 'x'),
      places: new Map(),
      declaredGroup: 'shop',
      warnings: [],
    },
    handlers: [aHandler('hello')],
    traffic,
    isFresh: false,
    generatedMs: 0,
    warnings: [],
  }
  const loader = { load: () => assert.fail(), watched: () => [], close: () => step('loader') }
  const prepared = { root, loader, app, trafficFile: 'traffic.ts', since: Date.now() } as unknown as PreparedDev
  const cluster = memoryCluster()
  const connection = (close: Step, producer?: Step): ViewedConnection => {
    const inner = cluster.connection()
    return {
      ...inner,
      close: () => step(close),
      producer: async () => {
        const made = await inner.producer()
        const closeProducer = made.close.bind(made)
        made.close = async (timeoutMs) => {
          await closeProducer(timeoutMs)
          if (producer !== undefined) await step(producer)
        }
        return made
      },
    }
  }
  let die: (error: PyrallelError) => void = () => {}
  const broker: DevBroker = {
    kind: 'memory',
    connection: connection('connection', 'traffic'),
    address: 'memory',
    fallback: undefined,
    created: [],
    died: new Promise((resolve) => {
      die = resolve
    }),
    connect: async () => connection('runtime'),
    stop: () => step('broker'),
  }
  let stop: (signal: NodeJS.Signals) => void = () => {}
  const first = new Promise<NodeJS.Signals>((resolve) => {
    stop = resolve
  })
  const handled = gate()
  const io = testIo(root)
  const stdout = {
    write: (text: string) => {
      io.stdout.write(text)
      if (text.includes('✓ ')) handled.open()
    },
  }
  const session = new DevSession(prepared, { broker: 'memory', seed: 1, rate: 100 }, { ...io, stdout }, systemClock())
  const signals = { first, onSecond: () => {}, raise: () => {}, close: () => {} }
  const ended = session.run(signals, async () => {
    await cluster.connection().createTopics(['hello'], 1)
    return broker
  })
  return { root, done, session, ended, handled: handled.opened, stop, die: () => die(brokerDied), out: io.out }
}

const messages = (thrown: unknown): readonly string[] => failuresOf(thrown).map((each) => toError(each).message)
const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => assert.fail('it did not reject'),
    (error) => error,
  )

describe('the end of a session of pyrallel dev', { timeout: 60_000 }, () => {
  it('takes every step, the first that was opened last', async () => {
    const { root, done, ended, handled, stop } = aSession()
    await handled
    assert.ok(existsSync(join(root, '.pyrallel/dev.json')))
    stop('SIGINT')
    assert.equal(await ended, 0)
    assert.deepEqual(done, ['traffic', 'runtime', 'connection', 'broker', 'loader'])
    assert.ok(!existsSync(join(root, '.pyrallel/dev.json')))
  })

  it('answers at the console while it runs, and not afterwards', async () => {
    const { root, ended, handled, stop, out } = aSession()
    await handled
    const [, address = ''] = /console (http:\/\/[\d.:]+)\//.exec(out()) ?? []
    const token = readFileSync(join(root, '.pyrallel/console-token'), 'utf8').trim()
    const headers = { authorization: `Bearer ${token}`, connection: 'close' }
    const ask = async (path: string) => (await fetch(`${address}/api${path}`, { headers })).json()
    const { metrics, verdict } = (await ask('/snapshot')) as { metrics: { state: string }; verdict: { kind: string } }
    assert.equal(metrics.state, 'running')
    assert.notEqual(verdict.kind, 'failed')
    const { handlers } = (await ask('/handlers')) as { handlers: readonly { handlerId: string }[] }
    assert.deepEqual(
      handlers.map(({ handlerId }) => handlerId),
      ['hello'],
    )
    stop('SIGINT')
    assert.equal(await ended, 0)
    await assert.rejects(fetch(`${address}/api`))
  })

  for (const failing of steps) {
    it(`takes every other step when one fails, and tells that behind what ended the session: ${failing}`, async () => {
      const { root, done, ended, handled, die } = aSession([failing])
      await handled
      die()
      const [first, second, ...others] = messages(await failureOf(ended))
      assert.equal(first, brokerDied.message)
      assert.match(second ?? '', new RegExp(`no ${failing}$`))
      assert.deepEqual(others, [])
      assert.deepEqual(new Set(done), new Set(steps))
      assert.ok(!existsSync(join(root, '.pyrallel/dev.json')))
    })
  }

  it('tells all that could not be closed', async () => {
    const { ended, handled, stop } = aSession(['loader', 'broker'])
    await handled
    stop('SIGINT')
    assert.deepEqual(messages(await failureOf(ended)), [
      'the broker could not be closed: no broker',
      'what was bundled could not be closed: no loader',
    ])
  })

  it('does not come with a traffic file that throws: that is told, and the handlers go on', async () => {
    const { ended, handled, stop, out } = aSession([], function* () {
      yield { topic: 'hello', value: 1 }
      throw new Error('no more')
    })
    await handled
    while (!out().includes('PYR_TRAFFIC')) await new Promise((resolve) => setImmediate(resolve))
    assert.match(out(), /traffic\.ts threw while it made record 2: Error: no more\n +The traffic waits for a save/)
    stop('SIGINT')
    assert.equal(await ended, 0)
  })

  it('is given up at once by a second signal, which leaves no .pyrallel/dev.json', async () => {
    const { root, session, ended, handled, stop } = aSession()
    await handled
    stop('SIGINT')
    session.abandon()
    assert.ok(!existsSync(join(root, '.pyrallel/dev.json')))
    await ended
  })
})
