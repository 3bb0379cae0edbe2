/** What `pyrallel build` makes: run in an empty folder with nothing but the packages that its own package.json names. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { load } from 'js-yaml'
import { startEmbeddedBroker } from '../../framework/kafka/embedded/embedded-broker.ts'
import type { Logger } from '../../framework/model/logger.ts'
import type { SystemMetrics } from '../../framework/model/snapshot.ts'
import { connectUnderTest } from '../client-under-test.ts'
import { installed, serve } from './built-server.ts'
import { aProject, command } from './command-process.ts'
import { project } from './shop-project.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

describe('what pyrallel build makes', { timeout: 300_000 }, () => {
  it('runs by itself: it is started, fed, drained by SIGTERM, and begun again with a handler paused', async () => {
    const root = aProject(project)
    const variables = { PYRALLEL_GROUP: 'of-this-machine', PYRALLEL_KAFKA_SECURITY_SASL_PASSWORD: 'hunter2' }
    const built = await command(root, ['build', '--target', 'kubernetes'], { env: variables }).ended
    assert.equal(built.end, 0, built.err)
    assert.match(
      built.out,
      /\n {2}docker build -t my-shop:3\.2\.1 dist\n[\s\S]*\n {2}kubectl apply -k dist\/kubernetes\/base /,
    )
    assert.match(built.out, /! kafka\.brokers is localhost:9092, which no pod reaches/)
    const manifests = (path: string) => readFileSync(join(root, 'dist/kubernetes', path), 'utf8')
    assert.match(manifests('base/deployment.yaml'), /\n {2}name: my-shop\n/)
    assert.match(manifests('rights.sh'), /\ngrant --operation Read --group 'shop'\n/)
    // The image gets none of it.
    assert.match(readFileSync(join(root, 'dist/.dockerignore'), 'utf8'), /^kubernetes$/m)
    assert.match(built.out, /✓ dist\/ {2}1 handler, [\d,]+ kB of code in \d+ files, \d+ ms/)
    const folder = installed(join(root, 'dist'))
    const broker = await startEmbeddedBroker({ log: quiet, topics: ['orders', 'orders.shop.dlq'] })
    const connection = await connectUnderTest({ ...broker.connection, clientId: 'test', log: quiet })
    const producer = await connection.producer()
    try {
      const operators = { PYRALLEL_HTTP_ENABLED: 'true', PYRALLEL_HTTP_PORT: '0' }
      const check = [process.execPath, 'server.mjs', '--check']
      const checked = await serve(folder, { BROKERS: broker.brokers }, check).ended
      assert.equal(checked.code, 0, checked.err)
      assert.match(checked.out, /"topics":\["orders","orders\.shop\.dlq"\].*"msg":"every topic is there"/)
      assert.doesNotMatch(checked.out, /"msg":"started"/)

      // As the pod would have it, but for the port, which is free for sure in a pod only.
      const { data } = load(manifests('base/config.yaml')) as { readonly data: Readonly<Record<string, string>> }
      const ofPod = { ...data, PYRALLEL_KAFKA_BROKERS: broker.brokers, PYRALLEL_HTTP_PORT: '0' }
      const server = serve(folder, ofPod)
      const started = await server.seen(/"msg":"started"/)
      const send = (value: unknown) =>
        producer.produce({
          topic: 'orders',
          key: Buffer.from('k'),
          value: Buffer.from(JSON.stringify(value)),
          headers: [],
        })
      await send({ total: 41 })
      await server.seen(/"total":42.*"msg":"charged"/)
      await send({ total: 5_000 })
      // The user's own file and line, not the bundle's.
      await server.seen(/RangeError: no fee is known[^"]*fees\.ts:3:11[^"]*handlers\/pay\.ts:6:\d+/)
      const [, url] = /"url":"([^"]+)"/.exec(started) ?? assert.fail(started)
      assert.match(String(url), /^http:\/\/0\.0\.0\.0:/)
      assert.match(await (await fetch(`${url}/metrics`)).text(), /^# TYPE pyrallel_/m)
      assert.deepEqual([(await fetch(`${url}/livez`)).status, (await fetch(`${url}/readyz`)).status], [200, 200])
      server.stop()
      const { code, out } = await server.ended
      assert.equal(code, 0, out)
      assert.match(out, /"msg":"stopping: what is in flight is finished first"[\s\S]*"msg":"stopped"/)

      // An operator can begin it with a handler paused, and is told of a misspelled one.
      const paused = serve(folder, { BROKERS: broker.brokers, PYRALLEL_PAUSED: 'pay', ...operators })
      const again = await paused.seen(/"paused":\["pay"\].*"msg":"started"/)
      await send({ total: 7 })
      const [, address] = /"url":"([^"]+)"/.exec(again) ?? assert.fail(again)
      const queued = async () =>
        ((await (await fetch(`${address}/snapshot`)).json()) as SystemMetrics).groups[0]?.queued
      while ((await queued()) !== 1) await new Promise((resolve) => setImmediate(resolve))
      paused.stop()
      const held = await paused.ended
      assert.equal(held.code, 0, held.out)
      assert.doesNotMatch(held.out, /"msg":"charged"/)
      const { code: refused, err } = await serve(folder, { BROKERS: broker.brokers, PYRALLEL_PAUSED: 'pya' }).ended
      assert.equal(refused, 1)
      assert.match(err, /PYR_CONFIG_INVALID\n.*'pya', and there is no such handler\. Did you mean "pay"\?/)

      // As behind `| head`, once it has enough: the next line finds nobody, and asks for the same end.
      const piped = serve(folder, { BROKERS: broker.brokers, ...operators })
      await piped.seen(/"msg":"started"/)
      piped.leave()
      await send({ total: 6 })
      const left = await piped.ended
      assert.deepEqual([left.code, left.err], [0, ''])
    } finally {
      await producer.close(1_000)
      await connection.close()
      await broker.stop()
    }
  })

  it('says what is wrong and exits with 1 where no broker is', async () => {
    const root = aProject(project)
    await command(root, ['build']).ended
    const bundle = installed(join(root, 'dist'))
    const { code, out, err } = await serve(bundle, { BROKERS: '127.0.0.1:1' }).ended
    assert.equal(code, 1)
    assert.doesNotMatch(out, /"msg":"stopped"/)
    assert.match(err, /✗ PYR_BROKER_UNREACHABLE\n {2}No Kafka broker answered at 127\.0\.0\.1:1/)
    assert.match(
      err,
      /kafka\.brokers in pyrallel\.config\.ts: start a broker there, or set PYRALLEL_KAFKA_BROKERS=host:port\. A change of pyrallel\.config\.ts needs another `pyrallel build`\./,
    )
    const byVariable = await serve(bundle, { PYRALLEL_KAFKA_BROKERS: '127.0.0.1:1' }).ended
    assert.match(byVariable.err, /that of PYRALLEL_KAFKA_BROKERS: start a broker there, or correct the variable\./)
    // `start` has no such flag.
    assert.doesNotMatch(err + byVariable.err, /--brokers/)
  })
})
