/** Mistakes that are not in one handler alone: cycles of imports, syntax errors further away, names that cannot be. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Diagnostic } from '../../../../cli/diagnostics/diagnostic.ts'
import { scan } from './project-on-disk.ts'

const imports = "import { handler, topic } from 'pyrallel'\n"
const good = `${imports}export default handler('orders', () => {})\n`

function only(files: Readonly<Record<string, string>>): Diagnostic {
  const { diagnostics } = scan(files)
  assert.equal(diagnostics.length, 1, JSON.stringify(diagnostics, null, 2))
  const [diagnostic] = diagnostics
  assert.ok(diagnostic !== undefined)
  return diagnostic
}

describe('a cycle of imports', () => {
  it('through a handler is refused, with the way around and the import that closes it', () => {
    const diagnostic = only({
      'handlers/a.ts': `${imports}import { help } from './_help.ts'\nexport const limit = 5\nexport default handler('orders', () => help())\n`,
      'handlers/_help.ts': "import { rest } from '../rest.ts'\nexport const help = () => rest\n",
      'rest.ts': "import { limit } from './handlers/a.ts'\nexport const rest = limit\n",
    })
    assert.equal(diagnostic.code, 'PYR_IMPORT_CYCLE')
    assert.equal(diagnostic.file, 'rest.ts')
    assert.match(diagnostic.message, /handlers\/a\.ts → handlers\/_help\.ts → rest\.ts → handlers\/a\.ts\./)
    assert.match(diagnostic.fix, /a file of its own, or import types with `import type`/)
    assert.match(diagnostic.frame, /\^{17}/)
  })

  it('through a file with topics is refused, once', () => {
    const diagnostic = only({
      'handlers/a.ts': `${imports}import { orders } from '../topics.ts'\nexport default handler(orders, () => {})\n`,
      'topics.ts': `${imports}import { name } from './names.ts'\nexport const orders = topic('orders')\nexport const key = name\n`,
      'names.ts': "import { key } from './topics.ts'\nexport const name = () => key\n",
    })
    assert.match(diagnostic.message, /names\.ts/)
  })

  for (const [what, back] of [
    [
      'import type',
      "import type { Order } from '../topics.ts'\nexport type Name = Order['id']\nexport const name = 1\n",
    ],
    [
      'an import of a type by its name',
      "import { type Order } from '../topics.ts'\nexport type Name = Order['id']\nexport const name = 1\n",
    ],
    [
      'an import that turns out to be a type',
      "import { Order } from '../topics.ts'\nexport type Name = Order['id']\nexport const name = 1\n",
    ],
  ] as const) {
    it(`is none with ${what}`, () => {
      const { diagnostics } = scan({
        'handlers/a.ts': `${imports}import { orders } from '../topics.ts'\nexport default handler(orders, () => {})\n`,
        'topics.ts': `${imports}import { name } from './shared/names.ts'\nexport interface Order { id: string }\nexport const orders = topic<Order>('orders')\nexport const key = name\n`,
        'shared/names.ts': back,
      })
      assert.deepEqual(diagnostics, [])
    })
  }

  it('between other files is their own affair, and is read to its end', () => {
    const { diagnostics } = scan({
      'handlers/a.ts': `${imports}import { even } from '../even.ts'\nexport default handler('orders', () => even(2))\n`,
      'even.ts': "import { odd } from './odd.ts'\nexport const even = (n: number): boolean => n === 0 || odd(n - 1)\n",
      'odd.ts': "import { even } from './even.ts'\nexport const odd = (n: number): boolean => n !== 0 && even(n - 1)\n",
    })
    assert.deepEqual(diagnostics, [])
  })
})

describe('a syntax error', () => {
  it('in a file that a handler imports is told at its place', () => {
    const { diagnostics } = scan({
      'handlers/a.ts': `${imports}import { orders } from './_topics.ts'\nexport default handler(orders, () => {})\n`,
      'handlers/_topics.ts': `${imports}export const orders = topic('orders'\n`,
    })
    const [first] = diagnostics
    assert.equal(first?.file, 'handlers/_topics.ts')
    assert.equal(first?.code, 'PYR_SYNTAX')
    assert.match(first?.message ?? '', /^Syntax error: /)
    assert.match(first?.fix ?? '', /Correct the syntax/)
  })
})

describe('a name', () => {
  it('with spaces is refused as an id, with the name that the file could have', () => {
    const diagnostic = only({ 'handlers/billing/charge the order.ts': good })
    assert.equal(diagnostic.code, 'PYR_HANDLER_OPTION')
    assert.match(diagnostic.message, /The id 'billing\/charge the order', which is the file's path, has a character/)
    assert.match(
      diagnostic.fix,
      /Rename the file to handlers\/billing\/charge-the-order\.ts, or give the handler an id: \{ id: 'billing\/charge-the-order' \}/,
    )
  })

  it('with spaces is fine for a file whose handler has an id', () => {
    const { diagnostics, handlers } = scan({
      'handlers/charge the order.ts': `${imports}export default handler('orders', { id: 'charge' }, () => {})\n`,
    })
    assert.deepEqual(diagnostics, [])
    assert.equal(handlers[0]?.file, 'handlers/charge the order.ts')
  })

  it('is refused as an id that leads out of a folder', () => {
    for (const id of ['../up', 'a//b', '/a', '.', 'a/..']) {
      assert.match(
        only({ 'handlers/a.ts': good.replace('() =>', `{ id: '${id}' }, () =>`) }).message,
        /has a character|The id/,
      )
    }
  })

  for (const topic of ['orders created', 'orders/created', '..', 'ö', 'x'.repeat(250), '']) {
    it(`is refused as a topic that Kafka would refuse: '${topic.slice(0, 20)}'`, () => {
      const diagnostic = only({ 'handlers/a.ts': good.replace("'orders'", `'${topic}'`) })
      assert.equal(diagnostic.code, 'PYR_HANDLER_OPTION')
      assert.match(diagnostic.message, /a name that Kafka refuses/)
    })
  }

  it('is refused as a group that the config would refuse', () => {
    const diagnostic = only({ 'handlers/a.ts': good.replace('() =>', "{ group: 'my group' }, () =>") })
    assert.match(diagnostic.message, /^The group 'my group' is not a name/)
    assert.match(diagnostic.fix, /'my-group'/)
  })
})

describe('what is published', () => {
  it("is found for topics wherever they are published to, and for names where the context is the handler's own", () => {
    const { handlers } = scan({
      'handlers/a.ts': `${imports}import { tell } from './_tell.ts'
const bus = { publish: (name: string) => name }
export default handler('orders', async (record, { publish }) => {
  bus.publish('not.kafka')
  await publish('by.name', 1)
  await tell(record)
})
`,
      'handlers/b.ts': `${imports}export default handler('others', async (record, context) => context.publish(process.env.T, 1))\n`,
      'handlers/_tell.ts': `import { invoices } from '../topics.ts'
export const tell = async (context) => context.publish(invoices, { id: '1' })
`,
      'topics.ts': `${imports}export const invoices = topic<{ id: string }>('invoices')\n`,
    })
    assert.deepEqual(
      handlers.map(({ id, publishes }) => [id, publishes]),
      [
        ['a', ['by.name', 'invoices']],
        ['b', []],
      ],
    )
  })
})
