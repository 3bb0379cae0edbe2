/** Which client a connection is made with, and what is said where a library is missing. Loads none. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { configDefaults } from '../../../../framework/config/resolve-config.ts'
import {
  connectionSettings,
  connectKafka,
  type KafkaConnectionOptions,
} from '../../../../framework/kafka/clients/connect-kafka.ts'
import { LIBRARY_VERSION } from '../../../../framework/kafka/javascript/client.ts'
import { JavascriptConnection } from '../../../../framework/kafka/javascript/connection.ts'
import { LibrdkafkaConnection } from '../../../../framework/kafka/librdkafka/connection.ts'
import { recordedLog } from '../recorded-log.ts'

const noNative = new Error("Cannot find module 'confluent-kafka-javascript.node'\nRequire stack: ...")
const noLibrary = new Error("Cannot find package '@platformatic/kafka'")

/** @param there the libraries that load */
async function connect(wish: Partial<KafkaConnectionOptions>, there: readonly ('librdkafka' | 'javascript')[]) {
  const { log, lines } = recordedLog()
  const loaded: string[] = []
  const loading = (name: 'librdkafka' | 'javascript', missing: Error) => async () => {
    loaded.push(name)
    if (!there.includes(name)) throw missing
    return {}
  }
  const options = { brokers: 'b:9092', clientId: 'me', groupProtocol: 'consumer', log, ...wish } as const
  const loaders = { librdkafka: loading('librdkafka', noNative), javascript: loading('javascript', noLibrary) }
  const connection = await connectKafka(options, loaders).catch((thrown: Error) => thrown)
  return { connection, loaded, lines }
}

const both = ['librdkafka', 'javascript'] as const

describe('what the config says of a connection', () => {
  it('gives way to the passthrough where it is a default, and stays where both say the same', () => {
    const librdkafka = { 'fetch.min.bytes': 9, 'socket.keepalive.enable': false, 'client.rack': 'a' }
    const { fetch, keepAlive, rack } = connectionSettings({ ...configDefaults.kafka, rack: 'a', librdkafka })
    assert.deepEqual([fetch?.minBytes, keepAlive, rack], [undefined, undefined, 'a'])
    assert.equal(fetch?.maxWaitMs, configDefaults.kafka.fetch.maxWaitMs)
  })
})

describe('the choice of a Kafka client', () => {
  it('is librdkafka where it loads, and no other is loaded then', async () => {
    for (const wish of [{}, { client: 'auto' }, { client: 'librdkafka' }] as const) {
      const { connection, loaded, lines } = await connect(wish, both)
      assert.ok(connection instanceof LibrdkafkaConnection)
      assert.deepEqual(loaded, ['librdkafka'])
      assert.deepEqual(lines, [])
    }
  })

  it("by 'auto' is the one in JavaScript where the native one does not load, which one line of the log says", async () => {
    const { connection, lines } = await connect({ client: 'auto' }, ['javascript'])
    assert.ok(connection instanceof JavascriptConnection)
    assert.deepEqual(
      lines.map(({ level, message }) => [level, message]),
      [['info', 'Kafka is reached by the client in JavaScript, as the native one cannot be loaded']],
    )
    assert.match(JSON.stringify(lines[0]?.fields), /confluent-kafka-javascript\.node/)
  })

  it("by 'javascript' does not load the native one, which would be there", async () => {
    const { connection, loaded, lines } = await connect({ client: 'javascript' }, both)
    assert.ok(connection instanceof JavascriptConnection)
    assert.deepEqual(loaded, ['javascript'])
    assert.deepEqual(lines, [])
  })

  it('warns where the library in JavaScript is of another version than the one that was tested, and only there', async () => {
    for (const [version, warned] of [
      ['2.99.0', [{ version: '2.99.0', wanted: LIBRARY_VERSION }]],
      [LIBRARY_VERSION, []],
    ] as const) {
      const { log, lines } = recordedLog()
      const options = {
        brokers: 'b:9092',
        clientId: 'me',
        groupProtocol: 'consumer',
        client: 'javascript',
        log,
      } as const
      await connectKafka(options, { javascript: async () => ({ clientSoftwareVersion: version }) })
      assert.deepEqual(
        lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields),
        warned,
      )
    }
  })

  it('names both ways to get one where neither loads', async () => {
    const { connection } = await connect({ client: 'auto' }, [])
    assert.ok(connection instanceof Error)
    assert.equal(Reflect.get(connection, 'code'), 'PYR_CLIENT_MISSING')
    assert.match(connection.message, /native Kafka client .* cannot be loaded: Cannot find module/)
    assert.match(connection.message, /`CKJS_LINKING=dynamic npm install`/)
    assert.match(connection.message, /in JavaScript .* cannot be loaded: Cannot find package/)
    assert.match(connection.message, /`npm install --save-exact @platformatic\/kafka@/)
  })

  it('takes no other for the one that is named', async () => {
    const native = await connect({ client: 'librdkafka' }, ['javascript'])
    assert.equal(Reflect.get(native.connection, 'code'), 'PYR_NATIVE_MISSING')
    const other = await connect({ client: 'javascript' }, ['librdkafka'])
    assert.equal(Reflect.get(other.connection, 'code'), 'PYR_CLIENT_MISSING')
  })

  for (const { wish, named } of [
    { wish: { groupProtocol: 'classic' }, named: /kafka\.groupProtocol is 'classic', which .* does not speak/ },
    { wish: { librdkafka: { 'linger.ms': 5 } }, named: /kafka\.librdkafka has settings of librdkafka \(linger\.ms\)/ },
  ] as const) {
    const [what] = Object.keys(wish)
    it(`refuses kafka.${what} with the client in JavaScript, by its name`, async () => {
      const { connection, loaded } = await connect({ ...wish, client: 'javascript' }, both)
      assert.equal(Reflect.get(connection, 'code'), 'PYR_CONFIG_INVALID')
      assert.match(String(connection), named)
      assert.deepEqual(loaded, [])
    })

    it(`does not leave kafka.${what} out where the native client is missing, but says that it needs that one`, async () => {
      const { connection } = await connect({ ...wish, client: 'auto' }, ['javascript'])
      assert.equal(Reflect.get(connection, 'code'), 'PYR_NATIVE_MISSING')
      assert.match(String(connection), named)
      assert.match(String(connection), /CKJS_LINKING=dynamic npm install/)
    })
  }
})

describe('the settings of a connection', () => {
  it('have the client that the config names', () => {
    assert.equal(connectionSettings({ ...configDefaults.kafka, client: 'javascript' }).client, 'javascript')
  })

  it('have all that the config says of the wire', () => {
    const wire = {
      fetch: { minBytes: 10, maxWaitMs: 700, maxBytes: 2_000_000, maxBytesPerPartition: 65_536 },
      requestTimeoutMs: 20_000,
      connectTimeoutMs: 5_000,
      keepAlive: false,
      rack: 'eu-1a',
      compression: 'lz4',
    } as const
    const { fetch, requestTimeoutMs, connectTimeoutMs, keepAlive, rack, compression } = connectionSettings({
      ...configDefaults.kafka,
      ...wire,
    })
    assert.deepEqual({ fetch, requestTimeoutMs, connectTimeoutMs, keepAlive, rack, compression }, wire)
  })
})
