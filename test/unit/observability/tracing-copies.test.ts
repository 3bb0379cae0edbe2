/** Two copies of the OpenTelemetry API in one process: what one registers, an other that is newer does not see. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { loadTracing } from '../../../framework/tracing/tracing.ts'
import { recordedLog } from '../kafka/recorded-log.ts'

const registry = Symbol.for('opentelemetry.js.api.1')

/** As a copy of that version leaves it behind when an SDK registers its tracer provider. */
function registeredBy(t: TestContext, version: string): void {
  t.after(() => Reflect.deleteProperty(globalThis, registry))
  Reflect.set(globalThis, registry, { version, trace: { getTracer: () => ({}) } })
}

describe('a tracer provider that is registered', () => {
  it('with an older copy of the API is not seen, which is one warning with the next step', async (t) => {
    registeredBy(t, '1.9.0')
    const { log, lines } = recordedLog()
    assert.equal(await loadTracing(log), undefined)
    assert.equal(lines.length, 1)
    const [{ level, message, fields }] = lines as [(typeof lines)[number]]
    assert.equal(level, 'warn')
    assert.match(message, /no spans are made: .*`npm ls @opentelemetry\/api`/)
    assert.deepEqual(fields, { registeredWith: '1.9.0' })
  })

  it('with a newer copy of the API is used, without a word', async (t) => {
    registeredBy(t, '1.99.0')
    const { log, lines } = recordedLog()
    assert.notEqual(await loadTracing(log), undefined)
    assert.deepEqual(lines, [])
  })
})
