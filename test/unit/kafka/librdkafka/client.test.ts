/** What is said where the native client is missing, and which librdkafka properties a user may not set. Needs no native client. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connectLibrdkafka, loadLibrdkafka } from '../../../../framework/kafka/librdkafka/client.ts'
import {
  commonConfig,
  consumerConfig,
  maxRecordBytes,
  producerConfig,
  revokeLimitMs,
} from '../../../../framework/kafka/librdkafka/settings.ts'
import { ownedProperties } from '../../../../framework/kafka/owned-properties.ts'
import type { PyrallelError } from '../../../../framework/model/errors.ts'
import type { WireSettings } from '../../../../framework/model/settings.ts'
import { recordedLog } from '../recorded-log.ts'

const options = { brokers: 'b:9092', clientId: 'me', groupProtocol: 'consumer', log: recordedLog().log } as const
const group = { group: 'g', startFrom: 'earliest' } as const

function assertHas(config: Readonly<Record<string, unknown>>, wanted: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(wanted)) assert.equal(config[name], value, name)
}

describe('loading the native client', () => {
  it('says why it cannot be loaded and what to run, in one message', async () => {
    const load = () =>
      Promise.reject(new Error("Cannot find module 'confluent-kafka-javascript.node'\nRequire stack: ..."))
    await assert.rejects(connectLibrdkafka(options, load), (error: PyrallelError) => {
      assert.equal(error.code, 'PYR_NATIVE_MISSING')
      assert.match(error.message, /confluent-kafka-javascript\.node/)
      assert.match(error.message, /npm run setup/)
      // npm has removed the package whose install script failed, so that there is nothing to rebuild.
      assert.match(error.message, /`CKJS_LINKING=dynamic npm install`/)
      assert.doesNotMatch(error.message, /\n/)
      return true
    })
  })

  it('is not tried before somebody connects', async () => {
    let loads = 0
    const load = async () => {
      loads++
      return {}
    }
    await assert.rejects(connectLibrdkafka({ ...options, librdkafka: { 'group.id': 'x' } }, load))
    assert.equal(loads, 0)
    await loadLibrdkafka(load)
    assert.equal(loads, 1)
  })
})

describe('the librdkafka passthrough', () => {
  for (const key of Object.keys(ownedProperties)) {
    it(`refuses ${key}, and says what to do instead`, async () => {
      const connected = connectLibrdkafka({ ...options, librdkafka: { [key]: 'x' } }, async () => ({}))
      await assert.rejects(connected, { code: 'PYR_CONFIG_INVALID', message: new RegExp(`'${key}'.*: .+`) })
    })
  }

  it('reaches consumers and producers, and wins over our own choices', () => {
    const librdkafka = { 'security.protocol': 'ssl', 'linger.ms': 50, 'partition.assignment.strategy': 'range' }
    const classic = { ...options, groupProtocol: 'classic', librdkafka } as const
    assert.equal(consumerConfig(classic, group)['security.protocol'], 'ssl')
    assert.equal(consumerConfig(classic, group)['partition.assignment.strategy'], 'range')
    assert.equal(producerConfig(classic)['linger.ms'], 50)
  })

  it('is refused where it says otherwise than an option of the connection, and taken where it says the same', async () => {
    const connect = (wire: WireSettings, librdkafka: Readonly<Record<string, unknown>>) =>
      connectLibrdkafka({ ...options, ...wire, librdkafka }, async () => ({}))
    await assert.rejects(connect({ fetch: { maxBytesPerPartition: 2_048 } }, { 'fetch.message.max.bytes': 4_096 }), {
      code: 'PYR_CONFIG_INVALID',
      message:
        "option kafka.librdkafka['fetch.message.max.bytes'] is 4096, but kafka.fetch.maxBytesPerPartition says 2048. Take it out.",
    })
    await connect({ keepAlive: true }, { 'socket.keepalive.enable': 'true' })
    await connect({}, { 'socket.keepalive.enable': false })
  })

  it('decides how long a revoke may stay unanswered', () => {
    assert.equal(revokeLimitMs(options), 240_000)
    assert.equal(revokeLimitMs({ ...options, librdkafka: { 'max.poll.interval.ms': 10_000 } }), 8_000)
  })

  it('decides how large a record may be', () => {
    assert.equal(maxRecordBytes(options), 1_000_000)
    assert.equal(maxRecordBytes({ ...options, librdkafka: { 'message.max.bytes': '5000' } }), 5_000)
  })
})

describe('the configuration', () => {
  it('never lets librdkafka commit by itself', () => {
    const config = consumerConfig(options, group)
    assert.deepEqual([config['enable.auto.commit'], config['enable.auto.offset.store']], [false, false])
  })

  it('names an assignment strategy for the classic protocol only, where it is cooperative', () => {
    assert.equal(consumerConfig(options, group)['partition.assignment.strategy'], undefined)
    const classic = consumerConfig({ ...options, groupProtocol: 'classic' }, group)
    assert.equal(classic['partition.assignment.strategy'], 'cooperative-sticky')
  })

  it('asks for the partitions of its topics every five seconds where the members must see by themselves that some were added', () => {
    const interval = 'topic.metadata.refresh.interval.ms'
    const classic = { ...options, groupProtocol: 'classic' } as const
    assert.equal(consumerConfig(classic, group)[interval], 5_000)
    assert.equal(consumerConfig(options, group)[interval], undefined)
    assert.equal(consumerConfig({ ...classic, librdkafka: { [interval]: 300_000 } }, group)[interval], 300_000)
  })

  it('asks a classic group for its session time-out, with three heartbeats in it, and leaves both to the broker in the new protocol', () => {
    const classic = { ...options, groupProtocol: 'classic' } as const
    const timesOf = (of: Parameters<typeof consumerConfig>[0]) => {
      const config = consumerConfig(of, group)
      return [config['session.timeout.ms'], config['heartbeat.interval.ms']]
    }
    assert.deepEqual(timesOf(classic), [45_000, 3_000])
    assert.deepEqual(timesOf({ ...classic, sessionTimeoutMs: 6_000 }), [6_000, 2_000])
    assert.deepEqual(timesOf({ ...options, groupProtocol: 'consumer', sessionTimeoutMs: 6_000 }), [
      undefined,
      undefined,
    ])
  })

  it('carries what the consumer and the connection were asked for', () => {
    const config = consumerConfig(
      { ...options, fetch: { maxWaitMs: 7 } },
      { ...group, startFrom: 'latest', instanceId: 'one' },
    )
    assert.equal(config['group.id'], 'g')
    assert.equal(config['group.instance.id'], 'one')
    assert.equal(config['fetch.wait.max.ms'], 7)
    assert.equal(config['client.id'], 'me')
    assert.equal(config['bootstrap.servers'], 'b:9092')
  })

  it('fetches, waits, compresses and looks after silent connections as the options say', () => {
    const wire: WireSettings = {
      fetch: { minBytes: 10, maxWaitMs: 700, maxBytes: 2_000_000, maxBytesPerPartition: 65_536 },
      requestTimeoutMs: 20_000,
      connectTimeoutMs: 5_000,
      keepAlive: true,
      rack: 'eu-1a',
      compression: 'lz4',
    }
    const ofConnection = {
      'client.rack': 'eu-1a',
      'socket.timeout.ms': 20_000,
      'socket.connection.setup.timeout.ms': 5_000,
      'socket.keepalive.enable': true,
    }
    const ofFetch = {
      'fetch.min.bytes': 10,
      'fetch.wait.max.ms': 700,
      'fetch.max.bytes': 2_000_000,
      'max.partition.fetch.bytes': 65_536,
    }
    assertHas(consumerConfig({ ...options, ...wire }, group), { ...ofConnection, ...ofFetch })
    for (const config of [commonConfig({ ...options, ...wire }), producerConfig({ ...options, ...wire })]) {
      assertHas(config, ofConnection)
      for (const name of Object.keys(ofFetch)) assert.equal(Object.hasOwn(config, name), false, name)
    }
    assertHas(producerConfig({ ...options, ...wire }), { 'compression.codec': 'lz4' })
    for (const config of [commonConfig({ ...options, ...wire }), consumerConfig({ ...options, ...wire }, group)])
      assert.equal(Object.hasOwn(config, 'compression.codec'), false)
    for (const name of Object.keys({ ...ofConnection, ...ofFetch }))
      assert.equal(Object.hasOwn(consumerConfig(options, group), name), false, name)
  })

  it('leaves to the passthrough what that has under another of its names', () => {
    const librdkafka = { 'fetch.message.max.bytes': 5_000, 'socket.keepalive.enable': false }
    const wire: WireSettings = { fetch: { maxBytesPerPartition: 65_536 }, keepAlive: true }
    const config = consumerConfig({ ...options, ...wire, librdkafka }, group)
    assertHas(config, librdkafka)
    assert.equal(Object.hasOwn(config, 'max.partition.fetch.bytes'), false)
  })

  it('never skips to the end of a log because a position is outside it, wherever new groups start', () => {
    for (const startFrom of ['earliest', 'latest'] as const) {
      assert.equal(consumerConfig(options, { ...group, startFrom })['auto.offset.reset'], 'earliest')
    }
  })

  it('produces idempotently, and partitions as the Java client does', () => {
    const config = producerConfig(options)
    assert.deepEqual([config['enable.idempotence'], config.partitioner], [true, 'murmur2_random'])
  })
})
