/** What the generator writes as AsyncAPI is accepted by AsyncAPI's own parser, and says what the handlers do. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Parser } from '@asyncapi/parser'
import { generate } from '../../../../cli/codegen/generate.ts'
import { exampleProject } from './example-project.ts'
import { projectOnDisk } from './project-on-disk.ts'

async function asyncApi(files: Readonly<Record<string, string>>): Promise<string> {
  const generation = await generate(projectOnDisk(files), 'shop')
  assert.deepEqual(generation.diagnostics, [])
  return generation.files.find(({ path }) => path === 'generated/asyncapi.json')?.content ?? ''
}

/** Errors and warnings; hints about newer versions and missing descriptions are no faults. */
async function parse(text: string) {
  const { document, diagnostics } = await new Parser().parse(text)
  const faults = diagnostics.filter(({ severity }) => severity <= 1)
  assert.deepEqual(
    faults.map(({ message, path }) => `${path.join('.')}: ${message}`).filter((fault) => !optional.test(fault)),
    [],
  )
  assert.ok(document !== undefined)
  return document
}

/** What a catalogue would like to know, and a generator cannot: who to ask, under which license. */
const optional = /^(info|):? ?.*(contact|license|servers|tags)/i

describe('asyncapi.json', () => {
  it('is accepted by the parser of AsyncAPI, recursive types and schemas in TypeBox included', async () => {
    const document = await parse(await asyncApi(exampleProject))
    assert.equal(document.version(), '3.0.0')
    assert.deepEqual(
      document
        .allChannels()
        .all()
        .map((channel) => channel.address()),
      ['anything', 'categories', 'orders.charged', 'orders.created', 'stock.moved', 'users.signed-up'],
    )
  })

  it('has a receive operation with its group for each handler, and a send operation for what is published', async () => {
    const document = await parse(await asyncApi(exampleProject))
    const operations = document.operations().all()
    const receives = operations
      .filter((each) => each.isReceive())
      .map((each) => {
        const kafka = each.bindings().get('kafka')?.json<{ readonly groupId: { readonly enum: readonly string[] } }>()
        return `${each.id()} ${each.channels().all()[0]?.address()} ${kafka?.groupId.enum[0]}`
      })
    assert.deepEqual(receives, [
      'receive.anything anything shop',
      'receive.billing.charge-order orders.created billing',
      'receive.remove orders.created shop',
      'receive.score categories shop',
      'receive.track-stock stock.moved shop',
      'receive.welcome-email users.signed-up shop',
    ])
    assert.deepEqual(
      operations.filter((each) => each.isSend()).map((each) => `${each.id()} ${each.channels().all()[0]?.address()}`),
      ['send.billing.charge-order:orders.charged orders.charged', 'send.billing.charge-order:stock.moved stock.moved'],
    )
  })

  it('has the schema of the values and that keys are texts', async () => {
    const document = await parse(await asyncApi(exampleProject))
    const channel = document
      .allChannels()
      .all()
      .find((each) => each.address() === 'orders.created')
    const [message] = channel?.messages().all() ?? []
    const payload = message?.payload()
    assert.equal(payload?.properties()?.total?.minimum(), 0)
    assert.equal(payload?.properties()?.at?.format(), 'date-time')
    assert.equal(payload?.properties()?.total?.description(), 'In the currency of the shop.')
    assert.equal(
      message?.bindings().get('kafka')?.json<{ readonly key: { readonly type: string } }>().key.type,
      'string',
    )
  })

  it('has a message for each handler where handlers of one topic ask for different values', async () => {
    const source = (type: string, group: string) =>
      `import { handler } from 'pyrallel'\nexport default handler<${type}>('orders', { group: '${group}' }, () => {})\n`
    const document = await parse(
      await asyncApi({
        'handlers/a.ts': source('{ id: string }', 'a'),
        'handlers/b.ts': source('{ total: number }', 'b'),
      }),
    )
    const [channel] = document.allChannels().all()
    assert.deepEqual(
      channel
        ?.messages()
        .all()
        .map((message) => message.id()),
      ['value', 'value-of-a', 'value-of-b'],
    )
    const payloads = document
      .operations()
      .all()
      .map((each) => Object.keys(each.messages().all()[0]?.payload()?.properties() ?? {}))
    assert.deepEqual(payloads, [['id'], ['total']])
  })

  it('keeps handlers apart whose ids and topics differ in nothing but dots and slashes', async () => {
    const of = (group: string, topic: string) =>
      `import { handler, topic } from 'pyrallel'\nconst out = topic<string>('${topic}')\n` +
      `export default handler<${group === 'g1' ? 'string' : 'number'}>('t', { group: '${group}' }, (_record, context) => context.publish(out, 'x'))\n`
    const document = await parse(
      await asyncApi({
        'handlers/a.ts': of('g1', 'b.c'),
        'handlers/a.b.ts': of('g2', 'c'),
        'handlers/a/b.ts': of('g3', 'c'),
      }),
    )
    const operations = document.operations().all()
    assert.deepEqual(operations.map((each) => each.id()).sort(), [
      'receive.a',
      'receive.a.b',
      'receive.a:b',
      'send.a.b.c',
      'send.a.b:c',
      'send.a:b.c',
    ])
  })
})
