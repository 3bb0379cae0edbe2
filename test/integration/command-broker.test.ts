/** The command and its broker: one that is not there, and the embedded one, on which `dev` and `send` find each other. On the client under test. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { skipWithout } from '../client-under-test.ts'
import { clientUnderTest } from '../test-client.ts'
import { aProject, command } from './command-process.ts'
import { config, hello } from './hello-project.ts'
import { noProcesses } from './processes-in.ts'

const devFile = (root: string) => join(root, '.pyrallel/dev.json')
const timeout = { timeout: 300_000 }

/** Whether a process has the native client's binary among what it has mapped. */
function hasNativeClient(pid: number): boolean {
  return readFileSync(`/proc/${pid}/maps`, 'utf8').includes('confluent-kafka-javascript')
}

describe('pyrallel against a cluster that is not there', timeout, () => {
  /** A port on which nobody answers in Kafka's protocol, or on which nobody listens when it is closed. */
  async function aPort(): Promise<{ readonly port: number; readonly server: Server }> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    assert.ok(typeof address === 'object' && address !== null)
    return { port: address.port, server }
  }

  for (const argv of [['dev'], ['send', 'hello', '{}']]) {
    it(`says so within seconds and exits with 1: ${argv[0]}`, async () => {
      const { port, server } = await aPort()
      await new Promise((resolve) => server.close(resolve))
      const root = aProject({ 'pyrallel.config.ts': config, 'handlers/hello.ts': hello })
      const startedAt = performance.now()
      const { end, err } = await command(root, [...argv, '--brokers', `127.0.0.1:${port}`]).ended
      assert.equal(end, 1)
      assert.match(
        err,
        new RegExp(`✗ PYR_BROKER_UNREACHABLE\\n {2}No Kafka broker answered at 127\\.0\\.0\\.1:${port} within 5000 ms`),
      )
      assert.match(err, /Start one there, or name another/)
      assert.ok(!err.includes('    at '), err)
      assert.ok(performance.now() - startedAt < 30_000)
      assert.equal(existsSync(devFile(root)), false)
    })
  }
})

describe('pyrallel dev and send on the embedded broker', timeout, () => {
  it('find each other: a record sent from another terminal is handled', async () => {
    // Nobody listens on port 1: after `dev` has stopped, nothing may be found by the config either.
    const elsewhere = config.replace("group: 'shop'", "group: 'shop', kafka: { brokers: ['127.0.0.1:1'] }")
    const root = aProject({ 'pyrallel.config.ts': elsewhere, 'handlers/hello.ts': hello })
    const dev = command(root, ['dev'])
    const header = await dev.seen(/assigned hello\[0 1 2 3\]/)
    assert.match(header, /broker 127\.0\.0\.1:\d+ \(embedded\)/)
    // The broker has it in any case: in a process of its own.
    if (noProcesses === false) assert.equal(hasNativeClient(dev.pid), clientUnderTest === 'librdkafka')
    const sent = await command(root, ['send', 'hello', '{"n":1}', '--key', 'k1', '--count', '3']).ended
    assert.equal(sent.end, 0, sent.err)
    assert.match(
      sent.out,
      /✓ hello {2}3 records, key k1, acknowledged by 127\.0\.0\.1:\d+ \(the running `pyrallel dev`\)/,
    )
    await dev.seen(/(✓ hello\[\d\]@\d+ +k1 +hello[^\n]*\n[^✓]*){3}/)
    const unknown = await command(root, ['send', 'helo', '{}']).ended
    assert.equal(unknown.end, 1)
    assert.match(unknown.err, /PYR_TOPIC_UNKNOWN\n {2}There is no topic 'helo' at .*Did you mean "hello"\?/)
    dev.signal('SIGINT')
    const { end } = await dev.ended
    assert.equal(end, 0)
    const after = await command(root, ['send', 'hello', '{}']).ended
    assert.equal(after.end, 1)
    assert.match(after.err, /PYR_BROKER_UNREACHABLE\n {2}No Kafka broker answered at 127\.0\.0\.1:1 /)
    assert.match(
      after.err,
      /that of pyrallel\.config\.ts, as no `pyrallel dev` runs in this folder\. Start `pyrallel dev`/,
    )
  })

  it('fall back to the one in memory where the native client is missing, and says so', {
    skip: skipWithout('the native client'),
  }, async () => {
    const { end, out } = await command(aProject(), ['dev', '--records', '50'], { withoutNativeClient: true }).ended
    assert.equal(end, 0)
    assert.match(out, /No embedded broker, so this runs on the in-memory one/)
    assert.match(out, /native Kafka client .* cannot be loaded: Cannot find package/)
    assert.match(out, /50 of 50 done/)
  })

  it('ends the demo with a sound summary', async () => {
    const { end, out, err } = await command(aProject(), ['dev', '--records', '1000']).ended
    assert.equal(end, 0, out + err)
    assert.match(out, /1,000 of 1,000 done/)
    assert.match(out, /order violations +0/)
  })

  it('refuses a value that its schema does not allow, before anything is sent', async () => {
    const root = aProject()
    await command(root, ['generate']).ended
    const { end, err } = await command(root, ['send', 'stock.moved', '{"sku":"x","warehouse":"north","quantity":1}'])
      .ended
    assert.equal(end, 1)
    assert.match(
      err,
      /PYR_SCHEMA\n {2}The value does not satisfy the schema of stock\.moved; nothing was sent\.\n {4}\/sku: must match pattern/,
    )
  })
})
