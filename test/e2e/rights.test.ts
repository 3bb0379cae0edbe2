/** The rights that `rights.sh` of the manifests grants, on Apache Kafka: with just these all works, and without each of them somebody is told which it is. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Right, rightsOf } from '../../cli/manifests/rights.ts'
import type { PyrallelConfig } from '../../framework/config/config.ts'
import { resolveConfig } from '../../framework/config/resolve-config.ts'
import { DeadLetter, handler, type Pyrallel, startPyrallel } from '../../framework/index.ts'
import type { ViewedConnection } from '../../framework/kafka/kafka-client.ts'
import type { RuntimeEvent } from '../../framework/model/events.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { checkTopics } from '../../framework/runtime/open-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import type { RegisteredHandler } from '../../framework/runtime/runtime.ts'
import { connectUnderTest } from '../client-under-test.ts'
import { clientUnderTest } from '../test-client.ts'
import { allow, type Grant } from './kafka-acls.ts'
import { startKafka } from './kafka-harness.ts'

const external = process.env.PYRALLEL_TEST_BROKERS !== undefined
const password = 'secret-of-all'
const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

const deployed = { id: 'pay', topic: 'orders', group: 'shop', deadLetterTopic: 'orders.shop.dlq', publishes: ['paid'] }
const needed = rightsOf({ handlers: [deployed], exactlyOnce: false })
const grantOf = ({ on, name, operation }: Right): Grant => ({
  ...{ on, name },
  operation: operation === 'Read' ? 'read' : 'write',
})
/** Users who lack one right each, one who lacks none, and one who may see what it may not read. */
const userWithout = (right: Right) => `without-${needed.indexOf(right)}`
const users = ['all', 'sees', ...needed.map(userWithout)]

const cluster = await startKafka({
  listeners: { APP: 'SASL_PLAINTEXT' },
  config: {
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    // Over the plain listener: the broker itself, and this test. Everybody else may do what is allowed.
    'super.users': 'User:ANONYMOUS',
    'listener.name.app.sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.app.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required ${users.map((user) => `user_${user}="${password}"`).join(' ')};`,
  },
})
after(() => cluster.stop())

const routes: readonly RegisteredHandler[] = [
  {
    ...{ id: 'pay', file: 'handlers/pay.ts', topic: 'orders', group: null },
    handler: handler<string>('orders', { retry: { attempts: 1 } }, async ({ value }, { publish }) => {
      if (value === 'dead') throw new DeadLetter('no order')
      await publish('paid', value)
    }),
  },
]

/** What an app of this user has logged as a warning or worse, and a promise for words in it. */
function listening() {
  const told: string[] = []
  const watchers = new Set<() => void>()
  const write = (fields: object, message: string) => {
    told.push(JSON.stringify({ message, ...fields }, (_key, value) => (value instanceof Error ? value.message : value)))
    for (const watch of watchers) watch()
  }
  const log: Logger = { debug() {}, info() {}, warn: write, error: write, child: () => log }
  const seen = (words: string) =>
    new Promise<void>((resolve) => {
      const watch = () => told.some((line) => line.includes(words)) && resolve()
      watchers.add(watch)
      watch()
    })
  return { log, told, seen }
}

function configOf(user: string): PyrallelConfig {
  return {
    ...{ group: 'shop', shutdown: { drain: '1s' } },
    kafka: {
      ...{ brokers: [cluster.brokersAt('APP')], client: clientUnderTest },
      security: { sasl: { mechanism: 'PLAIN', username: user, password } },
    },
  }
}

async function start(user: string, log: Logger, onEvent: (event: RuntimeEvent) => void = () => {}): Promise<Pyrallel> {
  return startPyrallel({ config: configOf(user), routes, log, onEvent, env: {} })
}

/** As the Job of the manifests does: `node server.mjs --check`. */
async function check(user: string): Promise<void> {
  const config = resolveConfig(configOf(user), 'pyrallel.config.ts')
  await checkTopics(config, { handlers: resolveHandlers(routes, config), log: quiet })
}

describe('rights of a principal', { skip: external, timeout: 45_000 }, () => {
  let admin: ViewedConnection
  before(async () => {
    admin = await connectUnderTest({ brokers: cluster.brokers, clientId: 'admin', librdkafka: {}, log: quiet })
    await admin.createTopics(['orders', 'orders.shop.dlq', 'paid'], 1)
    for (const user of users) {
      const granted = needed.filter(
        (right) => userWithout(right) !== user && !(user === 'sees' && right.name === 'orders'),
      )
      await allow(cluster.brokers, `User:${user}`, granted.map(grantOf))
    }
    await allow(cluster.brokers, 'User:sees', [{ on: 'topic', name: 'orders', operation: 'describe' }])
  })
  after(() => admin.close())

  it('an app with just the rights of rights.sh starts, publishes, buries what is dead, commits and ends', async (t) => {
    const producer = await admin.producer()
    t.after(() => producer.close(1_000))
    for (const value of ['order', 'dead']) {
      await producer.produce({ topic: 'orders', key: null, value: Buffer.from(JSON.stringify(value)), headers: [] })
    }
    await check('all')
    const ended: string[] = []
    const { log, told } = listening()
    let onBoth = () => {}
    const both = new Promise<void>((resolve) => {
      onBoth = resolve
    })
    const app = await start('all', log, ({ kind }) => {
      if (kind === 'record.done' || kind === 'record.dead') ended.push(kind)
      if (ended.length === 2) onBoth()
    })
    await both
    await app.stop()
    assert.deepEqual(
      told.map((line) => JSON.parse(line).message),
      ['a record was given up: it is in the dead-letter topic'],
    )
    const [offset] = await admin.view.groupOffsets('shop')
    const [paid] = await admin.view.logs('paid')
    const [dead] = await admin.view.logs('orders.shop.dlq')
    assert.deepEqual([offset?.position, paid?.logEnd, dead?.logEnd], [2, 1, 1])
  })

  it('each right that is missing is named, with what it is on', async () => {
    const without = async (right: Right): Promise<void> => {
      const words = `${right.operation} on ${right.on} ${right.name}`
      const { log, seen } = listening()
      const starting = start(userWithout(right), log)
      // Without the right, nobody knows whether the topic is there: the start says so.
      if (right.on === 'topic' && right.name !== 'paid') {
        const isNamed = (error: Error) => error.message.includes(`lacks the right: ${words}.`)
        await Promise.all([assert.rejects(starting, isNamed), assert.rejects(check(userWithout(right)), isNamed)])
        return
      }
      const app = await starting
      app.failed.catch(() => {})
      try {
        if (right.on === 'group') await seen(`"right":"${words}"`)
        else
          await assert.rejects(app.publish('paid', 'x'), (error: Error) =>
            error.message.includes(`lacks the right ${words}`),
          )
      } finally {
        await app.stop()
      }
    }
    await Promise.all(needed.map(without))
  })

  it('a topic that may be seen and not read is named, too', async (t) => {
    const { log, seen } = listening()
    const app = await start('sees', log)
    t.after(() => app.stop())
    await seen('"right":"Read on topic orders"')
  })
})
