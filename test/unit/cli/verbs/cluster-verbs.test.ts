/** `doctor`, `topics` and `inspect offsets`: what they say of a cluster, and that they change nothing unasked. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type Connect, connectionOptions } from '../../../../cli/cluster/connect.ts'
import { examineNode, examineSession } from '../../../../cli/cluster/diagnose.ts'
import { examineEnvFiles } from '../../../../cli/cluster/tracked-secrets.ts'
import { templateFiles } from '../../../../cli/init/template.ts'
import type { Project } from '../../../../cli/project/project.ts'
import { table } from '../../../../cli/terminal/table.ts'
import { doctor } from '../../../../cli/verbs/doctor.ts'
import { inspectOffsets } from '../../../../cli/verbs/inspect-offsets.ts'
import { topics } from '../../../../cli/verbs/topics.ts'
import { configDefaults } from '../../../../framework/config/resolve-config.ts'
import { encodeCompleted, encodeMetadata } from '../../../../framework/control-plane/offsets/metadata-encoder.ts'
import type { ClientLoaders } from '../../../../framework/kafka/clients/load-client.ts'
import { type MemoryCluster, memoryCluster } from '../../../../framework/kafka/memory/client.ts'
import { PyrallelError } from '../../../../framework/model/errors.ts'
import { projectFolder, testIo } from '../test-io.ts'

const project = {
  'pyrallel.config.ts': "import { defineConfig } from 'pyrallel'\nexport default defineConfig({ group: 'shop' })",
  'handlers/pay.ts':
    "import { handler } from 'pyrallel'\nexport default handler('orders', { ordering: 'partition', concurrency: 20 }, () => {})",
  'handlers/mail.ts': "import { handler } from 'pyrallel'\nexport default handler('mails', () => {})",
  'generated/routes.ts': `import mail from '../handlers/mail.ts'
import pay from '../handlers/pay.ts'
export const routes = [
  { id: 'mail', file: 'handlers/mail.ts', topic: 'mails', group: null, handler: mail },
  { id: 'pay', file: 'handlers/pay.ts', topic: 'orders', group: null, handler: pay },
]`,
}
const all = ['mails', 'mails.shop.dlq', 'orders', 'orders.shop.dlq']

const on =
  (cluster: MemoryCluster): Connect =>
  async () =>
    cluster.connection()
const unreachable: Connect = async () => ({
  ...memoryCluster().connection(),
  check: () => Promise.reject(new PyrallelError('PYR_BROKER_UNREACHABLE', 'nobody answered')),
})

function aCluster(...names: readonly string[]): MemoryCluster {
  const cluster = memoryCluster()
  for (const name of names) cluster.createTopic(name)
  return cluster
}

describe('pyrallel topics', () => {
  it('shows what is there and what is missing, creates nothing, and exits with 3', async () => {
    const cluster = aCluster('orders')
    const io = testIo(projectFolder(project))
    assert.equal(await topics({ partitions: 6 }, io, on(cluster)), 3)
    assert.match(io.out(), /✓ orders +4 partitions +read by pay\n/)
    assert.match(io.out(), /\+ orders\.shop\.dlq +to be created with 6 +dead letters of pay\n/)
    assert.match(io.out(), /3 missing\. Create: pyrallel topics --create\n$/)
    assert.deepEqual(await cluster.connection().view.topics(), [{ name: 'orders', partitions: 4 }])
  })

  it('creates what is missing with --create, and leaves what exists as it is', async () => {
    const cluster = aCluster('orders', 'unrelated')
    const io = testIo(projectFolder(project))
    assert.equal(await topics({ partitions: 6, create: true }, io, on(cluster)), 0)
    assert.match(io.out(), /\+ mails +created with 6/)
    const sizes = Object.fromEntries(
      (await cluster.connection().view.topics()).map(({ name, partitions }) => [name, partitions]),
    )
    assert.deepEqual(sizes, { mails: 6, 'mails.shop.dlq': 6, orders: 4, 'orders.shop.dlq': 6, unrelated: 4 })
    assert.equal(await topics({ partitions: 6 }, testIo(projectFolder(project)), on(cluster)), 0)
  })

  it('prints one JSON document with --json', async () => {
    const io = testIo(projectFolder(project))
    await topics({ partitions: 6, json: true }, io, on(aCluster('orders')))
    const { topics: rows } = JSON.parse(io.out())
    assert.deepEqual(
      rows.map(({ name, partitions, action }: Record<string, unknown>) => [name, partitions, action]),
      [
        ['mails', null, 'create'],
        ['mails.shop.dlq', null, 'create'],
        ['orders', 4, 'none'],
        ['orders.shop.dlq', null, 'create'],
      ],
    )
  })

  it('says what topics are written in, also of those that nobody reads here', async () => {
    const facts = "kind: 'pyrallel.schema', format: 'avro', guid: null, fingerprint: '', text: '\"long\"'"
    const formatted = {
      ...project,
      'generated/formats.ts': `import { avro } from 'pyrallel'
export const topicFormats = { invoices: { format: avro({ ${facts}, subject: 'invoices-value', id: 7 }) } }`,
      'generated/routes.ts': project['generated/routes.ts']
        .replaceAll('group: null,', 'group: null, topicFormats,')
        .replace('export', "import { topicFormats } from './formats.ts'\nexport"),
    }
    const io = testIo(projectFolder(formatted))
    await topics({ partitions: 6 }, io, on(aCluster(...all)))
    assert.match(io.out(), /\ninvoices: values in Avro: invoices-value, id 7\n$/)
    const json = testIo(projectFolder(formatted))
    await topics({ partitions: 6, json: true }, json, on(aCluster(...all)))
    const [found] = JSON.parse(json.out()).formats
    assert.deepEqual([found.topic, found.values.subject, found.keys], ['invoices', 'invoices-value', null])
  })

  it('says where to run it, outside of a project', async () => {
    const io = testIo(projectFolder())
    await assert.rejects(topics({ partitions: 4, brokers: 'a:1' }, io, on(aCluster())), {
      code: 'PYR_USAGE',
      message: /pyrallel\.config\.ts, which is not in this folder\. Run the command in your project's folder\.$/,
    })
  })

  it('names only what is missing before the first generate', async () => {
    const { 'generated/routes.ts': _, ...fresh } = project
    await assert.rejects(topics({ partitions: 4 }, testIo(projectFolder(fresh)), on(aCluster())), {
      code: 'PYR_USAGE',
      message:
        'What is wanted stands in generated/routes.ts, which has not been generated yet. Run `pyrallel generate` first.',
    })
  })
})

describe('pyrallel inspect offsets', () => {
  const options = { brokers: 'a:1' }

  function withOffsets(): MemoryCluster {
    const cluster = aCluster('orders', 'mails')
    for (let n = 0; n < 10; n++) cluster.append({ topic: 'orders', partition: 0, key: null, value: null, headers: [] })
    const group = cluster.group('shop')
    const { text } = encodeCompleted(
      2,
      [
        { start: 4, end: 6 },
        { start: 8, end: 9 },
      ],
      4_095,
    )
    group.commit({ topic: 'orders', partition: 0 }, { position: 2, metadata: text })
    group.commit({ topic: 'orders', partition: 1 }, { position: 0, metadata: '' })
    group.commit({ topic: 'orders', partition: 2 }, { position: 0, metadata: 'bAAAAAAAAA==' })
    group.commit({ topic: 'mails', partition: 3 }, { position: 5, metadata: 'O' })
    return cluster
  }

  it('shows position, lag and what is done above the position, and names metadata of others', async () => {
    const io = testIo(projectFolder())
    assert.equal(await inspectOffsets('shop', options, io, on(withOffsets())), 0)
    assert.match(io.out(), /^group shop at memory\n/)
    assert.match(
      io.out(),
      /orders\[0\] +2 +0\.\.10 +8 {2}3 done above the position, in 2 ranges up to 8 \(\d+ characters\)\n/,
    )
    assert.match(io.out(), /orders\[1\] +0 +0\.\.0 +0 {2}none\n/)
    assert.match(
      io.out(),
      /orders\[2\] .* not believed \(12 characters\): it may be that of Confluent Parallel Consumer, but cut or altered\n/,
    )
    assert.match(
      io.out(),
      /mails\[3\] +5 .*beyond the end of the log.*it may be that of Pyrallel-Consumer \(Python\), but it had no room .*\n/,
    )
  })

  it('says when records were deleted before they were handled', async () => {
    const cluster = withOffsets()
    cluster.log('orders', 0).truncateBelow(6)
    const io = testIo(projectFolder())
    await inspectOffsets('shop', { ...options, topic: 'orders' }, io, on(cluster))
    assert.match(io.out(), /orders\[0\] +2 +6\.\.10 +8 {2}4 records were deleted before they were handled; 3 done/)
    assert.ok(!io.out().includes('mails'))
  })

  it('shows how often records were tried that are not done, as text and with --json', async () => {
    const cluster = aCluster('orders')
    for (let n = 0; n < 10; n++) cluster.append({ topic: 'orders', partition: 0, key: null, value: null, headers: [] })
    const carried = [2, 3, 4, 5, 6, 7, 9].map((offset) => ({ offset, tried: offset - 1 }))
    const attempts = { carried, maxLength: 4_095 }
    const store = (partition: number, ranges: readonly { readonly start: number; readonly end: number }[]) =>
      cluster
        .group('shop')
        .commit(
          { topic: 'orders', partition },
          { position: 2, metadata: encodeMetadata(2, ranges, 4_095, attempts).text },
        )
    store(0, [{ start: 8, end: 9 }])
    store(1, [])
    const io = testIo(projectFolder())
    await inspectOffsets('shop', options, io, on(cluster))
    const tried =
      /; failed attempts of offset 2 \(1\), 3 \(2\), 4 \(3\), 5 \(4\), 6 \(5\), and 2 more \(\d+ characters\)\n/
    assert.match(io.out(), new RegExp(`1 done above the position, in 1 range up to 8${tried.source}`))
    assert.match(io.out(), new RegExp(`nothing done above the position${tried.source}`))
    const asJson = testIo(projectFolder())
    await inspectOffsets('shop', { ...options, json: true }, asJson, on(cluster))
    const { offsets } = JSON.parse(asJson.out())
    assert.deepEqual(offsets[0].metadata.attempts, carried)
  })

  it('gives the ranges with --json', async () => {
    const io = testIo(projectFolder())
    await inspectOffsets('shop', { ...options, json: true }, io, on(withOffsets()))
    const { offsets } = JSON.parse(io.out())
    const first = offsets.find(({ topic, partition }: Record<string, unknown>) => topic === 'orders' && partition === 0)
    assert.deepEqual(first.metadata.ranges, [
      { start: 4, end: 6 },
      { start: 8, end: 9 },
    ])
    assert.equal(first.lag, 8)
  })

  it('builds no more than 10,000 ranges of a partition, and says that there are more', async () => {
    const cluster = aCluster('orders')
    const many = Array.from({ length: 10_001 }, (_, index) => ({ start: 2 * index + 1, end: 2 * index + 2 }))
    const { text } = encodeCompleted(0, many, 4_095)
    cluster.group('shop').commit({ topic: 'orders', partition: 0 }, { position: 0, metadata: text })
    const io = testIo(projectFolder())
    await inspectOffsets('shop', options, io, on(cluster))
    assert.match(
      io.out(),
      /10000 done above the position, in 10000 ranges up to 19999, and more behind \(\d+ characters\)/,
    )
  })

  it('exits with 1 for a group without commits', async () => {
    const io = testIo(projectFolder())
    assert.equal(await inspectOffsets('shp', options, io, on(withOffsets())), 1)
    assert.match(io.out(), /^Nothing is committed for group shp at memory/)
  })

  it('names the topics that a group has commits of, when it has none of the one that was asked for', async () => {
    const io = testIo(projectFolder())
    assert.equal(await inspectOffsets('shop', { ...options, topic: 'order' }, io, on(withOffsets())), 1)
    const rest = 'but none of that topic. It has some of: mails, orders.'
    assert.equal(io.out(), `Group shop has commits at memory, ${rest}\n`)
  })
})

describe('pyrallel doctor', () => {
  it('finds settings ill that the client refuses for a consumer, although the broker answers, and says so once', async () => {
    const cluster = await on(aCluster(...all))({} as never, undefined, {} as never)
    const refusing = async () =>
      Object.assign(Object.create(cluster), {
        check: () => cluster.check(1_000),
        close: () => cluster.close(),
        view: cluster.view,
        description: cluster.description,
        consumer: async () => {
          throw new PyrallelError('PYR_CONFIG_INVALID', 'librdkafka refuses the settings: a must be >= b.')
        },
      })
    const io = testIo(projectFolder(project))
    assert.equal(await doctor({}, io, refusing), 1)
    assert.match(
      io.out(),
      /✗ config {2}librdkafka refuses the settings: a must be >= b\.\n {4}Next: pyrallel docs PYR_CONFIG_INVALID/,
    )
    assert.doesNotMatch(io.out(), /✓ config|consumer {2}/)
    assert.equal(io.out().split('refuses the settings').length, 2)
  })

  it('looks at the transactions of each group with commit.exactlyOnce, and at none without', async () => {
    const config =
      "import { defineConfig } from 'pyrallel'\nexport default defineConfig({ group: 'shop', commit: { exactlyOnce: true } })"
    const io = testIo(projectFolder({ ...project, 'pyrallel.config.ts': config }))
    assert.equal(await doctor({}, io, on(aCluster(...all))), 0)
    assert.match(
      io.out(),
      /✓ transactions of shop {2}the brokers allow them under pyrallel\.shop\.doctor, for 15 s each\n/,
    )
    const without = testIo(projectFolder(project))
    await doctor({}, without, on(aCluster(...all)))
    assert.doesNotMatch(without.out(), /transactions/)
  })

  it('finds a project well whose topics are all there, and warns of a concurrency that is never reached', async () => {
    const io = testIo(projectFolder(project))
    assert.equal(await doctor({}, io, on(aCluster(...all))), 0)
    assert.match(io.out(), /✓ Node {2}\d+\./)
    assert.match(io.out(), /✓ handlers {2}mail, pay\n/)
    assert.match(io.out(), /✓ broker {2}memory \(the default of kafka\.brokers\) answers\n/)
    assert.match(io.out(), /✓ topics {2}all 4 that handlers need are there\n/)
    assert.match(
      io.out(),
      /- session time-out {2}kafka\.sessionTimeout says 45s; the broker decides[^\n]*\n {4}Next: Compare with consumer\.session\.timeout\.ms of the group/,
    )
    assert.match(io.out(), /! concurrency of pay {2}20 is never reached: orders has 4 partitions[^\n]*\n {4}Next: /)
    assert.ok(!io.out().includes('concurrency of mail'))
  })

  it('finds the session time-out well where this process asks for it', () => {
    const { kafka } = configDefaults
    const found = examineSession({ ...kafka, groupProtocol: 'classic', sessionTimeoutMs: 10_000 }, 'shop')
    assert.deepEqual(found, {
      what: 'session time-out',
      state: 'well',
      detail: '10s, which this process asks the broker for',
    })
  })

  it('names the topics that are missing, with the command that creates them', async () => {
    const io = testIo(projectFolder(project))
    assert.equal(await doctor({}, io, on(aCluster('orders', 'orders.shop.dlq'))), 1)
    assert.match(
      io.out(),
      /✗ topics {2}missing: mails, mails\.shop\.dlq\n {4}Next: Create them: pyrallel topics --create\n/,
    )
  })

  it('goes on where the broker is away or the config is wrong, and says what to read', async () => {
    const away = testIo(projectFolder(project))
    assert.equal(await doctor({}, away, unreachable), 1)
    assert.match(away.out(), /✓ config .*\n/)
    assert.match(away.out(), /✗ broker {2}nobody answered\n {4}Next: pyrallel docs PYR_BROKER_UNREACHABLE\n/)
    assert.match(away.out(), /- topics {2}no broker could be asked\n {4}Next: Correct what is ill above/)
    const wrong = testIo(projectFolder({ ...project, 'pyrallel.config.ts': 'export default { group: 7 }' }))
    assert.equal(await doctor({ json: true }, wrong, on(aCluster())), 1)
    const { findings, well } = JSON.parse(wrong.out())
    assert.equal(well, false)
    const config = findings.find(({ what }: { readonly what: string }) => what === 'config')
    assert.match(config.detail, /option group is 7/)
    const skipped = findings.filter(({ state }: { readonly state: string }) => state === 'skipped')
    assert.deepEqual(
      skipped.map(({ what, detail }: { readonly what: string; readonly detail: string }) => [what, detail]),
      [
        ['handlers', 'the config is ill'],
        ['broker, topics', 'the config does not tell where it is'],
      ],
    )
  })

  it('says nothing of concurrency as long as no topic is there', async () => {
    const io = testIo(projectFolder(project))
    assert.equal(await doctor({}, io, on(aCluster())), 1)
    assert.match(io.out(), /- concurrency {2}no topic that handlers read is there\n {4}Next: Create the topics/)
  })

  it('says that neither Kafka client loads, and why no broker was asked', async () => {
    const io = testIo(projectFolder(project))
    const why = 'the addon was never built'
    const missing = () => Promise.reject(new Error(why))
    const refusing: Connect = async () => {
      throw new PyrallelError('PYR_NATIVE_MISSING', why)
    }
    assert.equal(await doctor({}, io, refusing, { librdkafka: missing, javascript: missing }), 1)
    assert.match(
      io.out(),
      /✗ Kafka client {2}There is no Kafka client; either will do\.\n {4}The native .*the addon was never built.*\n {4}The .*\n {4}Next: pyrallel docs PYR_CLIENT_MISSING/,
    )
    assert.match(io.out(), /- broker, topics {2}no Kafka client can be loaded\n {4}Next: /)
    assert.match(io.out(), /✓ handlers {2}mail, pay\n/)
    assert.equal(io.out().split(why).length, 3)
  })

  it('says which Kafka client is used, why, its version, and what is with the other one', async () => {
    const there = async () => ({})
    const missing = () => Promise.reject(new Error('not built'))
    const said = async (client: string, loaders: ClientLoaders) => {
      const config = `export default { group: 'shop', kafka: { client: '${client}' } }`
      const io = testIo(projectFolder({ ...project, 'pyrallel.config.ts': config }))
      await doctor({}, io, on(aCluster(...all)), loaders)
      return /[^ ] Kafka client {2}.*/.exec(io.out())?.[0]
    }
    const native = 'librdkafka (@confluentinc/kafka-javascript 1.10.1)'
    const other = 'the one in JavaScript (@platformatic/kafka 2.12.1)'
    assert.equal(
      await said('auto', { librdkafka: there, javascript: there }),
      `✓ Kafka client  ${native}, as kafka.client is 'auto'; ${other} would load, too`,
    )
    assert.equal(
      await said('librdkafka', { librdkafka: there, javascript: missing }),
      `✓ Kafka client  ${native}, as kafka.client says 'librdkafka'; ${other} would not load`,
    )
    const isNotLoaded = () => assert.fail('the native client was loaded')
    assert.equal(
      await said('javascript', { librdkafka: isNotLoaded, javascript: there }),
      `✓ Kafka client  ${other}, as kafka.client says 'javascript'; ${native} is installed, too`,
    )
    const newer = async () => ({ clientSoftwareVersion: '2.99.0' })
    assert.match(
      (await said('javascript', { librdkafka: isNotLoaded, javascript: newer })) ?? '',
      /^! Kafka client .*It is 2\.99\.0, which Pyrallel was not tested with/,
    )
    const fallen = (await said('auto', { librdkafka: missing, javascript: there })) ?? ''
    assert.ok(fallen.startsWith(`✓ Kafka client  ${other}, as kafka.client is 'auto'. The native Kafka client`), fallen)
    assert.match(fallen, /cannot be loaded: not built\./)
  })

  it('looks at a cluster outside of a project, too', async () => {
    const io = testIo(projectFolder())
    assert.equal(await doctor({ brokers: 'a:1' }, io, on(aCluster())), 0)
    assert.match(io.out(), /- handlers {2}this folder is no project\n/)
    assert.match(io.out(), /✓ broker {2}memory \(--brokers\) answers\n/)
  })

  it('refuses a Node that is too old', () => {
    assert.equal(examineNode('20.18.3').state, 'ill')
    assert.equal(examineNode('18.20.0').state, 'ill')
    assert.equal(examineNode('20.19.0').state, 'well')
    assert.equal(examineNode('24.1.0').state, 'well')
  })

  it('says for which Node the native client has to be compiled', () => {
    assert.match(examineNode('24.1.0').detail, /^24\.1\.0: there is a binary/)
    for (const version of ['25.0.0', '26.12.1'])
      assert.match(examineNode(version).detail, /CKJS_LINKING=dynamic npm install/)
  })
})

describe('the connection of a verb', () => {
  const kafka = {
    client: 'librdkafka',
    clientId: 'shop',
    groupProtocol: 'classic',
    sessionTimeoutMs: 20_000,
    security: { tls: true },
    librdkafka: { 'client.rack': 'a' },
    fetch: { maxBytes: 1_000_000 },
    requestTimeoutMs: 20_000,
    connectTimeoutMs: 5_000,
    keepAlive: true,
    rack: 'a',
    compression: 'gzip',
  }
  const project = { config: { kafka } } as unknown as Project
  const outside = { cwd: () => tmpdir(), env: {} }
  const target = { brokers: 'b:9092', from: '--brokers', ifUnreachable: 'Start one.', isEmbedded: false }
  const common = { brokers: 'b:9092', ifUnreachable: 'Start one.' }

  it('is as that of the project: group protocol, session, security and passthrough', () => {
    assert.deepEqual(connectionOptions(target, project, outside), { ...common, ...kafka })
  })

  it('to the embedded broker is as that of dev: by the client of the project, with a protocol of its own and no security', () => {
    assert.deepEqual(connectionOptions({ ...target, isEmbedded: true }, project, outside), {
      ...{ ...common, client: 'librdkafka', clientId: 'shop' },
      ...{ groupProtocol: 'consumer', createTopicsBy: 'metadata' },
    })
  })

  it('outside of a project is as the variables say', () => {
    const env = {
      PYRALLEL_KAFKA_CLIENT: 'javascript',
      PYRALLEL_KAFKA_SESSION_TIMEOUT: '6s',
      PYRALLEL_KAFKA_SECURITY_TLS: 'true',
      PYRALLEL_KAFKA_REQUEST_TIMEOUT: '9s',
    }
    const { client, sessionTimeoutMs, security, requestTimeoutMs } = connectionOptions(target, undefined, {
      ...outside,
      env,
    })
    assert.deepEqual([client, sessionTimeoutMs, security?.tls, requestTimeoutMs], ['javascript', 6_000, true, 9_000])
    assert.throws(() => connectionOptions(target, undefined, { ...outside, env: { PYRALLEL_KAFKA_CLIENT: 'jave' } }), {
      code: 'PYR_CONFIG_INVALID',
      message: /PYRALLEL_KAFKA_CLIENT/,
    })
  })

  it('outside of a project speaks the new group protocol', () => {
    const { client, clientId, groupProtocol } = connectionOptions(target, undefined, outside)
    assert.deepEqual([client, clientId, groupProtocol], ['auto', 'pyrallel', 'consumer'])
  })
})

describe('a table', () => {
  it('lines its columns up, with colours in them too', () => {
    assert.equal(
      table(
        [
          ['\u001b[31ma\u001b[39m', '10', 'x'],
          ['bbb', '5', 'y'],
        ],
        [1],
      ),
      '  \u001b[31ma\u001b[39m    10  x\n  bbb   5  y\n',
    )
  })
})

describe('.env files', () => {
  const git = (root: string, ...argv: readonly string[]) => spawnSync('git', argv, { cwd: root })

  it('in the repository are a warning with what to do; ignored ones, an example, and no repository are none', () => {
    const root = projectFolder({ '.env': 'A=1', '.env.production': 'B=2', '.env.example': 'A=', 'other/.env': 'C=1' })
    assert.equal(examineEnvFiles(root), undefined)
    git(root, 'init', '-q')
    git(root, 'add', '.env.example')
    assert.equal(examineEnvFiles(root)?.state, 'well')
    git(root, 'add', '-f', '.env', '.env.production')
    const finding = examineEnvFiles(root)
    assert.equal(finding?.state, 'warning')
    assert.match(finding.detail, /^\.env, \.env\.production are in the repository/)
    assert.match(finding.next ?? '', /git rm --cached -- \.env \.env\.production\)/)
    writeFileSync(join(root, ".env.it's $(mine)"), '')
    git(root, 'add', '-f', ".env.it's $(mine)")
    assert.ok(
      examineEnvFiles(root)?.next?.includes(` '.env.it'\\''s $(mine)' `),
      'one word to a shell, whoever chose it',
    )
  })

  it('of a project made from a template are ignored, but for the example', () => {
    for (const template of ['minimal', 'orders', 'worker', 'avro'] as const) {
      const ignore = templateFiles(template, 'shop').find(({ path }) => path === '.gitignore')?.text ?? ''
      const root = projectFolder({
        '.gitignore': ignore,
        '.env': '',
        '.env.local': '',
        '.env.production': '',
        '.env.example': '',
      })
      git(root, 'init', '-q')
      git(root, 'add', '.')
      assert.equal(git(root, 'ls-files', '.env*').stdout.toString(), '.env.example\n', template)
    }
  })
})
