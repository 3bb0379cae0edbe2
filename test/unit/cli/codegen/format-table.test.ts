/** The table of topics that are written in a format: of all that the project declares, whoever reads them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Generation, generate, writeFiles } from '../../../../cli/codegen/generate.ts'
import { projectOnDisk } from './project-on-disk.ts'

const constant = (name: string, subject: string, id: number) => `import type { PulledSchema } from 'pyrallel'
export const ${name}: PulledSchema<bigint> = {
  kind: 'pyrallel.schema', format: 'avro', subject: '${subject}', id: ${id}, guid: '89791762-2336-4186-9674-299b90a802e2', fingerprint: 'f${id}', text: '"long"',
}
`
const registry = {
  'generated/registry/orders-value.ts': constant('ordersValue', 'orders-value', 7),
  'generated/registry/orders-key.ts': constant('ordersKey', 'orders-key', 8),
}

/** A handler that reads JSON, and what stands above it. */
const charge = (
  declared: string,
  options = '',
  publish = '',
) => `import { avro, handler, jsonSchema, topic } from 'pyrallel'
import { ordersKey } from '../generated/registry/orders-key.ts'
import { ordersValue } from '../generated/registry/orders-value.ts'
${declared}
export default handler<{ readonly id: string }>('payments',${options} async (record, { publish }) => {${publish}})
`

async function made(files: Readonly<Record<string, string>>) {
  const generation = await generate(projectOnDisk({ ...registry, ...files }), 'shop')
  return { ...generation, textOf: (path: string) => textOf(generation, path) }
}

function textOf({ files }: Generation, path: string): string | undefined {
  return files.find((file) => file.path === path)?.content
}

function told({ diagnostics }: Pick<Generation, 'diagnostics'>): readonly string[] {
  return diagnostics.map(({ code, file, line, message }) => `${code} ${file}:${line} ${message}`)
}

describe('the table of formats', () => {
  it('has topics that are only published to, with their options, for the event loop and for threads', async () => {
    const declared = `const orders = topic('orders', { format: avro(ordersValue, { tombstones: true }), keyFormat: avro(ordersKey, { subjects: 'topic' }) })
const raw = topic('raw', { values: 'bytes' })`
    const found = await made({
      'handlers/charge.ts': charge(
        declared,
        " { engine: 'worker' },",
        'await publish(orders, 1n); await publish(raw, null)',
      ),
    })
    assert.deepEqual(told(found), [])
    const [, ...lines] = found.textOf('generated/formats.ts')?.split('\n') ?? []
    assert.deepEqual(lines, [
      "import { avro } from 'pyrallel'",
      "import { ordersKey } from './registry/orders-key.ts'",
      "import { ordersValue } from './registry/orders-value.ts'",
      '',
      '/** What `publish` and `send` write the values and keys of these topics in. */',
      'export const topicFormats = {',
      "  orders: { format: avro(ordersValue, { tombstones: true }), keyFormat: avro(ordersKey, { subjects: 'topic' }) },",
      "  raw: { values: 'bytes' },",
      '} as const',
      '',
    ])
    const routes = found.textOf('generated/routes.ts')
    assert.match(routes ?? '', /^import \{ topicFormats \} from '\.\/formats\.ts'$/m)
    assert.match(routes ?? '', /^ {4}topicSchemas,\n {4}topicFormats,$/m)
    const thread = found.textOf('generated/workers/charge.ts')
    assert.match(thread ?? '', /^import \{ topicFormats \} from '\.\.\/formats\.ts'$/m)
    assert.match(thread ?? '', /runThread\(handlerModule, \{ schema: \w+, topicSchemas, topicFormats \}\)/)
  })

  it('is not there where no topic has any, and goes with the last', async () => {
    const plain = await made({ 'handlers/charge.ts': charge('') })
    assert.deepEqual([told(plain), plain.textOf('generated/formats.ts')], [[], undefined])
    assert.doesNotMatch(plain.textOf('generated/routes.ts') ?? '', /topicFormats/)
    const root = projectOnDisk({ ...registry, 'handlers/charge.ts': charge(''), 'generated/formats.ts': 'export {}\n' })
    const { stale } = await generate(root, 'shop')
    const [obsolete] = stale.filter(({ path }) => path === 'generated/formats.ts')
    assert.equal(obsolete?.isObsolete, true)
    writeFiles(root, stale)
    assert.deepEqual((await generate(root, 'shop')).stale, [])
  })

  it('tells constants of one name apart, and takes them from any file of their own', async () => {
    const more = `import { ordersValue as other, raw } from '../schemas.ts'
const orders = topic('orders', { format: avro(ordersValue) })
const others = topic('others', { format: avro(other, { framing: 'id' }) })
const raws = topic('it.s raw', { format: avro(raw) })`
    const schemas = `${constant('ordersValue', 'others-value', 9)}export const raw = ordersValue\n`
    const found = await made({ 'handlers/charge.ts': charge(more), 'schemas.ts': schemas })
    assert.deepEqual(told(found), [])
    const text = found.textOf('generated/formats.ts') ?? ''
    assert.match(text, /^import \{ ordersValue \} from '\.\/registry\/orders-value\.ts'$/m)
    assert.match(text, /^import \{ ordersValue as ordersValue2 \} from '\.\.\/schemas\.ts'$/m)
    assert.match(text, /^ {2}'it\.s raw': \{ format: avro\(ordersValue2\) \},$/m)
    assert.match(text, /^ {2}orders: \{ format: avro\(ordersValue\) \},$/m)
    assert.match(text, /^ {2}others: \{ format: avro\(ordersValue2\) \},$/m)
  })

  it('has the format of a topic of which another handler wants the bytes', async () => {
    const bytes = `import { handler, topic } from 'pyrallel'
export default handler(topic('orders', { values: 'bytes' }), () => {})
`
    const found = await made({
      'handlers/audit.ts': bytes,
      'handlers/charge.ts': charge("const orders = topic('orders', { format: avro(ordersValue) })"),
    })
    assert.deepEqual(told(found), [])
    assert.match(found.textOf('generated/formats.ts') ?? '', /^ {2}orders: \{ format: avro\(ordersValue\) \},$/m)
  })

  it('is refused where a constant cannot be imported, or options are computed', async () => {
    const own = `const mine = { kind: 'pyrallel.schema', format: 'avro', subject: 's', id: 1, guid: null, fingerprint: '', text: '"long"' } as const
const orders = topic('orders', { format: avro(mine) })`
    const unimportable =
      'The schema of the values is no exported constant of a file without a handler, and generated files import it.'
    assert.deepEqual(told(await made({ 'handlers/charge.ts': charge(own) })), [
      `PYR_HANDLER_STATIC handlers/charge.ts:5 ${unimportable}`,
    ])
    assert.deepEqual(
      told(await made({ 'handlers/charge.ts': charge(own.replace('const mine', 'export const mine')) })),
      [`PYR_HANDLER_STATIC handlers/charge.ts:5 ${unimportable}`],
    )
    const inline = "const orders = topic('orders', { format: avro({ ...ordersValue }) })"
    assert.deepEqual(told(await made({ 'handlers/charge.ts': charge(inline) })), [
      `PYR_HANDLER_STATIC handlers/charge.ts:4 ${unimportable}`,
    ])
    for (const options of ['pick()', '{ ...pick() }', '{ framing: pick() }', '{ tombstones: 1 > 2 }']) {
      const computed = `declare function pick(): never
const orders = topic('orders', { format: avro(ordersValue, ${options}) })`
      assert.deepEqual(
        told(await made({ 'handlers/charge.ts': charge(computed) })),
        [
          'PYR_HANDLER_STATIC handlers/charge.ts:5 The options of the format are computed at run time, but they must be readable without running code.',
        ],
        options,
      )
    }
  })

  it('has no option that there is not, and no value that an option does not have: a typing error would be taken for the default', async () => {
    const cases: readonly (readonly [options: string, message: string, fix: string])[] = [
      [
        '{ tombstone: true }',
        'A format has no option `tombstone`.',
        'Did you mean "tombstones"? Correct the name, or remove the option.',
      ],
      [
        "{ framing: 'id', 'id': 7 }",
        'A format has no option `id`.',
        'Known: framing, subjects, tombstones. Correct the name, or remove the option.',
      ],
      ["{ framing: 'guide' }", "The framing is 'guide', which does not exist.", "Write one of 'id', 'guid', 'header'."],
      [
        "{ subjects: 'records' }",
        "The rule `subjects` is 'records', which does not exist.",
        "Write one of 'topic', 'record', 'topic-record'.",
      ],
      [
        "{ framing: 'guid' }",
        "The framing 'guid' writes the GUID of the schema, and the registry that it was pulled from gives none.",
        'Leave `framing` out, and ids are written.',
      ],
    ]
    for (const part of ['format', 'keyFormat'] as const) {
      for (const [options, message, fix] of cases) {
        const written = `const orders = topic('orders', { ${part}: avro(ordersValue, ${options}) })`
        const ids = registry['generated/registry/orders-value.ts'].replace(/guid: '.*?'/, 'guid: null')
        const { diagnostics } = await made({
          'generated/registry/orders-value.ts': ids,
          'handlers/charge.ts': charge(written),
        })
        assert.deepEqual(
          diagnostics.map((each) => [each.code, each.line, each.message, each.fix]),
          [['PYR_HANDLER_OPTION', 4, message, fix]],
          options,
        )
      }
    }
  })

  it('is one for all: two formats of one topic are told with both places', async () => {
    const read = (format: string) => `import { avro, handler, topic } from 'pyrallel'
import { ordersKey } from '../generated/registry/orders-key.ts'
import { ordersValue } from '../generated/registry/orders-value.ts'
export default handler(topic('orders', { format: ${format} }), { group: 'other' }, () => {})
`
    const declared = "const orders = topic('orders', { format: avro(ordersValue) })"
    for (const format of [
      'avro(ordersKey)',
      "avro(ordersValue, { framing: 'header' })",
      'avro(ordersValue, { tombstones: true })',
    ]) {
      const found = await made({ 'handlers/charge.ts': charge(declared), 'handlers/read.ts': read(format) })
      assert.deepEqual(
        told(found),
        [
          "PYR_TOPIC_TYPE handlers/read.ts:4 The topic 'orders' is declared before (handlers/charge.ts:4), with another format. A topic has one: whoever publishes and whoever reads must agree on it.",
        ],
        format,
      )
    }
    const same = await made({
      'handlers/charge.ts': charge(declared),
      'handlers/read.ts': read('avro(ordersValue, { tombstones: false })'),
    })
    assert.deepEqual(told(same), [])
  })
})
