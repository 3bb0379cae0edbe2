/** `pyrallel dev` as a process, while the schema of its topic is pulled again: what runs then, and what does when that cannot be used. */
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { pulledFile } from '../../cli/schemas/pulled-file.ts'
import { loadProtobuf } from '../../framework/formats/protobuf/protobuf-library.ts'
import type { SubjectVersion } from '../../framework/registry/schema-registry.ts'
import { aProject, command } from './command-process.ts'
import { config, save, timeout } from './dev-loops.ts'

const file = 'generated/registry/orders-value.ts'
const functions = { avro: 'avro', protobuf: 'protobuf', 'json-schema': 'jsonSchema' } as const

/** The second version knows a field more, with what it is where nobody has written it. */
const texts = {
  avro: (version: number) =>
    JSON.stringify({
      type: 'record',
      name: 'Order',
      fields: [
        { name: 'id', type: 'int' },
        ...(version === 1 ? [] : [{ name: 'note', type: 'string', default: 'none' }]),
      ],
    }),
  protobuf: (version: number) =>
    `syntax = "proto3"; message Order { int32 id = 1; ${version === 1 ? '' : 'string note = 2;'} }`,
  'json-schema': (version: number) =>
    JSON.stringify({
      type: 'object',
      title: version === 1 ? 'Order' : 'Note',
      properties: { id: { type: 'integer' } },
      required: ['id'],
    }),
}

function pulled(format: keyof typeof texts, version: number): string {
  const schema: SubjectVersion = {
    subject: 'orders-value',
    version,
    id: 16 + version,
    guid: null,
    format,
    text: texts[format](version),
    references: [],
    rules: [],
  }
  return pulledFile(schema)
}

/** Tells by which schema a value was read. */
const files = (format: keyof typeof texts, engine: string) => ({
  'pyrallel.config.ts': config(),
  [file]: pulled(format, 1),
  'topics.ts': `import { ${functions[format]}, topic } from 'pyrallel'
import { ordersValue } from './generated/registry/orders-value.ts'
export const orders = topic('orders', { format: ${functions[format]}(ordersValue) })
`,
  'handlers/orders.ts': `import { DeadLetter, handler } from 'pyrallel'
import { orders } from '../topics.ts'
import { ordersValue } from '../generated/registry/orders-value.ts'
export default handler(orders, { engine: '${engine}' }, ({ value }) => {
  throw new DeadLetter('version-' + ('note' in value || ordersValue.text.includes('Note') ? 2 : 1))
})
`,
  'handlers/_traffic.ts': `import { orders } from '../topics.ts'
export const traffic = function* () { for (let id = 1; ; id++) yield { topic: orders, value: { id } } }
`,
})

async function started(format: keyof typeof texts, engine: string) {
  const root = aProject(files(format, engine))
  const dev = command(root, ['dev', '--broker', 'memory', '--traffic', '--rate', '15'])
  const out = await dev.seen(/✗ orders\[\d\]@\d+ .*version-1/)
  return { root, dev, out }
}

const versionTwo = /✗ orders\[\d\]@\d+ .*version-2/

describe('a registry that nobody answers for', () => {
  it('is told as such of a record that waits for it, where it is', timeout, async () => {
    const root = aProject({
      ...files('avro', 'async'),
      // Another registry has given this id.
      'handlers/_traffic.ts': `export const traffic = function* () { yield { topic: 'orders', value: Buffer.of(0, 0, 0, 0, 9, 2) } }\n`,
    })
    const dev = command(root, ['dev', '--broker', 'memory', '--traffic', '--registry', 'http://127.0.0.1:1'])
    await dev.seen(/schema registry http:\/\/127\.0\.0\.1:1\n/)
    await dev.seen(
      /! orders\[\d\]@0 {2}orders {2}cannot be read yet, and waits with its key: Nothing answers for the registry at http:\/\/127\.0\.0\.1:1 \(ECONNREFUSED\)/,
    )
    dev.signal('SIGINT')
    assert.equal((await dev.ended).end, 0)
  })
})

describe('a schema that is pulled while dev runs', () => {
  before(() => loadProtobuf())

  for (const [format, engine] of [
    ['avro', 'async'],
    ['avro', 'worker'],
    ['protobuf', 'async'],
    ['protobuf', 'worker'],
    ['json-schema', 'async'],
    ['json-schema', 'worker'],
  ] as const) {
    it(
      `is the one that values are read and written with, without a restart: ${format}, ${engine}`,
      timeout,
      async () => {
        const { root, dev } = await started(format, engine)
        save(root, file, pulled(format, 2))
        await dev.seen(/⟳ reloaded orders/)
        const out = await dev.seen(versionTwo)
        assert.doesNotMatch(out, /revoked/)
        dev.signal('SIGINT')
        assert.equal((await dev.ended).end, 0)
      },
    )
  }

  for (const [what, format, broken, message] of [
    [
      'Avro that names what is not there',
      'avro',
      (text: string) => text.replace('"type":"int"', '"type":"whole"'),
      /topics\.ts:3:\d+ PYR_SCHEMA_REFUSED .*\n.*cannot be read: .*\bwhole\b/,
    ],
    [
      'a file with the marks of a merge',
      'avro',
      (text: string) => `<<<<<<< HEAD\n${text}`,
      /generated\/registry\/orders-value\.ts:1:1 PYR_SYNTAX .*\n.*[Mm]erge conflict/,
    ],
    [
      'Protobuf without a number',
      'protobuf',
      (text: string) => text.replace('int32 id = 1', 'int32 id'),
      /topics\.ts:3:\d+ PYR_SCHEMA_REFUSED .*\n.*cannot be read: line 1: ";" stands where "=" is wanted \(generated\/registry\/orders-value\.ts:\d+\)/,
    ],
    [
      'a JSON Schema with a type that is none',
      'json-schema',
      (text: string) => text.replace('"integer"', '"whole"'),
      /topics\.ts:3:\d+ PYR_SCHEMA_REFUSED .*\n.*type "whole", which JSON Schema does not know/,
    ],
  ] as const) {
    it(`leaves the code before running when it is broken, and counts when it is whole: ${what}`, timeout, async () => {
      const { root, dev, out } = await started(format, 'async')
      save(root, file, broken(pulled(format, 2)))
      const shown = await dev.seen(new RegExp(`✗ ${message.source}`), out.length)
      assert.match(shown, /the code before goes on/)
      await dev.seen(/version-1/, shown.length)
      save(root, file, pulled(format, 2))
      await dev.seen(versionTwo, shown.length)
      dev.signal('SIGINT')
      assert.equal((await dev.ended).end, 0)
    })
  }
})
