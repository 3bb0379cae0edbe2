/** The command on a real Kafka where the native client cannot be loaded, and where the config does not want it: the client in JavaScript does it all. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, describe, it } from 'node:test'
import { skipWithout } from '../client-under-test.ts'
import { aProject, type CommandOptions, command } from '../integration/command-process.ts'
import { startKafka } from './kafka-harness.ts'

const cluster = await startKafka()
after(() => cluster.stop())

/** Values of `n` that are odd go to the dead-letter topic. */
const filesOf = (topic: string) => ({
  'pyrallel.config.ts': `import { defineConfig } from 'pyrallel'
export default defineConfig({ group: '${topic}-group', kafka: { brokers: ['${cluster.brokers}'] }, handlers: { retry: { attempts: 1 } } })`,
  'handlers/work.ts': `import { DeadLetter, handler } from 'pyrallel'
export default handler('${topic}', ({ value }, context) => {
  const { n } = value as { n: number }
  if (n % 2 === 1) throw new DeadLetter('odd')
  context.log.info({ n }, 'worked')
})`,
  'handlers/_traffic.ts': `export const traffic = function* () { for (let n = 0; ; n++) yield { topic: '${topic}', value: { n } } }`,
})

async function runIn(root: string, argv: readonly string[], options: CommandOptions): Promise<string> {
  const { end, out, err } = await command(root, argv, options).ended
  assert.equal(end, 0, `${argv.join(' ')}\n${out}\n${err}`)
  return `${out}\n${err}`
}

/** Whether the native client is loaded in that process. */
function hasNative(pid: number): boolean {
  return /confluent-kafka-javascript\.node|librdkafka/.test(readFileSync(`/proc/${pid}/maps`, 'utf8'))
}

const skip = skipWithout('no choice of client')

describe('the command on a real Kafka, where the native client cannot be loaded', { timeout: 300_000, skip }, () => {
  const options = { withoutNativeClient: true }

  it('develops, sends, creates topics, looks at offsets and replays dead letters', async () => {
    const topic = 'without-native'
    const root = aProject(filesOf(topic))
    const dev = await runIn(root, ['dev', '--brokers', cluster.brokers, '--traffic', '--records', '20'], options)
    assert.match(dev, /20 of 20 done|20 done/)
    assert.match(dev, /Kafka is reached by the client in JavaScript/)
    const dlq = `${topic}.${topic}-group.dlq`
    const looks = [['doctor'], ['topics'], ['inspect', 'offsets', `${topic}-group`], ['dlq', 'list', dlq]]
    const sends = ['send', topic, '{"n":1}', '--key', 'a']
    const seen = await Promise.all([...looks, sends].map((argv) => runIn(root, argv, options)))
    const [doctor = '', topics = '', offsets = '', letters = '', sent = ''] = seen
    assert.match(
      doctor,
      /✓ Kafka client {2}the one in JavaScript .* as kafka\.client is 'auto'\. The native Kafka client/,
    )
    assert.match(doctor, /✓ broker/)
    assert.match(doctor, /✓ topics/)
    assert.match(topics, new RegExp(topic))
    assert.match(offsets, /without-native/)
    assert.match(letters, /odd/)
    assert.match(sent, /without-native\[\d\]@\d+/)
    assert.match(await runIn(root, ['dlq', 'replay', dlq], options), /10/)
  })

  it("runs what was built, with kafka.client 'javascript'", async () => {
    const topic = 'built-without-native'
    const root = aProject(filesOf(topic))
    const env = { PYRALLEL_KAFKA_CLIENT: 'javascript' }
    await runIn(root, ['build'], { ...options, env })
    await runIn(root, ['topics', '--create'], { ...options, env })
    const server = command(root, ['start'], { ...options, env })
    await server.seen(/"msg":"started"/)
    await runIn(root, ['send', topic, '{"n":2}'], { ...options, env })
    await server.seen(/"n":2.*"msg":"worked"/)
    server.signal('SIGTERM')
    const { end, err } = await server.ended
    assert.equal(end, 0, err)
  })
})

describe('the libraries in a process', { timeout: 240_000, skip: process.platform !== 'linux' }, () => {
  for (const [client, isNative] of [
    ['javascript', false],
    ['librdkafka', true],
  ] as const) {
    it(`${isNative ? 'have' : 'do not have'} the native Kafka client with kafka.client '${client}'`, async () => {
      const topic = `loads-${client}`
      const dev = command(aProject(filesOf(topic)), ['dev', '--brokers', cluster.brokers, '--traffic'], {
        env: { PYRALLEL_KAFKA_CLIENT: client },
      })
      await dev.seen(/✓ loads-/)
      assert.equal(hasNative(dev.pid), isNative)
      dev.signal('SIGINT')
      await dev.ended
    })
  }
})
