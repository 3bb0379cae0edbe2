/** docs/clients.md: what it says that one client cannot do is what the code refuses, row by row. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it, type TestContext } from 'node:test'
import { openBroker } from '../../../cli/dev/broker/open-broker.ts'
import { configDefaults } from '../../../framework/config/resolve-config.ts'
import { beyondJavascript } from '../../../framework/kafka/client-limits.ts'
import { loadClient } from '../../../framework/kafka/clients/load-client.ts'
import { LIBRARY_VERSION } from '../../../framework/kafka/javascript/client.ts'
import { insteadOf } from '../../../framework/kafka/owned-properties.ts'
import { recordedLog } from '../kafka/recorded-log.ts'
import { scriptedConnection } from '../kafka/scripted-library.ts'
import { withoutNativeClient } from '../kafka/without-native-client.ts'
import { checkout, textOf } from './pages.ts'

const page = textOf('docs/clients.md')
const [, section = ''] = page.split('\n## What one cannot do\n')
const rows = [...section.matchAll(/^\| (?!what|---)([^|]+) \|/gm)].map(([, what = '']) => what)

const refusedOptions = (settings: Partial<Parameters<typeof beyondJavascript>[0]>) =>
  beyondJavascript({ groupProtocol: 'consumer', librdkafka: {}, ...settings }).map(({ option }) => option)

const says = (file: string, text: RegExp) => assert.match(readFileSync(checkout + file, 'utf8'), text)

/** For each row, what it rests on. */
const proofs: Readonly<Record<string, (t: TestContext) => void | Promise<void>>> = {
  'brokers before Apache Kafka 4.0': () =>
    says('framework/kafka/javascript/link.ts', /the brokers to Apache Kafka 4\.0 or newer/),
  "`groupProtocol: 'classic'`": () =>
    assert.deepEqual(refusedOptions({ groupProtocol: 'classic' }), ['kafka.groupProtocol']),
  '`kafka.librdkafka`': () => assert.deepEqual(refusedOptions({ librdkafka: { a: 1 } }), ['kafka.librdkafka']),
  'records compressed by zstd': () => {
    says('framework/kafka/javascript/record-batch.ts', /compressed by zstd, which Node reads from 22\.15 on/)
    says('framework/kafka/javascript/compression.ts', /Node compresses by zstd from 22\.15 on/)
  },
  'answers of the group that come later than the heartbeat interval, 5 s as brokers have it': () => {
    says('findings/librdkafka-lost-heartbeat.sh', /gain: a minute later c has 1, the broker says 2/)
    says('test/e2e/javascript-wire.suite.ts', /given to it later .*, although the answer that said so was lost/)
  },
  'batches that are damaged, on the way or on a disk': () => {
    assert.equal(insteadOf('check.crcs', undefined), undefined)
    says('framework/kafka/javascript/fetcher.ts', /a batch is damaged; it is fetched again/)
  },
  '`inspect offsets` of a share group (KIP-932)': async () => {
    const { connection } = await scriptedConnection({})
    assert.equal(connection.view.shareGroup, undefined)
    says('framework/kafka/javascript/view.ts', /async shareGroup\(/)
  },
  'the embedded broker of `dev`': async (t) => {
    withoutNativeClient(t)
    const kafka = { ...configDefaults.kafka, client: 'javascript' } as const
    const { log } = recordedLog()
    const broker = await openBroker({
      brokers: undefined,
      kind: 'embedded',
      kafka,
      exactlyOnce: false,
      topics: [],
      log,
    })
    assert.deepEqual([broker.kind, broker.fallback?.includes('--brokers')], ['memory', true])
    await broker.stop()
  },
  'machines without a compiler or a binary: Node 26, Alpine, blocked install scripts': async () => {
    const loaders = { librdkafka: () => Promise.reject(new Error('not built')), javascript: async () => ({}) }
    const needs = { groupProtocol: 'consumer' } as const
    assert.equal((await loadClient({ ...needs, client: 'auto' }, loaders)).name, 'javascript')
    await assert.rejects(loadClient({ ...needs, client: 'librdkafka' }, loaders), { code: 'PYR_NATIVE_MISSING' })
  },
}

describe('docs/clients.md', () => {
  it('has a row for each thing that one client cannot do, and no other', () => {
    assert.deepEqual(rows, Object.keys(proofs))
  })

  for (const [what, holds] of Object.entries(proofs)) it(`says what is true of ${what}`, holds)

  it('names the version of the library that is asked for', () => {
    assert.ok(page.includes(`@platformatic/kafka@${LIBRARY_VERSION}\``))
  })
})
