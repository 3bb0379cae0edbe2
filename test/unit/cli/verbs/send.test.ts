/** `pyrallel send`: what it refuses, what it sends, and where to. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { chooseTarget } from '../../../../cli/cluster/target.ts'
import { readHeader } from '../../../../cli/records/payload.ts'
import { type Connect, type SendOptions, send } from '../../../../cli/verbs/send.ts'
import { traceConfig } from '../../../../framework/config/resolve-config.ts'
import { type MemoryCluster, memoryCluster } from '../../../../framework/kafka/memory/client.ts'
import { PyrallelError } from '../../../../framework/model/errors.ts'
import type { KafkaRecord } from '../../../../framework/model/record.ts'
import { projectFolder, testIo } from '../test-io.ts'

const handlerFile = `
import { handler, topic } from 'pyrallel'
import { Type } from 'typebox'
const orders = topic('orders', { key: (o) => o.customer, schema: Type.Object({ customer: Type.String(), total: Type.Number({ minimum: 0 }) }) })
export default handler(orders, () => {})
`
const project = {
  'pyrallel.config.ts': "import { defineConfig } from 'pyrallel'\nexport default defineConfig({ group: 'shop' })",
  'handlers/pay.ts': handlerFile,
  'generated/routes.ts':
    "import pay from '../handlers/pay.ts'\nexport const routes = [{ id: 'pay', file: 'handlers/pay.ts', topic: 'orders', group: null, handler: pay }]",
}
const plain: SendOptions = { header: [], count: 1, seed: 1, brokers: 'memory:1' }

function onMemory(cluster: MemoryCluster): Connect {
  return async () => cluster.connection()
}

function recordsOf(cluster: MemoryCluster, topic: string): readonly KafkaRecord[] {
  return [0, 1, 2, 3].flatMap((partition) => [...cluster.log(topic, partition).records])
}

async function rejection(sending: Promise<unknown>): Promise<PyrallelError> {
  try {
    await sending
  } catch (error) {
    assert.ok(error instanceof PyrallelError, String(error))
    return error
  }
  throw new assert.AssertionError({ message: 'it was sent' })
}

function anOrdersCluster(): MemoryCluster {
  const cluster = memoryCluster()
  cluster.createTopic('orders')
  return cluster
}

const avroProject = {
  ...project,
  'handlers/pay.ts': `
import { avro, handler, topic } from 'pyrallel'
const text = '{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}'
const schema = { kind: 'pyrallel.schema', format: 'avro', subject: 'orders-value', id: 7, guid: null, fingerprint: '', text }
export default handler(topic('orders', { format: avro(schema), key: (o) => String(o.id) }), () => {})
`,
}

const protobufProject = {
  ...project,
  'handlers/pay.ts': `
import { handler, protobuf, topic } from 'pyrallel'
const text = \`syntax = "proto3"; package shop; import "google/protobuf/timestamp.proto";
message Order { int64 id = 1; bytes raw_bytes = 2; Status status = 3; google.protobuf.Timestamp at = 4; }
enum Status { STATUS_NEW = 0; STATUS_PAID = 1; }\`
const schema = { kind: 'pyrallel.schema', format: 'protobuf', subject: 'orders-value', id: 7, guid: null, fingerprint: '', text, message: 'shop.Order' }
export default handler(topic('orders', { format: protobuf(schema), key: (o) => String(o.id) }), () => {})
`,
}

describe('send', () => {
  it('writes what a topic with a format has in that format, and refuses what is none of it, and --fake', async () => {
    const cluster = anOrdersCluster()
    const io = testIo(projectFolder(avroProject))
    await send('orders', '{"id": 9007199254740993}', plain, io, onMemory(cluster))
    await send('orders', '{"id": "9007199254740993"}', { ...plain, count: 2, key: 'mine' }, io, onMemory(cluster))
    const records = recordsOf(cluster, 'orders')
    const bytes = new Set(records.map(({ value }) => value?.toString('hex')))
    assert.deepEqual([...bytes], ['00000000078280808080808020'])
    assert.deepEqual(records.map(({ key }) => key?.toString()).sort(), ['9007199254740993', 'mine', 'mine'])
    await assert.rejects(send('orders', '{"id": "x"}', plain, io, onMemory(cluster)), {
      code: 'PYR_SCHEMA',
      message:
        'The value does not satisfy schema orders-value of orders; nothing was sent.\n  id is no whole number, written as 12 or "12"',
    })
    await assert.rejects(send('orders', undefined, { ...plain, fake: true }, io, onMemory(cluster)), {
      code: 'PYR_USAGE',
      message: '--fake makes up JSON, and values of orders have schema orders-value of a registry. Write the value.',
    })
    assert.equal(recordsOf(cluster, 'orders').length, 3)
  })

  it('takes a key as JSON where the topic has a format for keys, shows it so, and asks no cluster for one that is wrong', async () => {
    const cluster = anOrdersCluster()
    const keyed = avroProject['handlers/pay.ts'].replace(
      'key: (o) => String(o.id)',
      "keyFormat: avro({ ...schema, subject: 'orders-key', id: 9 }), key: (o) => o",
    )
    const io = testIo(projectFolder({ ...avroProject, 'handlers/pay.ts': keyed }))
    await send('orders', '{"id": 1}', plain, io, onMemory(cluster))
    await send('orders', '{"id": 1}', { ...plain, key: '{"id": 2}' }, io, onMemory(cluster))
    assert.deepEqual(
      recordsOf(cluster, 'orders').map(({ key }) => key?.toString('hex')),
      ['000000000902', '000000000904'],
    )
    assert.match(io.out(), /key \{"id":1\},[\s\S]*key \{"id":2\},/)
    const away = async () => assert.fail('a cluster was asked')
    await assert.rejects(send('orders', '{"id": 1}', { ...plain, key: 'c1' }, io, away), {
      code: 'PYR_SCHEMA',
      message: /^The key does not satisfy schema orders-key of orders; nothing was sent\.\n {2}the key is no Order/,
    })
  })

  it('knows the format of a topic that nobody reads here, or that the first handler reads by its mere name', async () => {
    const cluster = anOrdersCluster()
    cluster.createTopic('invoices')
    cluster.createTopic('raw')
    const text = '{"type":"record","name":"Invoice","fields":[{"name":"id","type":"long"}]}'
    const declared = {
      ...project,
      'handlers/audit.ts': "import { handler } from 'pyrallel'\nexport default handler('orders', () => {})",
      'handlers/pay.ts': avroProject['handlers/pay.ts'],
      'generated/formats.ts': `import { avro } from 'pyrallel'
const text = '${text}'
const schema = { kind: 'pyrallel.schema', format: 'avro', subject: 'invoices-value', id: 8, guid: null, fingerprint: '', text }
export const topicFormats = {
  invoices: { format: avro(schema), keyFormat: avro({ ...schema, id: 9 }) },
  raw: { values: 'bytes' },
} as const`,
      'generated/routes.ts': `import audit from '../handlers/audit.ts'
import pay from '../handlers/pay.ts'
import { topicFormats } from './formats.ts'
export const routes = [
  { id: 'audit', file: 'handlers/audit.ts', topic: 'orders', group: 'audit', topicFormats, handler: audit },
  { id: 'pay', file: 'handlers/pay.ts', topic: 'orders', group: null, topicFormats, handler: pay },
]`,
    }
    const io = testIo(projectFolder(declared))
    await send('invoices', '{"id": 3}', { ...plain, key: '{"id": 1}' }, io, onMemory(cluster))
    await send('orders', '{"id": 2}', plain, io, onMemory(cluster))
    await send('raw', '{"any": 1}', plain, io, onMemory(cluster))
    const [invoice, order, raw] = ['invoices', 'orders', 'raw'].map((name) => recordsOf(cluster, name)[0])
    assert.deepEqual([invoice?.key?.toString('hex'), invoice?.value?.toString('hex')], ['000000000902', '000000000806'])
    assert.deepEqual([order?.key?.toString(), order?.value?.toString('hex')], ['2', '000000000704'])
    assert.equal(raw?.value?.toString(), '{"any": 1}')
    await assert.rejects(send('invoices', '{"id": "x"}', plain, io, onMemory(cluster)), {
      code: 'PYR_SCHEMA',
      message: /^The value does not satisfy schema invoices-value of invoices; nothing was sent\./,
    })
  })

  it("writes what a topic in Protobuf has, of Protobuf's own JSON", async () => {
    const cluster = anOrdersCluster()
    const io = testIo(projectFolder(protobufProject))
    const json =
      '{"id": "9007199254740993", "raw_bytes": "AP8=", "status": "STATUS_PAID", "at": "1970-01-01T00:00:07Z"}'
    await send('orders', json, plain, io, onMemory(cluster))
    const [record] = recordsOf(cluster, 'orders')
    assert.equal(record?.value?.toString('hex'), '0000000007000881808080808080101202' + '00ff18012202' + '0807')
    assert.equal(record?.key?.toString(), '9007199254740993')
    for (const [wrong, expected] of [
      ['{"id": "x"}', /id/],
      ['{"id": 1, "nots": 1}', /nots/],
      ['{"status": "STATUS_GONE"}', /shop\.Status/],
    ] as const) {
      await assert.rejects(send('orders', wrong, plain, io, onMemory(cluster)), (thrown: Error) => {
        assert.match(thrown.message, /^The value does not satisfy schema orders-value of orders; nothing was sent\.\n/)
        assert.match(thrown.message, expected)
        return true
      })
    }
    assert.equal(recordsOf(cluster, 'orders').length, 1)
  })

  it('shows a key without what could move the cursor', async () => {
    const io = testIo(projectFolder())
    await send('orders', '{}', { ...plain, key: 'ev\u001b[31mil\n' }, io, onMemory(anOrdersCluster()))
    assert.match(io.out(), /key ZXYbWzMxbWlsCg==,/)
  })

  it('takes a value with a byte order mark, as an argument and from a file, and sends it without', async () => {
    const cluster = anOrdersCluster()
    const io = testIo(projectFolder({ 'value.json': '\ufeff{"a":2}' }))
    await send('orders', '\ufeff{"a":1}', plain, io, onMemory(cluster))
    await send('orders', '@value.json', plain, io, onMemory(cluster))
    const values = recordsOf(cluster, 'orders').map(({ value }) => value?.toString())
    assert.deepEqual(values.sort(), ['{"a":1}', '{"a":2}'])
  })

  it('says that a file is UTF-16, and how to save it, and sends nothing', async () => {
    const cluster = anOrdersCluster()
    const io = testIo(projectFolder({}))
    writeFileSync(join(io.cwd(), 'value.json'), Buffer.from('\ufeff{"a":1}', 'utf16le'))
    await assert.rejects(send('orders', '@value.json', plain, io, onMemory(cluster)), {
      code: 'PYR_USAGE',
      message: 'value.json is UTF-16, not UTF-8. Save it as UTF-8 (in PowerShell: Out-File -Encoding utf8).',
    })
    assert.equal(recordsOf(cluster, 'orders').length, 0)
  })

  it('shows the empty key as one', async () => {
    const io = testIo(projectFolder())
    await send('orders', '{"a":1}', { ...plain, key: '' }, io, onMemory(anOrdersCluster()))
    assert.match(io.out(), /^✓ orders\[\d\]@0 {2}key '', acknowledged by memory/)
  })

  it('produces the value with its key and headers, and says what was acknowledged', async () => {
    const cluster = anOrdersCluster()
    const io = testIo(projectFolder())
    const code = await send(
      'orders',
      '{"a":1}',
      { ...plain, key: 'c1', header: ['source=test', 'x=a=b'], count: 3 },
      io,
      onMemory(cluster),
    )
    assert.equal(code, 0)
    const records = recordsOf(cluster, 'orders')
    assert.equal(records.length, 3)
    assert.equal(records[0]?.value?.toString(), '{"a":1}')
    assert.equal(records[0].key?.toString(), 'c1')
    assert.deepEqual(
      records[0].headers.map(([name, value]) => [name, value?.toString()]),
      [
        ['source', 'test'],
        ['x', 'a=b'],
      ],
    )
    assert.match(
      io.out(),
      /^✓ orders {2}3 records, key c1, acknowledged by memory \(--brokers\) in \d+ ms\n {2}orders\[\d\]@0\.\.2\n$/,
    )
  })

  it('sends what was written and not what it was read as: numbers above 2^53, spaces, escapes, names in their order', async () => {
    const texts = [
      '{"id":653247040368672768}',
      '{ "b": 1.0,\n  "2": 1e2, "1": "\\u00e9\\/" }',
      '9007199254740993',
      '[0.1000000000000000055511151231257827]',
    ]
    for (const text of texts) {
      const cluster = anOrdersCluster()
      await send('orders', `${text}\n`, plain, testIo(projectFolder()), onMemory(cluster))
      const io = testIo(projectFolder())
      writeFileSync(join(io.cwd(), 'value.json'), `  ${text}\n`)
      await send('orders', '@value.json', plain, io, onMemory(cluster))
      assert.deepEqual(
        recordsOf(cluster, 'orders').map(({ value }) => value?.toString()),
        [text, text],
      )
    }
  })

  it('checks what it sends as it was written, and makes its key of what a handler would see', async () => {
    const cluster = anOrdersCluster()
    const text = '{"customer":"c1","total":653247040368672768}'
    await send('orders', text, plain, testIo(projectFolder(project)), onMemory(cluster))
    const [record] = recordsOf(cluster, 'orders')
    assert.deepEqual([record?.key?.toString(), record?.value?.toString()], ['c1', text])
  })

  it('prints one JSON document with --json', async () => {
    const io = testIo(projectFolder())
    await send('orders', 'null', { ...plain, json: true }, io, onMemory(anOrdersCluster()))
    const { tookMs, ...sent } = JSON.parse(io.out())
    assert.equal(typeof tookMs, 'number')
    const records = [{ partition: 0, offset: 0, key: null }]
    assert.deepEqual(sent, { topic: 'orders', count: 1, broker: 'memory', from: '--brokers', records })
  })

  it('says where the record is', async () => {
    const io = testIo(projectFolder())
    const cluster = anOrdersCluster()
    await send('orders', '{}', { ...plain, key: 'c1' }, testIo(projectFolder()), onMemory(cluster))
    await send('orders', '{}', { ...plain, key: 'c1' }, io, onMemory(cluster))
    assert.match(io.out(), /^✓ orders\[\d\]@1 {2}key c1, acknowledged by memory/)
  })

  it('makes values up that the schema allows, the same ones for the same seed, with the keys that are theirs', async () => {
    const fakes = async (seed: number) => {
      const cluster = anOrdersCluster()
      const io = testIo(projectFolder(project))
      await send('orders', undefined, { ...plain, fake: true, count: 20, seed }, io, onMemory(cluster))
      assert.match(io.out(), /^✓ orders {2}20 records, \d+ keys, acknowledged/)
      const records = recordsOf(cluster, 'orders')
      assert.equal(records.length, 20)
      for (const { key, value } of records) {
        const { customer, total } = JSON.parse(value?.toString() ?? '')
        assert.equal(key?.toString(), customer)
        assert.ok(total >= 0)
      }
      return records.map(({ value }) => value?.toString())
    }
    const first = await fakes(1)
    assert.ok(new Set(first).size > 10, 'all the same')
    assert.deepEqual(await fakes(1), first)
    assert.notDeepEqual(await fakes(2), first)
  })

  for (const [what, argument, options, expected] of [
    ['no value and no --fake', undefined, {}, /missing required argument 'value'/],
    ['a value and --fake', '{}', { fake: true }, /Leave one of them out/],
    ['--fake without a schema', undefined, { fake: true }, /--fake needs the schema of orders/],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const sending = send(
        'orders',
        argument,
        { ...plain, ...options },
        testIo(projectFolder()),
        onMemory(anOrdersCluster()),
      )
      const error = await rejection(sending)
      assert.equal(error.code, 'PYR_USAGE')
      assert.match(error.message, expected)
    })
  }

  it('takes null for a tombstone', async () => {
    const cluster = anOrdersCluster()
    await send('orders', 'null', { ...plain, key: 'c1' }, testIo(projectFolder()), onMemory(cluster))
    assert.equal(recordsOf(cluster, 'orders')[0]?.value, null)
  })

  it('reads the value from a file and from standard input', async () => {
    const cluster = anOrdersCluster()
    const root = projectFolder()
    writeFileSync(join(root, 'order.json'), '{ "from": "file" }')
    await send('orders', '@order.json', plain, testIo(root), onMemory(cluster))
    await send('orders', '-', plain, testIo(root, '{ "from": "stdin" }'), onMemory(cluster))
    assert.deepEqual(
      recordsOf(cluster, 'orders')
        .map(({ value }) => JSON.parse(value?.toString() ?? '').from)
        .sort(),
      ['file', 'stdin'],
    )
  })

  for (const [what, argument, expected] of [
    ['text that is no JSON', '{id: 1}', /the value is not JSON: .*\nSeen: \{id: 1\}\n.*single quotes/],
    ['an empty standard input', '-', /standard input is not JSON: .*\nSeen: \(nothing\)/],
    ['a file that is not there', '@missing.json', /The file missing\.json cannot be read: ENOENT/],
  ] as const) {
    it(`refuses ${what}, before anything is connected`, async () => {
      const connect: Connect = () => {
        throw new Error('connected')
      }
      const error = await rejection(send('orders', argument, plain, testIo(projectFolder()), connect))
      assert.equal(error.code, 'PYR_USAGE')
      assert.match(error.message, expected)
    })
  }

  it("refuses a value that does not satisfy its topic's schema, with every mistake", async () => {
    const cluster = anOrdersCluster()
    const error = await rejection(
      send('orders', '{"total":-1}', plain, testIo(projectFolder(project)), onMemory(cluster)),
    )
    assert.equal(error.code, 'PYR_SCHEMA')
    assert.match(error.message, /schema of orders; nothing was sent/)
    assert.match(error.message, /the value: must have required properties customer/)
    assert.match(error.message, /\/total: must be >= 0/)
    assert.equal(recordsOf(cluster, 'orders').length, 0)
  })

  it("takes the key from the topic's own key, unless one is written", async () => {
    const cluster = anOrdersCluster()
    const io = testIo(projectFolder(project))
    await send('orders', '{"customer":"c7","total":1}', plain, io, onMemory(cluster))
    await send('orders', '{"customer":"c7","total":1}', { ...plain, key: 'other' }, io, onMemory(cluster))
    assert.deepEqual(
      recordsOf(cluster, 'orders')
        .map(({ key }) => key?.toString())
        .sort(),
      ['c7', 'other'],
    )
  })

  it('refuses a topic that the cluster does not have, and says what was probably meant', async () => {
    const error = await rejection(
      send('order', '{}', plain, testIo(projectFolder(project)), onMemory(anOrdersCluster())),
    )
    assert.equal(error.code, 'PYR_TOPIC_UNKNOWN')
    assert.match(error.message, /There is no topic 'order' at memory\. Did you mean "orders"\?/)
  })

  it('says of a topic that the project has and the cluster has not how to create it, not that it was misspelt', async () => {
    const empty = memoryCluster()
    const value = '{"customer":"c1","total":1}'
    const error = await rejection(send('orders', value, plain, testIo(projectFolder(project)), onMemory(empty)))
    assert.equal(error.code, 'PYR_TOPIC_UNKNOWN')
    assert.match(
      error.message,
      /The project has it, the cluster does not: where a handler reads it, `pyrallel topics --create` makes it; else make it by hand\./,
    )
    assert.doesNotMatch(error.message, /Did you mean/)
  })

  it('fails when the broker does not take the record', async () => {
    const cluster = anOrdersCluster()
    cluster.failProductions(1)
    const error = await rejection(send('orders', '{}', plain, testIo(projectFolder()), onMemory(cluster)))
    assert.equal(error.code, 'PYR_PRODUCE_FAILED')
  })
})

describe('readHeader', () => {
  it('refuses one without a name or without =', () => {
    for (const text of ['novalue', '=x', '']) assert.throws(() => readHeader(text), { code: 'PYR_USAGE' })
  })
})

describe('the cluster that send talks to', () => {
  const project = traceConfig({ group: 'a', kafka: { brokers: ['k1:9092', 'k2:9092'] } }, 'pyrallel.config.ts', {
    mode: 'development',
    env: {},
  })
  const dev = { pid: 7, kind: 'embedded', brokers: '127.0.0.1:5' } as const
  const alive = () => true
  const gone = () => false

  it('is the one of the flag, whatever else is there', () => {
    const target = chooseTarget({ flag: 'a:1', dev, isAlive: alive, project })
    const { ifUnreachable, ...found } = target
    assert.deepEqual(found, { brokers: 'a:1', from: '--brokers', isEmbedded: false })
    assert.equal(ifUnreachable, 'Start one there, or name another: --brokers host:port.')
  })

  it('is that of a running dev', () => {
    const target = chooseTarget({ flag: undefined, dev, isAlive: alive, project })
    const { ifUnreachable, ...found } = target
    assert.deepEqual(found, { brokers: '127.0.0.1:5', from: 'the running `pyrallel dev`', isEmbedded: true })
    assert.match(ifUnreachable, /`pyrallel dev` \(pid 7\): look at what it says/)
  })

  it('is not where dev.json leads, unless that is a loopback address or a broker of the config', () => {
    const of = (brokers: string, kind: 'embedded' | 'cluster' = 'cluster') =>
      chooseTarget({ flag: undefined, dev: { pid: 7, kind, brokers }, isAlive: alive, project }).brokers
    for (const right of ['127.0.0.1:5', 'localhost:5,[::1]:6', 'k2:9092', 'k1:9092,127.0.0.1:1'])
      assert.equal(of(right), right)
    for (const wrong of ['evil.example:9092', 'k1:9092,evil.example:9092', 'k1:9093', '127.0.0.1.evil.example:1']) {
      assert.throws(() => of(wrong), {
        code: 'PYR_USAGE',
        message: /neither at a loopback address nor among kafka\.brokers/,
      })
    }
    assert.throws(() => of('k1:9092', 'embedded'), { code: 'PYR_USAGE' })
  })

  it('is that of the config when dev has died', () => {
    assert.equal(chooseTarget({ flag: undefined, dev, isAlive: gone, project }).brokers, 'k1:9092,k2:9092')
  })

  it('comes with the next step for one that does not answer: where its address was written, and to start dev', () => {
    const { from, ifUnreachable } = chooseTarget({ flag: undefined, dev, isAlive: gone, project })
    assert.equal(from, 'pyrallel.config.ts')
    assert.equal(
      ifUnreachable,
      'The address is that of pyrallel.config.ts, as no `pyrallel dev` runs in this folder. .pyrallel/dev.json names process 7, which is not running any more. Start `pyrallel dev` in another terminal, or start a broker there, or name another: --brokers host:port.',
    )
    const around = {
      mode: 'development',
      env: { PYRALLEL_KAFKA_BROKERS: 'k3:1' },
      envFiles: new Map([['PYRALLEL_KAFKA_BROKERS', '.env']]),
    } as const
    const sources = [
      ['PYRALLEL_KAFKA_BROKERS in .env', traceConfig({ group: 'a' }, 'x', around)],
      ['the default of kafka.brokers', traceConfig({ group: 'a' }, 'x', { mode: 'development', env: {} })],
    ] as const
    for (const [source, written] of sources) {
      const target = chooseTarget({ flag: undefined, dev: undefined, isAlive: gone, project: written })
      assert.equal(target.from, source)
      assert.match(target.ifUnreachable, new RegExp(`^The address is that of ${source}, as no \`pyrallel dev\` runs`))
      assert.doesNotMatch(target.ifUnreachable, /dev\.json/)
    }
  })

  it('is none when dev runs on the in-memory broker, which is said', () => {
    const memory = { pid: 7, kind: 'memory', brokers: 'memory' } as const
    assert.throws(
      () => chooseTarget({ flag: undefined, dev: memory, isAlive: alive, project }),
      // Not by choice alone: exactly-once groups and machines without the native client run on it too.
      /pid 7.*in-memory broker.*its first lines say why.*\[s\]/,
    )
  })

  it('is none when there is neither, which is said, with the process that has died', () => {
    assert.throws(
      () => chooseTarget({ flag: undefined, dev, isAlive: gone, project: undefined }),
      /names process 7, which is not running any more/,
    )
  })
})
