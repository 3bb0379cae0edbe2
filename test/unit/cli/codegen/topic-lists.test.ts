/** What is generated for handlers of several topics, and what of them is refused. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Parser } from '@asyncapi/parser'
import { generate } from '../../../../cli/codegen/generate.ts'
import { offsetChanges } from '../../../../cli/codegen/offset-changes.ts'
import { projectOnDisk } from './project-on-disk.ts'

const declared = `import { handler, topic } from 'pyrallel'
export const orders = topic<{ readonly total: number }>('orders')
export const payments = topic<{ readonly amount: number }>('payments')
`

async function made(list: string, options = '{}') {
  const book = `import { handler } from 'pyrallel'
import { orders, payments } from './_topics.ts'
const both = [orders, payments] as const
export default handler(${list}, ${options}, () => {})
`
  const project = projectOnDisk({ 'handlers/_topics.ts': declared, 'handlers/book.ts': book })
  const { files, diagnostics } = await generate(project, 'shop')
  const textOf = (path: string) => files.find((file) => file.path === path)?.content ?? ''
  return { textOf, diagnostics: diagnostics.map(({ code, message }) => `${code}: ${message}`) }
}

describe('a list of topics', () => {
  it('has a route for each topic, with the schema of its type', async () => {
    const { textOf, diagnostics } = await made("[orders, payments, 'refunds']")
    assert.deepEqual(diagnostics, [])
    const routes = textOf('generated/routes.ts')
    assert.deepEqual(
      [...routes.matchAll(/id: '(\w+)'|topic: '(\w+)'|schema: (\w+)/g)].map(([text]) => text),
      [
        ...["id: 'book'", "topic: 'orders'", 'schema: Orders'],
        ...["id: 'book'", "topic: 'payments'", 'schema: Payments'],
        ...["id: 'book'", "topic: 'refunds'"],
      ],
    )
    assert.equal(routes.match(/import bookHandler/g)?.length, 1)
  })

  it('may be written as a constant', async () => {
    const { textOf, diagnostics } = await made('both')
    assert.deepEqual(diagnostics, [])
    assert.match(textOf('generated/routes.ts'), /topic: 'payments'/)
  })

  it('has one module for its threads, with the schemas by topic', async () => {
    const { textOf } = await made('[orders, payments]', "{ engine: 'worker' }")
    const worker = textOf('generated/workers/book.ts')
    assert.match(
      worker,
      /runThread\(handlerModule, \{ schemas: \{ 'orders': Orders, 'payments': Payments \}, topicSchemas \}\)/,
    )
  })

  it("has an operation for each topic in asyncapi.json, which AsyncAPI's parser accepts", async () => {
    const text = (await made('[orders, payments]')).textOf('generated/asyncapi.json')
    const { document } = await new Parser().parse(text)
    const operations = document?.operations().all() ?? []
    assert.deepEqual(
      operations.map((each) => `${each.id()} ${each.channels().all()[0]?.address()}`),
      ['receive:book.orders orders', 'receive:book.payments payments'],
    )
  })

  for (const [what, list, message] of [
    ['is empty', '[]', 'PYR_HANDLER_STATIC: The list of topics is empty.'],
    ['names a topic twice', "[orders, 'orders']", "PYR_HANDLER_DUPLICATE: The list names the topic 'orders' twice."],
    [
      'holds what is computed',
      '[orders, String(1)]',
      'PYR_HANDLER_STATIC: The topic is computed at run time, but it must be readable without running code.',
    ],
  ] as const) {
    it(`is refused where it ${what}`, async () => {
      assert.deepEqual((await made(list)).diagnostics, [message])
    })
  }

  it('tells a bad id once, and not at each topic', async () => {
    const { diagnostics } = await made('[orders, payments]', "{ id: 'a b' }")
    assert.equal(diagnostics.length, 1)
  })
})

describe('the offsets of a handler of several topics', () => {
  const at = (topic: string) => ({ id: 'book', file: 'handlers/book.ts', topic, group: null, ordering: null }) as const
  const manifest = JSON.stringify({ group: 'shop', handlers: [at('orders'), at('payments')] })

  it('do not change with the order of the list, nor with a topic that comes to it', () => {
    assert.deepEqual(offsetChanges(manifest, [at('payments'), at('refunds'), at('orders')], 'shop'), [])
  })

  it('are told of a topic that leaves the list', () => {
    const changes = offsetChanges(manifest, [at('orders')], 'shop')
    assert.deepEqual(
      changes.map(({ before, after, consequence }) => [before, after, consequence]),
      [['orders,payments', 'orders', "Records of 'payments' that are not done stay undone."]],
    )
  })
})
