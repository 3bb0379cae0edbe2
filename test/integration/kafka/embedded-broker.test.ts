/** The embedded broker as a process: it starts, is found on its port, and never outlives the process that started it. Needs the native client. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type EmbeddedBroker, startEmbeddedBroker } from '../../../framework/kafka/embedded/embedded-broker.ts'
import { connectLibrdkafka, loadLibrdkafka } from '../../../framework/kafka/librdkafka/client.ts'
import { toError } from '../../../framework/model/errors.ts'
import type { Logger } from '../../../framework/model/logger.ts'
import { skipWithout } from '../../client-under-test.ts'
import { withoutNativeClient } from '../../unit/kafka/without-native-client.ts'
import { embeddedBrokerOf, noProcesses } from '../processes-in.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
const parentFile = fileURLToPath(new URL('./parent-of-broker.ts', import.meta.url))

const whyNot = await loadLibrdkafka().then(
  () => false as const,
  (thrown: unknown) => toError(thrown).message,
)
if (whyNot !== false) console.error(`The tests of the embedded broker do not run here. ${whyNot}`)

async function listens(brokers: string): Promise<boolean> {
  const [host, port] = brokers.split(':')
  const socket = connect(Number(port), host)
  const isOpen = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'close').then(() => false),
  ]).catch(() => false)
  socket.destroy()
  return isOpen
}

async function untilGone(brokers: string): Promise<void> {
  const until = Date.now() + 10_000
  while (await listens(brokers)) assert.ok(Date.now() < until, 'the broker still listens')
}

describe('embedded broker', { skip: whyNot || skipWithout('the process of the embedded broker') }, () => {
  let broker: EmbeddedBroker | undefined
  let parent: ChildProcess | undefined
  afterEach(async () => {
    await broker?.stop()
    broker = undefined
    if (parent?.exitCode === null) parent.kill('SIGKILL')
  })

  async function startParent(
    mode: 'wait' | 'end',
  ): Promise<{ readonly brokers: string; readonly ended: Promise<unknown> }> {
    const started = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), parentFile, mode], {
      stdio: ['ignore', 'pipe', 'inherit'],
      // A process group of its own, as a terminal's foreground job has.
      detached: true,
    })
    parent = started
    const ended = once(started, 'exit')
    const [line] = await once(started.stdout, 'data')
    return { brokers: String(line).trim(), ended }
  }

  it('listens on the loopback address, has the topics asked for, and is gone after stop, which may be called twice', async () => {
    broker = await startEmbeddedBroker({ log: quiet, topics: ['orders', 'invoices'] })
    assert.match(broker.brokers, /^127\.0\.0\.1:\d+$/)
    const connection = await connectLibrdkafka({ ...broker.connection, clientId: 'test', log: quiet })
    // Left open, it would keep this process for ever.
    const missing = await connection.missingTopics(['orders', 'invoices', 'other']).finally(() => connection.close())
    assert.deepEqual(missing, ['other'])
    await Promise.all([broker.stop(), broker.stop()])
    await untilGone(broker.brokers)
  })

  it('dies with a parent that is killed by SIGKILL', async () => {
    const { brokers, ended } = await startParent('wait')
    assert.ok(await listens(brokers))
    parent?.kill('SIGKILL')
    await ended
    await untilGone(brokers)
  })

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    it(`lives on when ${signal} reaches the whole process group, because its parent still needs it`, async () => {
      const { brokers } = await startParent('wait')
      assert.ok(parent?.pid !== undefined && parent.stdout !== null)
      const heard = once(parent.stdout, 'data')
      process.kill(-parent.pid, signal)
      assert.equal(String(await heard).trim(), signal)
      const connection = await connectLibrdkafka({ brokers, clientId: 'test', groupProtocol: 'consumer', log: quiet })
      await connection.check(5_000)
      await connection.close()
    })
  }

  it('does not keep a parent alive that forgets to stop it, and ends with it', async () => {
    const { brokers, ended } = await startParent('end')
    await ended
    await untilGone(brokers)
  })

  it('tells when it ends by itself, and how', { timeout: 60_000, skip: noProcesses }, async () => {
    broker = await startEmbeddedBroker({ log: quiet })
    const host = embeddedBrokerOf(process.pid)
    assert.ok(host !== undefined)
    // Its handle keeps no process, so that something else must while this waits.
    const stay = setInterval(() => {}, 1_000)
    process.kill(host, 'SIGKILL')
    const { code, message } = await broker.died.finally(() => clearInterval(stay))
    assert.equal(code, 'PYR_BROKER_UNREACHABLE')
    assert.equal(message, 'The embedded broker has died (SIGKILL); its records are gone.')
  })

  it('says so when the native client cannot be loaded', async (t) => {
    withoutNativeClient(t)
    await assert.rejects(startEmbeddedBroker({ log: quiet }), {
      code: 'PYR_NATIVE_MISSING',
      message: /cannot be loaded: Cannot find package '@confluentinc\/kafka-javascript'/,
    })
  })
})
