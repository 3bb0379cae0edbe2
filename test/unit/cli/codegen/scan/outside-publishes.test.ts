/** What the generator says of handlers that publish past the transactions of exactly once. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { generate, warningsFor } from '../../../../../cli/codegen/generate.ts'
import { resolveConfig } from '../../../../../framework/config/resolve-config.ts'
import { projectOnDisk } from '../project-on-disk.ts'

const imports = "import { handler } from 'pyrallel'\n"
const runtime = `import { startPyrallel } from 'pyrallel'
export const runtime = await startPyrallel({ config: { group: 'shop' } })
`

async function warningsOf(files: Readonly<Record<string, string>>, exactlyOnce = true) {
  const generation = await generate(projectOnDisk(files), 'shop')
  assert.deepEqual(generation.diagnostics, [])
  const warnings = warningsFor(generation, resolveConfig({ group: 'shop', commit: { exactlyOnce } }, 'test'))
  return warnings.map(({ code, file, line, message }) => `${code} ${file}:${line} ${message.split(' ')[0]}`)
}

const told = (line: number, call: string, file = 'handlers/a.ts') => [
  `PYR_OUTSIDE_TRANSACTION ${file}:${line} \`${call}\``,
]

describe('a handler that publishes past the transaction', () => {
  it('is told of runtime.publish of its own project, with exactlyOnce and not without', async () => {
    const files = {
      'runtime.ts': runtime,
      'handlers/a.ts': `${imports}import { runtime } from '../runtime.ts'
export default handler('orders', async ({ value }) => {
  await runtime.publish('invoices', value)
})
`,
    }
    assert.deepEqual(await warningsOf(files), told(4, 'runtime.publish'))
    assert.deepEqual(await warningsOf(files, false), [])
  })

  for (const [what, lines, call] of [
    [
      'a publisher',
      "import { connectPublisher } from 'pyrallel'\nexport const out = await connectPublisher(connection)",
      'out.publish',
    ],
    [
      'a producer of kafkajs',
      "import { Kafka } from 'kafkajs'\nconst kafka = new Kafka({ brokers: [] })\nexport const out = kafka.producer()",
      'out.send',
    ],
    [
      'a producer of @platformatic/kafka',
      "import { Producer } from '@platformatic/kafka'\nexport const out = new Producer({ clientId: 'a' })",
      'out.send',
    ],
    [
      'a producer of a namespace',
      "import * as rdkafka from 'node-rdkafka'\nexport const out = new rdkafka.Producer({})",
      'out.produce',
    ],
  ] as const) {
    it(`is told of ${what} that it imports`, async () => {
      const files = {
        'lib/out.ts': `declare const connection: never\n${lines}\n`,
        'handlers/a.ts': `${imports}import { out } from '../lib/out.ts'
export default handler('orders', async ({ value }) => ${call}('invoices', value))
`,
      }
      assert.deepEqual(await warningsOf(files), told(3, call))
    })
  }

  it('is told of a function that it calls, where that stands, once for all handlers', async () => {
    const file = (topic: string) => `${imports}import { bill } from '../lib/bill.ts'
export default handler('${topic}', async (record) => bill(record.value))
`
    const files = {
      'runtime.ts': runtime,
      'lib/bill.ts': `import { runtime } from '../runtime.ts'
export async function bill(value: unknown) {
  await send(value)
}
const send = async (value: unknown) => runtime.publish('invoices', value)
`,
      'handlers/a.ts': file('orders'),
      'handlers/b.ts': file('returns'),
    }
    assert.deepEqual(await warningsOf(files), told(5, 'runtime.publish', 'lib/bill.ts'))
  })

  it('is told where publish was taken out of it, and where its function has a name', async () => {
    const files = {
      'runtime.ts': `import { startPyrallel } from 'pyrallel'
export const { publish: send } = await startPyrallel({ config: { group: 'shop' } })
`,
      'handlers/a.ts': `${imports}import { send } from '../runtime.ts'
async function run({ value }: { value: unknown }) {
  await send('invoices', value)
}
export default handler('orders', run)
`,
    }
    assert.deepEqual(await warningsOf(files), told(4, 'send'))
  })

  it('hears nothing of what it is given, of what others publish, and of what it does not call', async () => {
    const files = {
      'runtime.ts': `${runtime}export async function onRequest() {
  await runtime.publish('requests', {})
}
export const bus = { publish(_name: string) {}, send(_name: string) {} }
`,
      'handlers/a.ts': `${imports}import { bus, runtime } from '../runtime.ts'
export default handler('orders', async ({ value }, context) => {
  await context.publish('invoices', value)
  bus.publish('seen')
  bus.send('seen')
  runtime.snapshot()
  loop(3)
})
function loop(left: number): void {
  if (left > 0) loop(left - 1)
}
`,
      'handlers/b.ts': `${imports}
export default handler('returns', async ({ value }, { publish }) => publish('invoices', value))
`,
    }
    assert.deepEqual(await warningsOf(files), [])
  })
})
