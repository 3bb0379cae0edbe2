/** What `pyrallel build` makes with the Kafka client in JavaScript: it runs in an empty folder, on whatever Node runs this test. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type EmbeddedBroker, startEmbeddedBroker } from '../../framework/kafka/embedded/embedded-broker.ts'
import { connectLibrdkafka } from '../../framework/kafka/librdkafka/client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { skipWithout } from '../client-under-test.ts'
import { installed, serve } from './built-server.ts'
import { aProject, command } from './command-process.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

function handlerOf(topic: string, engine: 'async' | 'worker'): string {
  return `import { handler } from 'pyrallel'
export default handler<{ readonly codec: string }>('${topic}', { engine: '${engine}' }, async (record, context) => {
  context.log.info({ codec: record.value.codec, at: record.topic }, 'handled')
})
`
}

function projectOn(client: 'auto' | 'javascript') {
  return {
    'package.json': '{ "name": "my-shop", "version": "3.2.1", "type": "module" }',
    'pyrallel.config.ts': `import { defineConfig } from 'pyrallel'
export default defineConfig({ group: 'shop', kafka: { client: '${client}' } })
`,
    'handlers/here.ts': handlerOf('here', 'async'),
    'handlers/on-threads.ts': handlerOf('on-threads', 'worker'),
  }
}

async function produce(broker: EmbeddedBroker, codec: string, says: string): Promise<void> {
  const librdkafka = { 'compression.codec': codec }
  const connection = await connectLibrdkafka({ ...broker.connection, clientId: 'test', log: quiet, librdkafka })
  const producer = await connection.producer()
  for (const topic of ['here', 'on-threads']) {
    // Long enough that a compression is worth it.
    const value = Buffer.from(JSON.stringify({ codec: says, text: 'again and '.repeat(200) }))
    await producer.produce({ topic, key: Buffer.from('k'), value, headers: [] })
  }
  await producer.close(5_000)
  await connection.close()
}

/** Of every source map in the folder. */
function sourcesOf(folder: string): readonly string[] {
  const maps = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.map'))
  return maps.flatMap((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')).sources)
}

describe('a build with the Kafka client in JavaScript', {
  skip: skipWithout('no choice of client'),
  timeout: 300_000,
}, () => {
  it('needs nothing to be installed: it handles records of every compression, on both engines, and commits them', async () => {
    const root = aProject(projectOn('javascript'))
    const { end, out, err } = await command(root, ['build', '--verify']).ended
    assert.equal(end, 0, err)
    assert.match(out, /\n {2}not bundled: nothing\n/)
    assert.match(out, /\n {2}or, on this machine: npx pyrallel start dist\n/)
    const dist = join(root, 'dist')
    assert.deepEqual(JSON.parse(readFileSync(join(dist, 'package.json'), 'utf8')).dependencies, {})
    const dockerfile = readFileSync(join(dist, 'Dockerfile'), 'utf8')
    assert.equal(dockerfile.match(/^FROM /gm)?.length, 1)
    assert.doesNotMatch(dockerfile, /npm|node_modules/)
    assert.deepEqual(
      sourcesOf(dist).filter((file) => /avsc|clients\/consumer\/consumer/.test(file)),
      [],
      'what is not used of the library is left out',
    )
    const folder = installed(dist)
    assert.equal(existsSync(join(folder, 'node_modules')), false)

    const topics = ['here', 'on-threads', 'here.shop.dlq', 'on-threads.shop.dlq']
    const broker = await startEmbeddedBroker({ log: quiet, topics })
    // Node 20 has no zstd of its own.
    const codecs = ['none', 'gzip', 'snappy', 'lz4', ...('zstd' in process.versions ? ['zstd'] : [])]
    try {
      const server = serve(folder, { PYRALLEL_KAFKA_BROKERS: broker.brokers })
      await server.seen(/"msg":"started"/)
      for (const codec of codecs) {
        await produce(broker, codec, codec)
        for (const topic of ['here', 'on-threads']) {
          await server.seen(new RegExp(`"codec":"${codec}","at":"${topic}","msg":"handled"`))
        }
      }
      server.stop()
      const first = await server.ended
      assert.deepEqual([first.code, first.err], [0, ''])

      const second = serve(folder, { PYRALLEL_KAFKA_BROKERS: broker.brokers })
      await second.seen(/"msg":"started"/)
      await produce(broker, 'none', 'last')
      for (const topic of ['here', 'on-threads']) {
        await second.seen(new RegExp(`"codec":"last","at":"${topic}","msg":"handled"`))
      }
      second.stop()
      const again = await second.ended
      assert.equal(again.code, 0, again.err)
      assert.equal(again.out.match(/"msg":"handled"/g)?.length, 2)
    } finally {
      await broker.stop()
    }
  })

  it('says that it has no other, where a variable asks for librdkafka', async () => {
    const root = aProject(projectOn('javascript'))
    assert.equal((await command(root, ['build']).ended).end, 0)
    const { code, err } = await serve(installed(join(root, 'dist')), { PYRALLEL_KAFKA_CLIENT: 'librdkafka' }).ended
    assert.equal(code, 1)
    assert.match(err, /✗ PYR_NATIVE_MISSING\n {2}This build has the Kafka client in JavaScript only/)
  })

  it('is asked for by the config alone: any other build leaves that client out, and says so when it is to run', async () => {
    const root = aProject(projectOn('auto'))
    assert.equal((await command(root, ['build']).ended).end, 0)
    assert.ok(!readFileSync(join(root, 'dist/app.mjs.map'), 'utf8').includes('kafka/javascript/'))
    const { code, err } = await serve(installed(join(root, 'dist')), { PYRALLEL_KAFKA_CLIENT: 'javascript' }).ended
    assert.equal(code, 1)
    assert.match(err, /✗ PYR_CLIENT_MISSING\n {2}This build has no Kafka client in JavaScript\. Write kafka\.client/)
  })
})
