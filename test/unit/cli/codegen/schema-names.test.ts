/** What derived schemas are called, how they refer to each other, and where topics say their types. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { definitions, scan } from './project-on-disk.ts'

describe('names', () => {
  it('are those of the types, each defined once, also where it is used as an optional or null', () => {
    const found = definitions(
      "type Status = 'a' | 'b'\ninterface Item { n: 1 }\ninterface Value { one: Item; many: Item[]; maybe?: Item; nothing: Item | null; s?: Status; t: Status | null; u: Status | undefined }",
    )
    assert.equal(
      found.Value,
      'Type.Object({ one: Item, many: Type.Array(Item), maybe: Type.Optional(Item), nothing: Type.Union([Item, Type.Null()]), s: Type.Optional(Status), t: Type.Union([Status, Type.Null()]), u: Type.Optional(Status), })',
    )
    assert.deepEqual(Object.keys(found), ['Item', 'Status', 'Value'])
  })

  it('tell the arguments of generic types', () => {
    const found = definitions(
      'interface Envelope<T, Meta = null> { data: T; meta: Meta }\ninterface Order { id: string }\ntype Value = { a: Envelope<Order>; b: Envelope<string, 1>; c: Envelope<Order[]> }',
    )
    assert.deepEqual(Object.keys(found), [
      'EnvelopeOfOrderAndNull',
      'EnvelopeOfOrderAndNull2',
      'EnvelopeOfStringAnd_1',
      'Order',
      'Value',
    ])
    assert.equal(found.EnvelopeOfStringAnd_1, 'Type.Object({ data: Type.String(), meta: Type.Literal(1), })')
  })

  it('are numbered where two types have one, in the order of files', () => {
    const found = definitions(
      "import type { Item as Other } from '../b.ts'\ninterface Item { a: 1 }\ntype Value = { first: Item; second: Other }",
      { 'b.ts': 'export interface Item { b: 2 }' },
    )
    assert.equal(found.Item, 'Type.Object({ b: Type.Literal(2), })')
    assert.equal(found.Item2, 'Type.Object({ a: Type.Literal(1), })')
    assert.equal(found.Value, 'Type.Object({ first: Item2, second: Item, })')
  })

  it('are one where two types of one name say the same', () => {
    const found = definitions(
      "import type { Item as Other } from '../b.ts'\ninterface Item { a: 1 }\ntype Value = { first: Item; second: Other }",
      { 'b.ts': 'export interface Item { a: 1 }' },
    )
    assert.deepEqual(Object.keys(found), ['Item', 'Value'])
  })

  it('are taken from the topic where the type has none', () => {
    const { definitions: found } = scan({
      'handlers/a.ts':
        "import { handler } from 'pyrallel'\nexport default handler<{ a: 1 }>('users.signed-up', () => {})\n",
    })
    assert.deepEqual(
      found.map(({ name }) => name),
      ['UsersSignedUp'],
    )
  })
})

describe('types that lead back to themselves', () => {
  it('are defined once and refer to each other by name', () => {
    const found = definitions(
      'interface Tree { value: string; children: readonly Tree[]; owner?: Forest }\ninterface Forest { trees: Record<string, Tree> }\ntype Value = Tree',
    )
    assert.deepEqual(Object.keys(found), ['Forest', 'Tree'])
    assert.match(found.Tree ?? '', /children: Type.Array\(Tree\), owner: Type.Optional\(Forest\)/)
  })

  it('are found through unions, tuples, mapped and generic types', () => {
    const found = definitions(
      'type Json = null | string | number | boolean | Json[] | { [name: string]: Json }\ntype List<T> = [T, List<T>] | null\ninterface Node { parts?: Partial<Node>; self: Pick<Node, "self"> }\ntype Value = { json: Json; list: List<string>; node: Node }',
    )
    assert.equal(found.ListOfString, 'Type.Union([Type.Tuple([Type.String(), ListOfString]), Type.Null()])')
    assert.match(found.Json ?? '', /Type.Array\(Json\)/)
    assert.match(found.PartialNode ?? '', /parts: Type.Optional\(PartialNode\)/)
  })
})

describe('where a topic says its type', () => {
  const order = 'interface Order { id: string }\n'
  for (const [what, source] of [
    ['at topic<T>()', "const orders = topic<Order>('orders')\nexport default handler(orders, () => {})"],
    ['at handler<T>()', "export default handler<Order>('orders', () => {})"],
    [
      'at the parameter of key',
      "const orders = topic('orders', { key: (order: Order) => order.id })\nexport default handler(orders, () => {})",
    ],
    [
      'at the record',
      "import type { HandlerRecord } from 'pyrallel'\nexport default handler('orders', (record: HandlerRecord<Order>) => {})",
    ],
    ['at batchHandler<T>()', "export default batchHandler<Order>('orders', () => {})"],
    ['at the topic of a batch handler', "export default batchHandler(topic<Order>('orders'), () => {})"],
    [
      'at the batch',
      "import type { Batch } from 'pyrallel'\nexport default batchHandler('orders', (batch: Batch<Order>) => {})",
    ],
    [
      'at the record of the filter',
      "import type { HandlerRecord } from 'pyrallel'\nexport default handler('orders', { filter: (record: HandlerRecord<Order>) => true }, () => {})",
    ],
    [
      'at the constant',
      "import type { TopicDefinition } from 'pyrallel'\nconst orders: TopicDefinition<Order> = topic('orders')\nexport default handler(orders, () => {})",
    ],
  ] as const) {
    it(`is read ${what}`, () => {
      const { handlers, topics, diagnostics } = scan({
        'handlers/a.ts': `import { batchHandler, handler, topic } from 'pyrallel'\n${order}${source}\n`,
      })
      assert.deepEqual(diagnostics, [])
      assert.deepEqual(handlers[0]?.schema, { kind: 'derived', name: 'Order' })
      assert.deepEqual(topics, [{ name: 'orders', schema: { kind: 'derived', name: 'Order' } }])
    })
  }

  it('may be nowhere: then values are not checked', () => {
    const { handlers, definitions: found } = scan({
      'handlers/a.ts': "import { handler } from 'pyrallel'\nexport default handler('orders', () => {})\n",
    })
    assert.deepEqual(handlers[0]?.schema, { kind: 'none' })
    assert.deepEqual(found, [])
  })

  it('may be a schema of TypeBox, which comes before the type, and is read from syntax', () => {
    const { handlers, definitions: found } = scan({
      'handlers/a.ts':
        "import { handler, Type } from 'pyrallel'\nconst Id = Type.String({ minLength: 1 })\nexport default handler('orders', { schema: Type.Object({ id: Id, n: Type.Number({ minimum: -1 }) }) }, () => {})\n",
    })
    const schema = handlers[0]?.schema
    assert.equal(schema?.kind, 'explicit')
    assert.equal(schema.expression?.kind, 'call')
    assert.deepEqual(found, [])
  })

  it('may be a schema that only running the code could tell', () => {
    const { handlers, diagnostics } = scan({
      'handlers/a.ts':
        "import { handler } from 'pyrallel'\nexport default handler('orders', { schema: make() }, () => {})\n",
    })
    assert.deepEqual(diagnostics, [])
    assert.deepEqual(handlers[0]?.schema, { kind: 'explicit', expression: undefined })
  })
})

describe('types of libraries', () => {
  it('are opened when a topic needs them, and only those that are imported as types', () => {
    const files = {
      'node_modules/shapes/package.json':
        '{ "name": "shapes", "version": "1.0.0", "type": "module", "exports": { ".": { "types": "./index.d.ts" } } }',
      'node_modules/shapes/index.d.ts': "export type { Shape } from './shape.js'\n",
      'node_modules/shapes/shape.d.ts': 'export interface Shape { /** @minimum 0 */ r: number }\n',
    }
    const found = definitions("import type { Shape } from 'shapes'\ninterface Value { shape: Shape }", files)
    assert.deepEqual(found, {
      Shape: 'Type.Object({ r: Type.Number({ minimum: 0 }), })',
      Value: 'Type.Object({ shape: Shape, })',
    })
  })
})
