/**
 * An answer to a heartbeat that never comes. librdkafka does not ask for it again, so a partition would stand without an end: findings/librdkafka-lost-heartbeat.sh shows it
 * without us.
 */
import assert from 'node:assert/strict'
import { after, describe, it, type TestContext } from 'node:test'
import type { ConsumerOptions, ViewedConnection } from '../../framework/kafka/kafka-client.ts'
import { connectUnderTest, skipWithout } from '../client-under-test.ts'
import { recordedLog } from '../unit/kafka/recorded-log.ts'
import { BrokerProxy } from './broker-proxy.ts'
import { startKafka } from './kafka-harness.ts'
import { PolledReader } from './polled-reader.ts'
import { Scenario } from './scenario.ts'

const proxy = await BrokerProxy.open()
const cluster = await startKafka({ listeners: { BEHIND: 'PLAINTEXT' }, advertised: { BEHIND: proxy.address } })
if (cluster.controllable) proxy.leadTo(cluster.brokersAt('BEHIND'))
after(async () => {
  proxy.close()
  await cluster.stop()
  // A native consumer that could not be closed in time is left behind, and can keep the process for as long as it likes; what is tested has ended.
  setTimeout(() => process.exit(), 15_000).unref()
})

/** Three looks at the group, 8 s apart, come first. */
const LIMIT_MS = 120_000

const LATE = 'the group has answered a heartbeat too late'
const DISAGREE = 'this member and its group do not agree'

class Scene {
  readonly readers: PolledReader[] = []
  readonly lines = recordedLog()
  readonly #t: TestContext
  readonly #topic: string
  readonly #partitions: number
  readonly #connections: ViewedConnection[] = []

  private constructor(t: TestContext, topic: string, partitions: number) {
    this.#t = t
    this.#topic = topic
    this.#partitions = partitions
  }

  static async open(t: TestContext, topic: string, partitions: number): Promise<Scene> {
    const scene = new Scene(t, topic, partitions)
    const connection = await scene.#connect(cluster.brokers)
    await connection.createTopics([topic], partitions)
    return scene
  }

  /** @param at `proxy`: answers to it can be lost */
  async join(at: 'broker' | 'proxy', options: Partial<ConsumerOptions> = {}): Promise<PolledReader> {
    const connection = await this.#connect(at === 'proxy' ? proxy.address : cluster.brokers)
    const reader = await PolledReader.join(this.#t, connection, this.#topic, options)
    this.readers.push(reader)
    return reader
  }

  /** One into each partition. */
  async write(): Promise<void> {
    const producer = await this.#connections[0]!.producer()
    const of = { topic: this.#topic, key: null, value: Buffer.from('new'), headers: [] }
    await Promise.all(
      Array.from({ length: this.#partitions }, (_, partition) => producer.produce({ ...of, partition })),
    )
    await producer.close(5_000)
  }

  /** Polls all of them, or those that are given. */
  async until(what: string, isSo: () => boolean, readers: readonly PolledReader[] = this.readers): Promise<void> {
    const end = performance.now() + LIMIT_MS
    while (!isSo()) {
      assert.ok(performance.now() < end, `not within ${LIMIT_MS} ms: ${what}`)
      for (const each of readers) await each.poll()
    }
  }

  wasCured(why: RegExp): void {
    const told = this.warned(DISAGREE).map((fields) => ('why' in fields ? String(fields.why) : ''))
    assert.equal(told.length, 1)
    assert.match(told[0] ?? '', why)
  }

  warned(start: string): readonly object[] {
    return this.lines.lines
      .filter(({ level, message }) => level === 'warn' && message.startsWith(start))
      .map(({ fields }) => fields)
  }

  async close(): Promise<void> {
    await Promise.all(this.readers.map((each) => each.close()))
    await Promise.all(this.#connections.map((each) => each.close()))
  }

  async #connect(brokers: string): Promise<ViewedConnection> {
    const connection = await connectUnderTest({ brokers, clientId: 'late', log: this.lines.log })
    this.#connections.push(connection)
    return connection
  }
}

/** The next answer that gives an assignment is lost. */
function loseAssignment(): { readonly isLost: boolean } {
  const loss = { isLost: false }
  void proxy
    .spoil('ConsumerGroupHeartbeat', () => Buffer.alloc(0), 1, givesAssignment)
    .done.then(() => {
      loss.isLost = true
    })
  return loss
}

/** Behind length, correlation and tags: throttle time, error and its message, member, epoch, heartbeat interval, assignment (KIP-848). */
function givesAssignment(answer: Buffer): boolean {
  const behindMessage = skipString(answer, 15)
  return answer[skipString(answer, behindMessage) + 8] === 1
}

/** A compact one of up to 126 bytes. */
function skipString(bytes: Buffer, at: number): number {
  return at + Math.max(bytes[at] ?? 0, 1)
}

const skip = !cluster.controllable || skipWithout('a cure for late answers')

describe('an answer to a heartbeat that is lost', { skip, timeout: 480_000 }, () => {
  it('keeps no partition from the next member that the group has given it to', async (t) => {
    const scene = await Scene.open(t, 'give', 2)
    const a = await scene.join('proxy')
    await scene.until('a has both', () => a.owned.length === 2)
    const loss = loseAssignment()
    const b = await scene.join('broker')
    await scene.until('the answer is lost', () => loss.isLost)
    await scene.until('each has one', () => a.owned.length === 1 && b.owned.length === 1)
    assert.ok(!a.story.includes('lost'), 'it gives them up in order')
    scene.wasCured(/^holds what the group wants back: give\[[01]\]$/)
    await scene.write()
    await scene.until('both read', () => [a, b].every(({ records }) => records.length === 1))
    await scene.close()
  })

  it('leaves no partition unread that the group has given to a member', async (t) => {
    const scene = await Scene.open(t, 'gain', 6)
    const [a, b] = [await scene.join('broker'), await scene.join('broker')]
    await scene.until('three for each', () => a.owned.length === 3 && b.owned.length === 3)
    const c = await scene.join('proxy')
    // So that what the other gives up comes second, in an answer of its own.
    await scene.until('c has one', () => c.owned.length === 1, [a, c])
    const loss = loseAssignment()
    await scene.until('the answer is lost', () => loss.isLost)
    await scene.write()
    await scene.until('c has two', () => c.owned.length === 2)
    const read = () => new Set(scene.readers.flatMap(({ records }) => records.map(({ partition }) => partition)))
    await scene.until('all is read', () => read().size === 6)
    assert.ok(!c.story.includes('lost'))
    scene.wasCured(/^does not read what the group has given it: gain\[[0-5]\]$/)
    await scene.close()
  })

  it('repeats no record and loses none, under load: what is in flight ends and is committed before the member joins again', async (t) => {
    const scenario = await Scenario.open(t, cluster, { partitions: 4 }, { behaviour: { takesMs: [5, 50] } })
    const load = scenario.load(200, 100)
    const a = await scenario.start({ brokers: proxy.address })
    await scenario.untilProgress(200)
    const loss = loseAssignment()
    const b = await scenario.start()
    await scenario.untilShared(4)
    assert.ok(loss.isLost)
    await scenario.untilProgress(100, [a])
    await scenario.untilProgress(100, [b])
    await load.stop()
    const { repeats, leftBehind, overlaps } = await scenario.finish()
    assert.deepEqual({ repeats, leftBehind, overlaps }, { repeats: 0, leftBehind: 0, overlaps: 0 })
    assert.equal(a.logged(`${DISAGREE}: it leaves the group and joins again`).length, 1)
  })

  it('is only told of a member with a static name', async (t) => {
    const scene = await Scene.open(t, 'told', 2)
    const a = await scene.join('proxy', { instanceId: 'a' })
    await scene.until('a has both', () => a.owned.length === 2)
    const loss = loseAssignment()
    await scene.join('broker')
    const told = `${LATE}: if a partition stands from now on, start this member again`
    await scene.until('it is told', () => scene.warned(told).length > 0)
    assert.ok(loss.isLost)
    await scene.close()
  })
})
