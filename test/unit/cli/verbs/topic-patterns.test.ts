/** What verbs say and do where a handler has a pattern in place of a topic. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Connect } from '../../../../cli/cluster/connect.ts'
import { examinePatterns } from '../../../../cli/cluster/examine-patterns.ts'
import { allowedTargets, withMatched } from '../../../../cli/dlq/replay/replay-targets.ts'
import { doctor } from '../../../../cli/verbs/doctor.ts'
import { send } from '../../../../cli/verbs/send.ts'
import { topics } from '../../../../cli/verbs/topics.ts'
import { handler } from '../../../../framework/api/handler.ts'
import { topicsMatching } from '../../../../framework/api/topic.ts'
import { resolveConfig } from '../../../../framework/config/resolve-config.ts'
import { type MemoryCluster, memoryCluster } from '../../../../framework/kafka/memory/client.ts'
import { prefixOf } from '../../../../framework/model/topic-pattern.ts'
import { withFoundTopics } from '../../../../framework/runtime/found-topics.ts'
import { resolveHandlers } from '../../../../framework/runtime/resolve-handlers.ts'
import { projectFolder, testIo } from '../test-io.ts'

const project = {
  'pyrallel.config.ts': "import { defineConfig } from 'pyrallel'\nexport default defineConfig({ group: 'shop' })",
  'handlers/book.ts': `import { handler, topicsMatching, Type } from 'pyrallel'
export default handler(topicsMatching(/^orders\\./, { schema: Type.Object({ id: Type.String() }) }), () => {})`,
  'generated/routes.ts': `import book from '../handlers/book.ts'
export const routes = [{ id: 'book', file: 'handlers/book.ts', topic: '/^orders\\\\./', group: null, handler: book }]`,
}

const on =
  (cluster: MemoryCluster): Connect =>
  async () =>
    cluster.connection()

function aCluster(...names: readonly string[]): MemoryCluster {
  const cluster = memoryCluster()
  for (const name of names) cluster.createTopic(name)
  return cluster
}

describe('a pattern of topics', () => {
  it('is looked up by `topics`, which makes the dead-letter topics of what it matches', async () => {
    const cluster = aCluster('orders.eu', 'payments')
    const io = testIo(projectFolder(project))
    assert.equal(await topics({ partitions: 6, create: true }, io, on(cluster)), 0)
    assert.match(io.out(), /✓ orders\.eu +4 partitions +read by book\n/)
    assert.match(io.out(), /\+ orders\.eu\.shop\.dlq +created with 6/)
    assert.deepEqual(
      (await cluster.connection().view.topics()).map(({ name }) => name),
      ['orders.eu', 'orders.eu.shop.dlq', 'payments'],
    )
  })

  it('is told by `topics` where it matches nothing yet, and as JSON', async () => {
    const io = testIo(projectFolder(project))
    assert.equal(await topics({ partitions: 6 }, io, on(aCluster())), 0)
    assert.match(io.out(), /\/\^orders\\\.\/ of book matches no topic yet\.\n/)
    const json = testIo(projectFolder(project))
    await topics({ partitions: 6, json: true }, json, on(aCluster('orders.eu')))
    assert.deepEqual(JSON.parse(json.out()).patterns, [
      { handler: 'book', pattern: '/^orders\\./', topics: ['orders.eu'] },
    ])
  })

  it('is told by `doctor`, with what it matches and who looks for more', async () => {
    const io = testIo(projectFolder(project))
    await doctor({ json: true }, io, on(aCluster('orders.eu', 'orders.eu.shop.dlq')))
    const { findings } = JSON.parse(io.out())
    const found = findings.find(({ what }: { readonly what: string }) => what === 'pattern of book')
    assert.deepEqual(found, {
      what: 'pattern of book',
      state: 'well',
      detail: '/^orders\\./ matches orders.eu; each process looks for others every 2 s',
    })
    const none = testIo(projectFolder(project))
    await doctor({ json: true }, none, on(aCluster()))
    const warned = JSON.parse(none.out()).findings.find(
      (each: { readonly what: string }) => each.what === 'pattern of book',
    )
    assert.equal(warned.state, 'warning')
  })

  it('is warned of where another one of the group matches the same topic', () => {
    const config = resolveConfig({ group: 'shop' }, 'config')
    const entry = (id: string, pattern: RegExp) => {
      const own = handler(topicsMatching(pattern), () => {})
      return { id, file: `handlers/${id}.ts`, topic: own.topic.name, group: null, handler: own }
    }
    const handlers = resolveHandlers([entry('all', /^orders/), entry('eu', /\.eu$/)], config)
    const names = ['orders.eu', 'orders.us']
    const [shared] = examinePatterns(withFoundTopics(handlers, names), names).filter(
      ({ what }) => what === 'topic orders.eu',
    )
    assert.equal(shared?.detail, 'matched by the patterns of all and eu, and only all reads it')
  })

  it('says what a value that is sent to one of its topics must be', async () => {
    const cluster = aCluster('orders.eu')
    const folder = projectFolder(project)
    await assert.rejects(send('orders.eu', '{"id":1}', { count: 1, seed: 1 }, testIo(folder), on(cluster)), {
      code: 'PYR_SCHEMA',
    })
    assert.equal(await send('orders.eu', '{"id":"a"}', { count: 1, seed: 1 }, testIo(folder), on(cluster)), 0)
    await assert.rejects(send('orders.us', '{"id":"a"}', { count: 1, seed: 1 }, testIo(folder), on(cluster)), {
      message: /A handler reads what \/\^orders\\\.\/ matches, and so this one as soon as it is there: create it first/,
    })
  })

  it('allows a replay to the topics that it matches, and to no other', () => {
    const known = withMatched({ topics: ['/^orders\\./'], groups: ['shop'] }, [
      'orders.eu',
      'payments',
      'orders.eu.shop.dlq',
    ])
    assert.deepEqual([...allowedTargets('what-failed', known, [])], ['orders.eu'])
  })

  for (const [pattern, prefix] of [
    [/^orders\./, 'orders.'],
    [/^orders\.(eu|us)$/, 'orders.'],
    [/^orders?\./, 'order'],
    [/^orders\.?/, 'orders'],
    [/^a(x)|b(y)/, ''],
    [/^(a|b)/, ''],
    [/orders/, ''],
    [/^orders/i, ''],
    [/^a-b_c-d[.]/, 'a-b_c-d'],
    [/^a{0}b/, ''],
  ] as const) {
    it(`${pattern} begins with '${prefix}'`, () => {
      assert.equal(prefixOf(pattern), prefix)
    })
  }
})
