/** A project lies where its user wants it: in a folder whose name means something to URLs, every verb does what it does elsewhere. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { it } from 'node:test'
import { clientUnderTest } from '../test-client.ts'
import { aProject, command } from './command-process.ts'
import { config, save } from './dev-loops.ts'

const folder = "a? b#c%20d% [e] (f)+é'g&h"
const importing = (topic: string, options = '{}') =>
  `import { handler } from 'pyrallel'\nimport type { Order } from '../lib/order.ts'\nimport { word } from '../lib/word.ts'\nexport default handler<Order>('${topic}', ${options}, (record, context) => context.publish(word, 1))\n`

it(`each verb does in a folder with the name "${folder}" what it does elsewhere`, { timeout: 300_000 }, async () => {
  const files = {
    'package.json': '{ "type": "module" }',
    'pyrallel.config.ts': config("kafka: { brokers: ['127.0.0.1:1'] }"),
    'handlers/one.ts': importing('first'),
    'handlers/two.ts': importing('second', "{ engine: 'worker', worker: { threads: 1 } }"),
    'lib/order.ts': 'export type Order = { readonly id: string }\n',
    'lib/word.ts': "export const word: string = 'version-1'\n",
  }
  const root = join(
    aProject(Object.fromEntries(Object.entries(files).map(([path, text]) => [join(folder, path), text]))),
    folder,
  )
  const run = async (...argv: readonly string[]) => {
    const { end, out, err } = await command(root, argv).ended
    assert.equal(end, 0, `${argv.join(' ')}\n${out}${err}`)
    return out
  }
  await run('generate')
  await run('generate', '--check')
  assert.match(await run('config'), /pyrallel\.config\.ts/)
  assert.match(await run('build', '--verify'), /✓ dist\/ {2}2 handlers/)

  const dev = command(root, ['dev'])
  const header = await dev.seen(/assigned first\[0 1 2 3\]/)
  const [, broker = ''] = /broker (127\.0\.0\.1:\d+) \(embedded\)/.exec(header) ?? []
  const send = (topic: string) => run('send', topic, '{"id":"a"}')
  await send('first')
  await dev.seen(/✓ first.*→ version-1/)
  await send('second')
  await dev.seen(/✓ second/)
  save(root, 'lib/word.ts', "export const word: string = 'version-2'\n")
  await dev.seen(/⟳ reloaded one, two/)
  await send('first')
  await dev.seen(/✓ first.*→ version-2/)
  await run('topics')
  assert.match(await run('doctor'), clientUnderTest === 'librdkafka' ? /librdkafka \(/ : /the one in JavaScript \(/)
  await run('inspect', 'offsets', 'shop')

  const env = { PYRALLEL_KAFKA_BROKERS: broker, PYRALLEL_GROUP: 'started' }
  const started = command(root, ['start', 'dist'], { env })
  await started.seen(/the group hands out partitions|started/)
  started.signal('SIGTERM')
  assert.equal((await started.ended).end, 0)
  dev.signal('SIGINT')
  assert.equal((await dev.ended).end, 0)
})
