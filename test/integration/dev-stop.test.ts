/** How a session of `pyrallel dev` ends: whenever the signal comes, and whatever else ends it, in order and soon. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, it } from 'node:test'
import { type EmbeddedBroker, startEmbeddedBroker } from '../../framework/kafka/embedded/embedded-broker.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { clientUnderTest } from '../test-client.ts'
import { aProject, type CommandProcess, command } from './command-process.ts'
import { embeddedBrokerOf, noProcesses, processesIn } from './processes-in.ts'

const timeout = { timeout: 120_000 }
/** A session that forgets something waits for its time-out, ten seconds and more. */
const SOON_MS = 8_000
const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
const config =
  "import { defineConfig } from 'pyrallel'\nexport default defineConfig({ group: 'shop', kafka: { groupProtocol: 'consumer' } })\n"
const stopping = 'stopping: what is in flight is finished first'

let cluster: EmbeddedBroker | undefined
afterEach(async () => {
  await cluster?.stop()
  cluster = undefined
})

/** A handler file that says at the end how long the process went on after `begins`. */
const handler = (begins: string) =>
  `import { handler } from 'pyrallel'
${begins}
export default handler('hello', () => {})
`
const tellsTheEnd =
  "process.once('exit', () => console.log('ended', Math.round(performance.now() - begun), 'ms later'))"

async function aSession(broker: 'memory' | 'embedded' | 'cluster', file: string): Promise<CommandProcess> {
  const root = aProject({ 'pyrallel.config.ts': config, 'handlers/hello.ts': file })
  if (broker !== 'cluster') return command(root, ['dev', '--broker', broker])
  cluster = await startEmbeddedBroker({ log: quiet, topics: ['hello', 'hello.shop.dlq'] })
  return command(root, ['dev', '--brokers', cluster.brokers])
}

function msAfter(out: string): number {
  return Number(/ended (\d+) ms later/.exec(out)?.[1])
}

// In memory there is no client.
const brokers =
  clientUnderTest === 'librdkafka' ? (['memory', 'embedded', 'cluster'] as const) : (['embedded', 'cluster'] as const)

for (const broker of brokers) {
  describe(`a session on the ${broker} broker`, () => {
    it('a session that is interrupted before it has a broker begins nothing, and ends', timeout, async () => {
      const interrupts = `const begun = performance.now()\nprocess.emit('SIGINT', 'SIGINT')\n${tellsTheEnd}`
      const session = await aSession(broker, handler(interrupts))
      const { end, out, err } = await session.ended
      assert.equal(end, 0, err)
      assert.ok(out.includes(stopping), out)
      assert.doesNotMatch(out + err, /assigned|watching|started|subscribed/)
      assert.ok(msAfter(out) < SOON_MS, out)
    })

    it(
      'a session that is interrupted while its consumers start ends, and leaves none of them running',
      timeout,
      async () => {
        const timed = `let begun = performance.now()\nprocess.once('SIGINT', () => { begun = performance.now() })\n${tellsTheEnd}`
        const session = await aSession(broker, handler(timed))
        await session.seen(/pyrallel \d/i)
        session.signal('SIGINT')
        const { end, out, err } = await session.ended
        assert.equal(end, 0, err)
        assert.ok(out.includes(stopping), out)
        assert.ok(msAfter(out) < SOON_MS, out)
      },
    )
  })
}

describe('a session whose embedded broker dies', () => {
  it('ends soon, and says what has happened and what to do', { ...timeout, skip: noProcesses }, async () => {
    const session = await aSession('embedded', handler(''))
    await session.seen(/watching|assigned/)
    const broker = embeddedBrokerOf(session.pid)
    assert.ok(broker !== undefined)
    const killedAt = performance.now()
    process.kill(broker, 'SIGKILL')
    const { end, err } = await session.ended
    assert.equal(end, 1)
    assert.match(
      err,
      /✗ PYR_BROKER_UNREACHABLE\n {2}The embedded broker has died \(SIGKILL\); its records are gone\. Start `pyrallel dev` again\.\n {2}Next: pyrallel docs PYR_BROKER_UNREACHABLE\n$/,
    )
    assert.ok(performance.now() - killedAt < 30_000)
  })
})

describe('the end of a session', () => {
  it('leaves no process and no folder behind, however it comes', { ...timeout, skip: noProcesses }, async () => {
    for (const signal of ['SIGINT', 'SIGKILL'] as const) {
      const root = aProject({ 'pyrallel.config.ts': config, 'handlers/hello.ts': handler('') })
      const dev = command(root, ['dev'])
      await dev.seen(/assigned hello/)
      assert.ok(processesIn(root).length > 1, 'the broker is a process of its own')
      dev.signal(signal)
      await dev.ended
      while (processesIn(root).length > 0) await new Promise((resolve) => setTimeout(resolve, 20))
      // What was killed leaves its bundles; the next session removes them.
      if (signal === 'SIGKILL') continue
      assert.throws(() => readFileSync(join(root, '.pyrallel/dev.json')))
    }
  })
})
