/** Which broker `pyrallel dev` runs on, and the file by which others find it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import {
  isAlive,
  readDevFile,
  refuseSecondDev,
  removeDevFile,
  writeDevFile,
} from '../../../../../cli/cluster/dev-file.ts'
import { type BrokerRequest, openBroker } from '../../../../../cli/dev/broker/open-broker.ts'
import { main } from '../../../../../cli/main.ts'
import { configDefaults } from '../../../../../framework/config/resolve-config.ts'
import { loadLibrdkafka } from '../../../../../framework/kafka/librdkafka/client.ts'
import { createLogger } from '../../../../../framework/observability/logger.ts'
import { withoutNativeClient } from '../../../kafka/without-native-client.ts'
import { projectFolder, testIo } from '../../test-io.ts'

const log = createLogger({ level: 'silent', pretty: false }, { write: () => {} })
const request: BrokerRequest = {
  brokers: undefined,
  kind: 'embedded',
  kafka: configDefaults.kafka,
  exactlyOnce: false,
  topics: ['orders', 'orders.dlq'],
  log,
}
const onJavascript = { ...configDefaults.kafka, client: 'javascript' } as const
const missing = () => Promise.reject(new Error("Cannot find module '../build/librdkafka.node'\nRequire stack"))

describe('openBroker', () => {
  it('falls back to the in-memory broker where the native client is missing, with all topics, and says why', async () => {
    const broker = await openBroker({ ...request, loaders: { librdkafka: missing } })
    assert.equal(broker.kind, 'memory')
    assert.match(
      broker.fallback ?? '',
      /native Kafka client .* cannot be loaded: Cannot find module '\.\.\/build\/librdkafka\.node'\./,
    )
    assert.deepEqual(await broker.connection.missingTopics(['orders', 'orders.dlq', 'other']), ['other'])
    await broker.stop()
  })

  it('does not fall back from a cluster that was named: that would hide the mistake', async () => {
    const loaders = { librdkafka: missing, javascript: missing }
    await assert.rejects(openBroker({ ...request, brokers: 'localhost:9092', loaders }), {
      code: 'PYR_CLIENT_MISSING',
    })
  })

  it("runs the embedded broker where kafka.client is 'javascript', and keeps the native client out of this process", async () => {
    const hasNative = await loadLibrdkafka().then(
      () => true,
      () => false,
    )
    const load = () => assert.fail('the native client was loaded')
    const broker = await openBroker({ ...request, kafka: onJavascript, loaders: { librdkafka: load } })
    try {
      assert.equal(broker.kind, hasNative ? 'embedded' : 'memory')
      const { JavascriptConnection } = await import('../../../../../framework/kafka/javascript/connection.ts')
      if (hasNative) assert.ok(broker.connection instanceof JavascriptConnection)
      assert.deepEqual(await broker.connection.missingTopics(['orders', 'orders.dlq', 'other']), ['other'])
    } finally {
      await broker.connection.close()
      await broker.stop()
    }
  })

  it("falls back to the in-memory broker where kafka.client is 'javascript' and no native client brings one, and says so", async (t) => {
    withoutNativeClient(t)
    const broker = await openBroker({ ...request, kafka: onJavascript })
    assert.equal(broker.kind, 'memory')
    assert.match(broker.fallback ?? '', /part of the native client, which cannot be loaded here\. --brokers names/)
    await broker.stop()
  })

  it('uses the in-memory broker with commit.exactlyOnce, as the embedded one has no transactions, and says so', async () => {
    const broker = await openBroker({ ...request, exactlyOnce: true })
    assert.equal(broker.kind, 'memory')
    assert.match(
      broker.fallback ?? '',
      /^commit\.exactlyOnce needs transactions, .* --brokers names a cluster that has/,
    )
    assert.deepEqual(await broker.connection.missingTopics(['orders', 'orders.dlq', 'other']), ['other'])
    assert.ok(broker.connection.transactionalProducer !== undefined)
    await broker.stop()
  })

  it('uses the in-memory broker when it is asked for, without an excuse', async () => {
    const broker = await openBroker({ ...request, kind: 'memory' })
    assert.equal(broker.kind, 'memory')
    assert.equal(broker.fallback, undefined)
    assert.equal(broker.address, 'memory')
  })

  it('reports anything else that goes wrong', async () => {
    const load = () => Promise.resolve({ Producer: undefined })
    const kafka = { ...configDefaults.kafka, librdkafka: { 'group.id': 'x' } }
    await assert.rejects(openBroker({ ...request, brokers: 'localhost:1', kafka, loaders: { librdkafka: load } }), {
      code: 'PYR_CONFIG_INVALID',
    })
  })
})

describe('.pyrallel/dev.json', () => {
  const dev = { pid: process.pid, kind: 'embedded', brokers: '127.0.0.1:5' } as const

  it('is read as it was written, and gone when its process removes it', () => {
    const root = projectFolder()
    writeDevFile(root, dev)
    assert.deepEqual(readDevFile(root), dev)
    removeDevFile(root, dev.pid)
    assert.equal(existsSync(join(root, '.pyrallel/dev.json')), false)
  })

  it('is for its owner only, also where an older one, or a link, stood in its place', () => {
    const root = projectFolder()
    const path = join(root, '.pyrallel/dev.json')
    mkdirSync(join(root, '.pyrallel'))
    writeFileSync(path, 'old', { mode: 0o666 })
    writeDevFile(root, dev)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    rmSync(path)
    const elsewhere = join(root, 'elsewhere.json')
    symlinkSync(elsewhere, path)
    writeDevFile(root, dev)
    assert.deepEqual([readDevFile(root), existsSync(elsewhere)], [dev, false])
  })

  it('is nothing when others may write it, when it is a link, or when it is of somebody else', () => {
    const root = projectFolder()
    const path = join(root, '.pyrallel/dev.json')
    writeDevFile(root, dev)
    chmodSync(path, 0o622)
    assert.equal(readDevFile(root), undefined)
    const real = join(root, 'real.json')
    writeFileSync(real, JSON.stringify(dev), { mode: 0o600 })
    rmSync(path)
    symlinkSync(real, path)
    assert.equal(readDevFile(root), undefined)
    rmSync(path)
    writeDevFile(root, dev)
    if (process.geteuid?.() !== 0) return
    chownSync(path, 65_534, 65_534)
    assert.equal(readDevFile(root), undefined)
  })

  it('keeps a second dev of the same folder from starting while the first is alive', async () => {
    const root = projectFolder()
    const path = join(root, '.pyrallel/dev.json')
    writeDevFile(root, { ...dev, pid: process.ppid })
    const before = readFileSync(path, 'utf8')
    const io = testIo(root)
    assert.equal(await main(['dev', '--broker', 'memory'], io), 1)
    assert.match(
      io.err(),
      new RegExp(
        `✗ PYR_DEV_RUNS\\n {2}\`pyrallel dev\` \\(pid ${process.ppid}, broker 127\\.0\\.0\\.1:5\\) runs in this folder`,
      ),
    )
    assert.throws(() => writeDevFile(root, dev), { code: 'PYR_DEV_RUNS' })
    assert.equal(readFileSync(path, 'utf8'), before)
  })

  it('is no obstacle when its process has died', () => {
    const root = projectFolder()
    writeDevFile(root, { ...dev, pid: spawnSync(process.execPath, ['--version']).pid })
    refuseSecondDev(root, process.pid)
    writeDevFile(root, dev)
    refuseSecondDev(root, dev.pid)
    assert.deepEqual(readDevFile(root), dev)
  })

  it('is left alone when another process has written its own over it', () => {
    const root = projectFolder()
    writeDevFile(root, dev)
    removeDevFile(root, dev.pid + 1)
    assert.deepEqual(readDevFile(root), dev)
  })

  it('is nothing when it is missing, cut, or of another kind', () => {
    const root = projectFolder()
    assert.equal(readDevFile(root), undefined)
    mkdirSync(join(root, '.pyrallel'))
    for (const content of [
      '{"pid": 1',
      'null',
      '{"pid":"1","kind":"memory","brokers":"x"}',
      '{"pid":1,"kind":"?","brokers":"x"}',
    ]) {
      writeFileSync(join(root, '.pyrallel/dev.json'), content)
      assert.equal(readDevFile(root), undefined, content)
    }
  })

  it('names a process that can be asked whether it still runs', () => {
    assert.equal(isAlive(process.pid), true)
    // A process that has ended and was waited for.
    assert.equal(isAlive(spawnSync(process.execPath, ['--version']).pid), false)
  })
})
