/** `pyrallel dev` with a handler that has a pattern in place of a topic: the traffic makes topics, which are found while it runs. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { skipWithout } from '../client-under-test.ts'
import { aProject, command } from './command-process.ts'
import { config, save, teller, timeout, traffic } from './dev-loops.ts'

/** `teller` of a topic, with the pattern in its place. */
const reading = (pattern: string, word: string) =>
  teller('orders', word)
    .replace("'orders'", `topicsMatching(${pattern})`)
    .replace('handler }', 'handler, topicsMatching }')

const project = {
  'pyrallel.config.ts': config(),
  'handlers/one.ts': reading('/^orders\\./', 'version-1'),
  'handlers/_traffic.ts': traffic('orders.eu', 'orders.us', 'payments'),
}

const brokers = [
  ['memory', ['--broker', 'memory'], false],
  ['embedded', [], skipWithout('the native client')],
] as const

describe('a handler of all topics that a pattern matches, in a session', () => {
  for (const [name, flags, skip] of brokers) {
    it(`reads what the traffic makes, and goes on with new code without leaving its group: broker ${name}`, {
      ...timeout,
      skip,
    }, async () => {
      const root = aProject(project)
      const dev = command(root, ['dev', ...flags, '--traffic', '--rate', '15'])
      const header = await dev.seen(/dead letters <topic>\.shop\.dlq/)
      assert.match(header, /\/\^orders\\\.\//)
      await dev.seen(/✓ orders\.eu\[\d\]@\d+ .*→ version-1/)
      await dev.seen(/✓ orders\.us\[\d\]@\d+ .*→ version-1/)
      save(root, 'handlers/one.ts', reading('/^orders\\./', 'version-2'))
      await dev.seen(/⟳ reloaded one/)
      const out = await dev.seen(/✓ orders\.us\[\d\]@\d+ .*→ version-2/)
      assert.doesNotMatch(out, /revoked|✓ payments/)
      dev.signal('SIGINT')
      assert.equal((await dev.ended).end, 0)
    })
  }
})
