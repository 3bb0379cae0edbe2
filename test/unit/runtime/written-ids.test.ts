/** Ids that values are written with: another registry has other schemas under the same ids, and readers of what is written with them would read nonsense. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { avro, type FormatOptions, type PulledSchema, protobuf } from '../../../framework/api/format.ts'
import { handler } from '../../../framework/api/handler.ts'
import { topic } from '../../../framework/api/topic.ts'
import { resolveConfig } from '../../../framework/config/resolve-config.ts'
import { PyrallelError } from '../../../framework/model/errors.ts'
import type { FormatTable } from '../../../framework/publishing/topic-formats.ts'
import type { RegisteredSchema } from '../../../framework/registry/schema-registry.ts'
import { resolveHandlers } from '../../../framework/runtime/resolve-handlers.ts'
import { refuseForeignIds } from '../../../framework/runtime/written-ids.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { recordedLog } from '../kafka/recorded-log.ts'

const text = '{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}'
const orders: PulledSchema<unknown> = {
  kind: 'pyrallel.schema',
  format: 'avro',
  subject: 'orders-value',
  id: 7,
  guid: '89791762-2336-4186-9674-299b90a802e2',
  fingerprint: 'f00d',
  text,
}
const known = (more: Partial<RegisteredSchema> = {}): RegisteredSchema => {
  return { format: 'avro', text, references: [], guid: null, rules: [], ...more }
}

function handlerOf(topicFormats: FormatTable, publishes: readonly string[] = ['orders']) {
  const read = handler(topic<{ readonly id: string }>('work'), () => {})
  const registered = { id: 'work', file: 'handlers/work.ts', topic: 'work', group: null, handler: read }
  return resolveHandlers([{ ...registered, publishes, topicFormats }], resolveConfig({ group: 'shop' }, 'test'))
}

async function check(handlers: ReturnType<typeof handlerOf>, byId: (id: number) => Promise<RegisteredSchema>) {
  const asked: number[] = []
  const { log, lines } = recordedLog()
  const registry = {
    url: 'http://registry',
    byId: (id: number) => {
      asked.push(id)
      return byId(id)
    },
  }
  await refuseForeignIds(handlers, { registry: () => registry, log, clock: new ManualClock() })
  return { asked, lines }
}

describe('the id that values are written with', () => {
  it('is that of the schema that was pulled, however its text is laid out', async () => {
    const other = '{ "name": "Order",\n "type": "record", "fields": [{"type":"long","name":"id"}] }'
    const { asked, lines } = await check(handlerOf({ orders: { format: avro(orders) } }), async () =>
      known({ text: other }),
    )
    assert.deepEqual([asked, lines], [[7], []])
    const proto = { ...orders, format: 'protobuf', text: 'syntax = "proto3";\nmessage Order {}' } as const
    const spaced = 'syntax = "proto3";\n\nmessage Order {\n}\n'
    await check(handlerOf({ orders: { format: protobuf(proto) } }), async () =>
      known({ format: 'protobuf', text: spaced }),
    )
  })

  for (const [what, found, words] of [
    ['another schema', async () => known({ text: '"long"' }), /has another schema under that id/],
    ['one of another format', async () => known({ format: 'json-schema' }), /has another schema under that id/],
    [
      'nothing',
      () => Promise.reject(new PyrallelError('PYR_SCHEMA_UNKNOWN', 'There is no schema with id 7.')),
      /has no schema under that id/,
    ],
  ] as const) {
    for (const part of ['format', 'keyFormat'] as const) {
      it(`is refused where the registry has ${what} under it: ${part}`, async () => {
        const written = part === 'format' ? 'values' : 'keys'
        await assert.rejects(check(handlerOf({ orders: { [part]: avro(orders) } }), found), (error: PyrallelError) => {
          assert.equal(error.code, 'PYR_SCHEMA_REFUSED')
          const begins = `handlers/work.ts publishes ${written} of orders with id 7, that of orders-value where it was pulled, and http://registry `
          assert.ok(error.message.startsWith(begins), error.message)
          assert.match(error.message, words)
          assert.match(error.message, /Pull it from this registry: pyrallel schemas pull orders-value\.$/)
          return true
        })
      })
    }
  }

  it('is not looked at where nothing is published with it, or a GUID is', async () => {
    const never = () => assert.fail('the registry was asked')
    const byGuid: FormatOptions = { framing: 'guid' }
    await check(handlerOf({ orders: { format: avro(orders, byGuid) } }), never)
    await check(handlerOf({ orders: { format: avro(orders) } }, []), never)
    const handlers = handlerOf({ orders: { format: avro(orders) } })
    await refuseForeignIds(handlers, { registry: () => undefined, log: recordedLog().log, clock: new ManualClock() })
  })

  it('is asked for once, and a registry that is away keeps nobody from starting: a line says so', async () => {
    const away = new PyrallelError('PYR_REGISTRY_UNREACHABLE', 'Nothing answers.', { retriable: true })
    const both = handlerOf({ orders: { format: avro(orders), keyFormat: avro(orders) } })
    const { asked, lines } = await check(both, () => Promise.reject(away))
    assert.deepEqual(asked, [7])
    assert.equal(lines.length, 1)
    assert.match(JSON.stringify(lines[0]), /the registry has not said whether the ids that are published are its own/)
  })

  it('is not waited for longer than 5 s', async () => {
    const clock = new ManualClock()
    const { log, lines } = recordedLog()
    const registry = { url: 'http://registry', byId: () => new Promise<never>(() => {}) }
    const checking = refuseForeignIds(handlerOf({ orders: { format: avro(orders) } }), {
      registry: () => registry,
      log,
      clock,
    })
    await Promise.resolve()
    clock.advance(5_000)
    await checking
    assert.equal(lines.length, 1)
  })
})
