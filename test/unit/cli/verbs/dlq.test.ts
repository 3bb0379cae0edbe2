/** `pyrallel dlq`: what it lists and shows, and that a replay publishes, waits, marks, and never does anything twice without need. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { list, show } from '../../../../cli/verbs/dlq.ts'
import { replayLetters } from '../../../../cli/verbs/dlq-replay.ts'
import { encodeCompleted } from '../../../../framework/control-plane/offsets/metadata-encoder.ts'
import { readDeadLetter } from '../../../../framework/dead-letters/dead-letter.ts'
import { NewestLetters } from '../../../../framework/dead-letters/newest-letters.ts'
import { replayGroup, replayMarks } from '../../../../framework/dead-letters/replay/partition-marks.ts'
import { memoryCluster } from '../../../../framework/kafka/memory/client.ts'
import type { RecordHeader } from '../../../../framework/model/record.ts'
import { serve } from '../../registry/registry-server.ts'
import { cluster1, clusterWith, DLQ, headersOf, on, replayed, valuesIn } from '../dlq-fixtures.ts'
import { projectFolder, testIo } from '../test-io.ts'

describe('dlq list', () => {
  it('counts kinds of failures and shows the newest dead letters', async () => {
    const cluster = await clusterWith(
      { error: 'card declined' },
      { error: 'gateway down' },
      { error: 'card declined', key: 'c7' },
    )
    const io = testIo(projectFolder())
    assert.equal(await list(DLQ, { ...cluster1, limit: 1 }, io, on(cluster)), 0)
    assert.match(io.out(), /orders\.shop\.dlq: 3 dead letters/)
    assert.match(io.out(), /2 × Error: card declined/)
    assert.match(io.out(), /1 × Error: gateway down/)
    assert.match(io.out(), /0\/2 .*c7 .*pay .*orders\[0\]@2/)
    assert.match(io.out(), /and 2 older ones/)
    assert.doesNotMatch(io.out(), /0\/1 /)
  })

  it('counts one attempt as one', async () => {
    const cluster = await clusterWith(
      { headers: { 'pyrallel-attempts': '1' } },
      { headers: { 'pyrallel-attempts': '2' } },
    )
    const io = testIo(projectFolder())
    await list(DLQ, { ...cluster1, limit: 9 }, io, on(cluster))
    assert.match(io.out(), /@0, 1 attempt\n.*@1, 2 attempts\n/)
  })

  async function listed(cluster: ReturnType<typeof memoryCluster>, topic: string, options: object = {}) {
    const io = testIo(projectFolder())
    await list(topic, { ...cluster1, limit: 9, ...options }, io, on(cluster))
    return io.out()
  }

  it('says of an ordinary topic that its records are no dead letters, and where those are', async () => {
    const cluster = await clusterWith({ error: 'card declined' })
    for (const key of ['c1', 'c2']) {
      cluster.append({ topic: 'orders', partition: 0, key: Buffer.from(key), value: null, headers: [], timestamp: 0 })
    }
    const text = await listed(cluster, 'orders')
    assert.match(text, /^orders: 2 records, and none has the headers of a dead letter\n/)
    assert.match(
      text,
      /no dead-letter topic, or one of a tool .*\. Its dead letters: pyrallel dlq list orders\.shop\.dlq\.\n/,
    )
    assert.match(text, /0\/1 .*c2 .*without the headers of a dead letter\n/)
    assert.doesNotMatch(text, /no reason given|unknown topic/)
    assert.match(await listed(cluster, 'orders', { key: 'c2' }), /^orders: 1 of 2 records, and none has/)
    cluster.createTopic('other', 1)
    assert.match(await listed(cluster, 'other'), /^other: 0 dead letters\n/)
    cluster.append({ topic: 'other', partition: 0, key: null, value: null, headers: [], timestamp: 0 })
    assert.match(await listed(cluster, 'other'), /A handler's dead-letter topic is <topic>\.<group>\.dlq unless/)
    const io = testIo(projectFolder())
    await show('other', '0/0', cluster1, io, on(cluster))
    assert.match(io.out(), /^ {2}record +other\[0\]@0\n(.*\n)* {2}headers of +no tool that is known here: nothing says/)
  })

  it('counts records without the headers of a dead letter apart from those that have them', async () => {
    const cluster = await clusterWith({ error: 'card declined' }, { error: 'gateway down' })
    cluster.append({ topic: DLQ, partition: 0, key: null, value: null, headers: [], timestamp: 0 })
    const text = await listed(cluster, DLQ)
    assert.match(text, /^orders\.shop\.dlq: 2 dead letters, and 1 record without the headers of one\n/)
    assert.match(text, /1 × Error: card declined/)
    assert.match(await listed(cluster, DLQ, { error: 'card' }), /^orders\.shop\.dlq: 1 of 2 dead letters\n/)
  })

  it('shows the newest of all partitions, whichever was read last, in the order of their time', async () => {
    const cluster = memoryCluster()
    cluster.createTopic(DLQ, 2)
    for (const [partition, key, timestamp] of [
      [0, 'fifth', 5_000],
      [0, 'third', 3_000],
      [1, 'first', 1_000],
      [1, 'fourth', 4_000],
      [1, 'second', 2_000],
    ] as const) {
      cluster.append({ topic: DLQ, partition, key: Buffer.from(key), value: null, headers: [], timestamp })
    }
    const io = testIo(projectFolder())
    await list(DLQ, { ...cluster1, limit: 3 }, io, on(cluster))
    assert.match(io.out(), /third.*fourth.*fifth.*and 2 older ones/s)
    assert.doesNotMatch(io.out(), /first|second/)
  })

  it('keeps the newest of very many', () => {
    const newest = new NewestLetters(2)
    for (let offset = 0; offset < 5_000; offset += 1) {
      const timestamp = (offset * 1_237) % 5_000
      newest.add(readDeadLetter({ topic: DLQ, partition: 0, offset, timestamp, key: null, value: null, headers: [] }))
    }
    const times = newest.all().map(({ record }) => record.timestamp)
    assert.deepEqual(times, [4_998, 4_999])
  })

  for (const [options, expected] of [
    [{ error: 'DECLINED' }, ['0/0']],
    [{ handler: 'ship' }, ['0/1']],
    [{ key: 'c7' }, ['0/2']],
    [{ at: '0/1' }, ['0/1']],
    [{ since: '1h' }, ['0/0', '0/1', '0/2']],
    [{ until: '2001-01-01' }, []],
    [{ error: 'boom', key: 'c7' }, ['0/2']],
  ] as const) {
    it(`selects by ${JSON.stringify(options)}`, async () => {
      const cluster = await clusterWith({ error: 'card declined' }, { handler: 'ship' }, { key: 'c7' })
      const io = testIo(projectFolder())
      await list(DLQ, { ...cluster1, limit: 9, json: true, ...options }, io, on(cluster))
      const places = io
        .out()
        .trim()
        .split('\n')
        .flatMap((line) => (line === '' ? [] : [JSON.parse(line).place]))
      assert.deepEqual(places, expected)
    })
  }

  it('says which dead letters were replayed', async () => {
    const cluster = await clusterWith({ error: 'a' }, { error: 'b' }, { error: 'a' })
    await replayed(cluster, { at: '0/2' })
    await replayed(cluster, { at: '0/0' })
    const io = testIo(projectFolder())
    await list(DLQ, { ...cluster1, limit: 9, json: true }, io, on(cluster))
    const lines = io.out().trim().split('\n')
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).isReplayed),
      [true, false, true],
    )
    const text = testIo(projectFolder())
    await list(DLQ, { ...cluster1, limit: 9 }, text, on(cluster))
    assert.match(text.out(), /3 dead letters, 2 of them replayed/)
  })

  it('leaves the marks of a replay as they are', async () => {
    const cluster = await clusterWith({}, {})
    await list(DLQ, { ...cluster1, limit: 9 }, testIo(projectFolder()), on(cluster))
    assert.equal((await replayed(cluster)).replayed, 2)
  })

  for (const [what, options] of [
    ['a time', { since: 'yesterday-ish' }],
    ['a place', { at: '44' }],
  ] as const) {
    it(`refuses ${what} that it cannot read`, async () => {
      const cluster = await clusterWith()
      const listing = list(DLQ, { ...cluster1, limit: 1, ...options }, testIo(projectFolder()), on(cluster))
      await assert.rejects(listing, { code: 'PYR_USAGE' })
    })
  }

  it('refuses a topic that does not exist', async () => {
    const listing = list('nowhere', { ...cluster1, limit: 1 }, testIo(projectFolder()), on(await clusterWith()))
    await assert.rejects(listing, { code: 'PYR_TOPIC_UNKNOWN' })
  })
})

describe('dlq show', () => {
  it('shows one dead letter with its value', async () => {
    const io = testIo(projectFolder())
    await show(DLQ, '0/1', cluster1, io, on(await clusterWith({}, { error: 'gateway down' })))
    assert.match(io.out(), /Error: gateway down/)
    assert.match(io.out(), /orders\[0\]@1/)
    assert.match(io.out(), /v1/)
    assert.doesNotMatch(io.out(), /v0/)
  })

  const framed = Buffer.from('00000000078280808080808020', 'hex')
  const schema = '{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}'

  async function shown(
    files: Readonly<Record<string, string>>,
    options: object = {},
    value: Buffer = framed,
  ): Promise<string> {
    const cluster = memoryCluster()
    cluster.createTopic(DLQ, 1)
    cluster.append({ topic: DLQ, partition: 0, key: null, value, headers: [], timestamp: 0 })
    const io = testIo(projectFolder(files))
    await show(DLQ, '0/0', { ...cluster1, ...options }, io, on(cluster))
    return io.out()
  }

  function configWith(url: string): Readonly<Record<string, string>> {
    return { 'pyrallel.config.ts': `export default { group: 'shop', registry: { url: '${url}' } }` }
  }

  it('shows a value in Avro as its schema says, with all digits', async () => {
    const { url, asked } = await serve(() => ({ json: { schema } }))
    assert.match(
      await shown(configWith(url)),
      /schema +id 7, of http[^\n]*\n\n {2}\{\n {4}"id": 9007199254740993\n {2}\}/,
    )
    const json = await shown(configWith(url), { json: true })
    assert.match(json, /"decoded":\{"id":9007199254740993\},"bytes":"AAAAAAeCgICAgICAIA=="/)
    assert.deepEqual(new Set(asked.map(({ path }) => path)), new Set(['/schemas/ids/7']))
  })

  it('shows a value in Protobuf in its own JSON, as the message that its indexes say', async () => {
    const proto = `syntax = "proto3"; package shop; import "shop/money.proto"; message First {}
message Order { int64 id = 1; Status status = 2; Money total = 3; } enum Status { NEW = 0; PAID = 1; }`
    const money = 'syntax = "proto3"; package shop; message Money { int32 units = 1; }'
    const references = [{ name: 'shop/money.proto', subject: 'money', version: 1 }]
    const { url } = await serve(({ path }) => {
      return path.startsWith('/subjects/money')
        ? { json: { subject: 'money', version: 1, id: 6, schemaType: 'PROTOBUF', schema: money } }
        : { json: { schemaType: 'PROTOBUF', schema: proto, references } }
    })
    const value = Buffer.from('0000000007020208818080808080801010011a020805', 'hex')
    assert.match(
      await shown(configWith(url), {}, value),
      /schema +id 7, message shop\.Order, of http[^\n]*\n\n {2}\{\n {4}"id": "9007199254740993",\n {4}"status": "PAID",\n {4}"total": \{\n {6}"units": 5\n {4}\}\n {2}\}/,
    )
    const first = await shown(configWith(url), { json: true }, Buffer.from('000000000700', 'hex'))
    assert.match(first, /"schema":"id 7, message shop\.First, of http/)
    const cut = await shown(configWith(url), {}, value.subarray(0, -1))
    assert.match(cut, /not read +with schema id 7: /)
    assert.match(cut, /in hexadecimal: 00000000070202/)
  })

  it('says why a value in Avro cannot be read, and shows its bytes', async () => {
    const { url } = await serve(() => ({ status: 404, json: { error_code: 40403, message: 'not found' } }))
    const text = await shown(configWith(url))
    assert.match(text, /not read +with schema id 7: There is no schema with id 7 in the registry at/)
    assert.match(text, /in hexadecimal: 00000000078280808080808020/)
    assert.match(await shown(configWith(url), { json: true }), /"notRead":"with schema id 7: There is no/)
    assert.match(
      await shown({}),
      /not read +with schema id 7: no registry is configured to ask for it. Set registry.url/,
    )
  })

  it('does not read a value whose schema has rules', async () => {
    const ruleSet = { domainRules: [{ name: 'hide', kind: 'TRANSFORM', type: 'ENCRYPT', mode: 'WRITEREAD' }] }
    const { url } = await serve(() => ({ json: { schema, ruleSet } }))
    assert.match(await shown(configWith(url)), /not read +its schema \(id 7\) has rules: fields may be encrypted/)
  })

  it('reads a value with a schema that was pulled, where no registry is configured', async () => {
    const files = {
      'pyrallel.config.ts': "export default { group: 'shop' }",
      'handlers/pay.ts': `
import { avro, handler, topic } from 'pyrallel'
const schema = { kind: 'pyrallel.schema', format: 'avro', subject: 'orders-value', id: 7, guid: null, fingerprint: '', text: '${schema}' }
export default handler(topic('orders', { format: avro(schema) }), () => {})
`,
      'generated/routes.ts':
        "import pay from '../handlers/pay.ts'\nexport const routes = [{ id: 'pay', file: 'handlers/pay.ts', topic: 'orders', group: null, handler: pay }]",
    }
    assert.match(await shown(files), /schema +id 7, pulled from orders-value\n\n {2}\{\n {4}"id": 9007199254740993/)
  })

  const avroKey = Buffer.from('000000000902740c', 'hex')
  const keySchema =
    '{"type":"record","name":"Place","fields":[{"name":"tenant","type":"string"},{"name":"id","type":"long"}]}'
  const keyedFiles = {
    'pyrallel.config.ts': "export default { group: 'shop' }",
    'handlers/pay.ts': `
import { avro, handler, topic } from 'pyrallel'
const schema = { kind: 'pyrallel.schema', format: 'avro', subject: 'orders-key', id: 9, guid: null, fingerprint: '', text: '${keySchema}' }
export default handler(topic('orders', { keyFormat: avro(schema) }), () => {})
`,
    'generated/routes.ts':
      "import pay from '../handlers/pay.ts'\nexport const routes = [{ id: 'pay', file: 'handlers/pay.ts', topic: 'orders', group: null, handler: pay }]",
  }

  async function shownKey(files: object, key: Buffer, options: object = {}, headers: readonly RecordHeader[] = []) {
    const cluster = memoryCluster()
    cluster.createTopic(DLQ, 1)
    const from = ['pyrallel-topic', Buffer.from('orders')] as const
    const value = Buffer.from('{}')
    cluster.append({ topic: DLQ, partition: 0, key, value, headers: [from, ...headers], timestamp: 0 })
    const io = testIo(projectFolder(files as Readonly<Record<string, string>>))
    await show(DLQ, '0/0', { ...cluster1, ...options }, io, on(cluster))
    return io.out()
  }

  it('shows a key in the format of its source topic, with its bytes, by which dlq list finds it', async () => {
    const text = await shownKey(keyedFiles, avroKey)
    assert.match(text, /key +\{"tenant":"t","id":6\}\n/)
    assert.match(text, /key bytes +AAAAAAkCdAw= \(base64\)\n/)
    assert.match(text, /key schema +id 9, pulled from orders-key\n/)
    const json = JSON.parse(await shownKey(keyedFiles, avroKey, { json: true }))
    assert.deepEqual(
      [json.decodedKey, json.keySchema, json.keyBytes],
      [{ tenant: 't', id: 6 }, 'id 9, pulled from orders-key', 'AAAAAAkCdAw='],
    )
    const cluster = await clusterWith({ key: 'c7' }, { key: avroKey.toString() })
    const io = testIo(projectFolder())
    await list(DLQ, { ...cluster1, limit: 9, keyBase64: 'AAAAAAkCdAw=', json: true }, io, on(cluster))
    const listed = io
      .out()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      listed.map(({ place, keyBytes }) => [place, keyBytes]),
      [['0/1', 'AAAAAAkCdAw=']],
    )
  })

  it('names the message of a key in Protobuf', async () => {
    const proto = 'syntax = "proto3"; package shop; message Place { string tenant = 1; }'
    const files = {
      ...keyedFiles,
      'handlers/pay.ts': keyedFiles['handlers/pay.ts'].replaceAll('avro', 'protobuf').replace(keySchema, proto),
    }
    const key = Buffer.from('0000000009000a0174', 'hex')
    assert.match(
      await shownKey(files, key),
      /key +\{"tenant":"t"\}\n(.*\n)*.*key schema +id 9, message shop\.Place, pulled/,
    )
    const { keySchema: by } = JSON.parse(await shownKey(files, key, { json: true }))
    assert.equal(by, 'id 9, message shop.Place, pulled from orders-key')
  })

  it('says why a key in a format cannot be read, and takes no other bytes for one', async () => {
    const unread = await shownKey(keyedFiles, Buffer.of(0, 0, 0, 0, 5, 2))
    assert.match(unread, /key not read +with schema id 5: no registry is configured/)
    assert.match(unread, /key bytes +AAAAAAUC \(base64\)/)
    // A long of Java, of a topic whose keys have no format.
    const number = await shownKey(
      { 'pyrallel.config.ts': keyedFiles['pyrallel.config.ts'] },
      Buffer.of(0, 0, 0, 0, 9, 2, 3, 4),
    )
    assert.doesNotMatch(number, /key schema|key not read/)
    assert.match(number, /key bytes +AAAAAAkCAwQ= \(base64\)/)
    assert.doesNotMatch(await shownKey({}, Buffer.from('c1')), /key bytes/)
    const guid = Buffer.from('0189791762233641869674299b90a802e2', 'hex')
    const named = await shownKey({}, Buffer.from('c1'), {}, [['__key_schema_id', guid]])
    assert.match(named, /key +c1\n[\s\S]*key not read +with schema GUID 89791762/)
  })

  it('refuses two keys, and what is no base64', async () => {
    const listing = async (options: object) =>
      list(DLQ, { ...cluster1, limit: 9, ...options }, testIo(projectFolder()), on(await clusterWith({})))
    await assert.rejects(listing({ key: 'a', keyBase64: 'YQ==' }), {
      code: 'PYR_USAGE',
      message: 'A record has one key. Leave out --key or --key-base64.',
    })
    await assert.rejects(listing({ keyBase64: 'c7!' }), {
      code: 'PYR_USAGE',
      message: "--key-base64 is 'c7!', which is no base64. `pyrallel dlq show` prints that of a key.",
    })
  })

  it('says so when there is none at that place', async () => {
    const showing = show(DLQ, '0/9', cluster1, testIo(projectFolder()), on(await clusterWith({})))
    await assert.rejects(showing, { code: 'PYR_USAGE', message: /no record at 0\/9/ })
  })
})

describe('dlq replay', () => {
  it('publishes to the source topic without the headers of the failure, but with its history, and deletes nothing', async () => {
    const cluster = await clusterWith({ key: 'c1', headers: { 'pyrallel-replay-count': '1' } })
    const writtenAt = cluster.log(DLQ, 0).records[0]?.timestamp
    assert.deepEqual(await replayed(cluster), {
      topic: DLQ,
      dryRun: false,
      replayed: 1,
      publishable: 1,
      notMarked: 0,
      onTheirWay: 0,
      unread: [],
      alreadyReplayed: 0,
      notSelected: 0,
      notReplayable: 0,
      replayedTooOften: 0,
      withoutValue: 0,
      withoutRecord: 0,
      contradictory: 0,
      withoutTopic: 0,
      withSourceTime: 0,
      withoutPartition: 0,
      movedKeys: {},
      isTransactional: true,
      isStopped: false,
      targets: { orders: 1 },
      reasons: [
        { count: 1, handler: 'pay', error: 'Error: boom', fingerprint: null, first: writtenAt, last: writtenAt },
      ],
    })
    const [record] = cluster.log('orders', 0).records
    assert.ok(record !== undefined)
    assert.deepEqual([String(record.key), String(record.value)], ['c1', 'v0'])
    const { 'pyrallel-record-id': id, ...headers } = headersOf(record)
    assert.match(id ?? '', /^orders\/0\/0 [0-9a-f]{8}$/)
    assert.deepEqual(headers, {
      trace: 't0',
      'pyrallel-replay-id': `${DLQ}/0/0`,
      'pyrallel-replay-count': '2',
      'pyrallel-first-failed-at': '2026-01-02T00:00:00.000Z',
    })
    assert.equal(cluster.log(DLQ, 0).records.length, 1)
  })

  it('publishes each dead letter once, over several replays with different filters', async () => {
    const cluster = await clusterWith({ error: 'a' }, { error: 'b' }, { error: 'a' }, { error: 'c' })
    assert.equal((await replayed(cluster, { error: 'a' })).replayed, 2)
    assert.deepEqual(valuesIn(cluster), ['v0', 'v2'])
    const second = await replayed(cluster)
    assert.deepEqual([second.replayed, second.alreadyReplayed], [2, 1])
    assert.deepEqual(valuesIn(cluster), ['v0', 'v2', 'v1', 'v3'])
    assert.equal((await replayed(cluster)).replayed, 0)
  })

  it('publishes nothing, and marks nothing, in a dry run', async () => {
    const cluster = await clusterWith({}, {})
    const dry = await replayed(cluster, { dryRun: true })
    assert.deepEqual([dry.replayed, dry.targets, valuesIn(cluster)], [2, { orders: 2 }, []])
    const io = testIo(projectFolder())
    await replayLetters(DLQ, { ...cluster1, dryRun: true }, io, on(cluster))
    assert.match(io.out(), /0\/0 .*Error: boom/)
    assert.match(io.out(), /2 would be published again \(2 to orders\)/)
    assert.equal((await replayed(cluster)).replayed, 2)
  })

  it('says so when there was nothing to publish, and why', async () => {
    const cluster = await clusterWith({ error: 'a' })
    const said = async (options: object) => {
      const io = testIo(projectFolder())
      await replayLetters(DLQ, { ...cluster1, ...options }, io, on(cluster))
      return io.out().split('\n')[0]
    }
    assert.equal(await said({ error: 'b' }), `○ ${DLQ}: nothing was published, as nothing that is left was selected`)
    assert.equal(
      await said({ error: 'b', dryRun: true }),
      `○ ${DLQ}: nothing would be published, as nothing that is left was selected`,
    )
    assert.equal(await said({}), `✓ ${DLQ}: 1 published again and acknowledged (1 to orders)`)
    assert.equal(await said({}), `○ ${DLQ}: nothing was published, as nothing is left to replay`)
  })

  it('publishes to another topic, and so many at most, when told', async () => {
    const cluster = await clusterWith({}, {}, {})
    cluster.createTopic('repaired', 1)
    assert.equal((await replayed(cluster, { to: 'repaired', limit: 2 })).replayed, 2)
    assert.deepEqual([valuesIn(cluster), valuesIn(cluster, 'repaired')], [[], ['v0', 'v1']])
    assert.equal((await replayed(cluster)).replayed, 1)
  })

  it('leaves records alone that have lost their value, or tell no topic', async () => {
    const cluster = await clusterWith(
      ...['metadata', 'key', 'none'].map((payload) => ({ headers: { 'pyrallel-payload': payload } })),
    )
    const producer = await cluster.connection().producer()
    await producer.produce({ topic: DLQ, key: null, value: Buffer.from('bare'), headers: [] })
    const report = await replayed(cluster)
    assert.deepEqual([report.replayed, report.notReplayable], [0, 4])
  })

  it('does not make topics: one that is missing is an error', async () => {
    const cluster = await clusterWith({})
    const run = replayLetters(DLQ, { ...cluster1, to: 'typo' }, testIo(projectFolder()), on(cluster))
    await assert.rejects(run, { code: 'PYR_TOPIC_UNKNOWN', message: /no topic 'typo', which --to names/ })
  })
})

describe('marks of dead letters that are not there any more', () => {
  const place = { topic: DLQ, partition: 0 }

  /** Three dead letters, the second of them marked, and with it some that the log does not reach: it was cut, or made anew. */
  async function cutBelowItsMarks() {
    const cluster = await clusterWith({}, {}, {})
    const { text: metadata } = encodeCompleted(
      0,
      [
        { start: 1, end: 2 },
        { start: 3, end: 9 },
      ],
      4_095,
    )
    cluster.group(replayGroup(DLQ)).commit(place, { position: 0, metadata })
    return cluster
  }

  const letter = (value: string) => {
    const headers = [['pyrallel-topic', Buffer.from('orders')]] as const
    return { topic: DLQ, key: null, value: Buffer.from(value), headers }
  }

  it('do not speak of those that come to the same offsets later: they are published', async () => {
    const cluster = await cutBelowItsMarks()
    const first = await replayed(cluster)
    assert.deepEqual([first.replayed, first.alreadyReplayed], [2, 1])
    assert.equal(cluster.group(replayGroup(DLQ)).committed(place)?.position, 3)
    for (const value of ['v3', 'v4']) cluster.append(letter(value))
    assert.equal((await replayed(cluster)).replayed, 2)
    assert.deepEqual(valuesIn(cluster), ['v0', 'v2', 'v3', 'v4'])
  })

  it('are not listed as replayed, and neither is a log that ends below the position', async () => {
    const cluster = await cutBelowItsMarks()
    const isReplayed = async (offset: number) => {
      const marks = replayMarks(await cluster.connection().view.groupOffsets(replayGroup(DLQ)), DLQ)
      return marks({ ...place, offset, timestamp: 0, key: null, value: null, headers: [] })
    }
    assert.deepEqual(await Promise.all([0, 1, 2, 3, 8].map(isReplayed)), [false, true, false, false, false])
    cluster.group(replayGroup(DLQ)).commit(place, { position: 7, metadata: '' })
    assert.deepEqual(await Promise.all([0, 2, 6].map(isReplayed)), [false, false, false])
  })
})
