/** Where the library of Protobuf is not installed: everything else works, and a value in Protobuf says what to install. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { PROTOBUF_VERSION } from '../../../framework/formats/protobuf/protobuf-library.ts'

const url = (path: string) => new URL(path, import.meta.url)

const source = (path: string) => JSON.stringify(url(`../../../framework/${path}`).href)

/** What a script says that runs where the library cannot be loaded. */
function said(script: string): string {
  const blocked = fileURLToPath(url('no-protobuf.mjs'))
  const argv = ['--import', 'tsx', '--import', blocked, '--input-type=module', '--eval', script]
  return execFileSync(process.execPath, argv, { encoding: 'utf8' })
}

const told =
  /Values in Protobuf need the package @bufbuild\/protobuf, which cannot be loaded: .* Run `npm install --save-exact @bufbuild\/protobuf@2\.17\.0` in the project\.\n$/

describe('the library of Protobuf', { timeout: 60_000 }, () => {
  it('is asked for by the first value that needs it, with the command that installs it', () => {
    const script = `import { avro, handler } from ${source('index.ts')}
import { loadCodec } from ${source('formats/value-codec.ts')}
if (typeof avro !== 'function' || typeof handler !== 'function') throw new Error('nothing works')
await loadCodec({ format: 'protobuf' }).catch(({ code, message }) => console.log(code, message))`
    assert.match(said(script), new RegExp(`^PYR_HANDLER_OPTION ${told.source}`))
  })

  it('is asked for where a process starts, before any record is read or committed', () => {
    const script = `import { handler, protobuf, topic } from ${source('index.ts')}
import { resolveConfig } from ${source('config/resolve-config.ts')}
import { memoryCluster } from ${source('kafka/memory/client.ts')}
import { runtimeOf } from ${source('runtime/open-runtime.ts')}
import { resolveHandlers } from ${source('runtime/resolve-handlers.ts')}
const text = 'syntax = "proto3"; message Order { int32 id = 1; }'
const facts = { kind: 'pyrallel.schema', subject: 'orders-value', id: 7, guid: null, fingerprint: 'f00d' }
const orders = topic('orders', { format: protobuf({ ...facts, format: 'protobuf', text, message: 'Order' }) })
const cluster = memoryCluster()
for (const name of ['orders', 'orders.shop.dlq']) cluster.createTopic(name, 1)
cluster.append({ topic: 'orders', key: null, value: Buffer.of(0, 0, 0, 0, 7, 0, 8, 5), headers: [] })
const config = resolveConfig({ group: 'shop', registry: { url: 'http://127.0.0.1:1' } }, 'the test')
const registered = { id: 'a', file: 'a.ts', topic: 'orders', group: null, handler: handler(orders, () => {}) }
const quiet = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
const handlers = resolveHandlers([registered], config)
const runtime = runtimeOf(config, { connection: cluster.connection(), handlers, log: quiet })
const why = await runtime.start().then(() => 'started', ({ message }) => message)
await runtime.stop().catch(() => {})
console.log(cluster.log('orders.shop.dlq', 0).records.length, cluster.group('shop').committed({ topic: 'orders', partition: 0 })?.position ?? 'none', why)`
    assert.match(said(script), new RegExp(`^0 none ${told.source}`))
  })

  it('is asked for by who looks at a dead letter, and its bytes are shown all the same', () => {
    const script = `import { readWithSchema } from ${source('formats/read-value.ts')}
const schema = { format: 'protobuf', text: 'syntax = "proto3"; message Order {}', guid: null, references: [], rules: [] }
const registry = { url: 'http://registry', byId: async () => schema }
const read = await readWithSchema({ value: Buffer.of(0, 0, 0, 0, 7, 0), headers: [] }, { registry, topics: async () => [] })
console.log(read.kind, read.why)`
    assert.match(said(script), new RegExp(`^unread with schema id 7: ${told.source}`))
  })

  it('has the version that package.json names', () => {
    const { optionalDependencies } = JSON.parse(readFileSync(url('../../../package.json'), 'utf8'))
    assert.equal(optionalDependencies['@bufbuild/protobuf'], PROTOBUF_VERSION)
  })
})
