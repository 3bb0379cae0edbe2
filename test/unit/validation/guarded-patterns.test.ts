/** Patterns of schemas: how often they run, on how long a text, and what is told of them. Every text here is harmless. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type TSchema, Type } from 'typebox'
import type { PatternRules, SlowCheck } from '../../../framework/validation/guarded-patterns.ts'
import { RejectedValue, ValueDecoder } from '../../../framework/validation/value-decoder.ts'

const letters = '^[a-z]+$'

/** How often a pattern with this source runs. */
let runs = 0
const exec = RegExp.prototype.exec
// Where an assertion fails, Node reads the source by expressions of its own: each has its sentence, or compares.
beforeEach(() => {
  runs = 0
  RegExp.prototype.exec = function (text) {
    if (this.source === letters) runs += 1
    return exec.call(this, text)
  }
})
afterEach(() => {
  RegExp.prototype.exec = exec
})

const still: PatternRules = { now: () => 0, onSlow: () => {} }

async function decode(schema: TSchema, value: unknown, rules = still): Promise<unknown> {
  const decoder = await ValueDecoder.of(schema, 'h', rules)
  return decoder.decode(Buffer.from(JSON.stringify(value)))
}

async function whyNot(schema: TSchema, value: unknown): Promise<string> {
  const result = await decode(schema, value)
  assert.ok(result instanceof RejectedValue, 'the value was accepted')
  return result.failure.message
}

describe('a pattern of a schema', () => {
  it('runs once on a value that it refuses, and not again for the text of the error', async () => {
    const schema = Type.Object({ sku: Type.String({ pattern: letters }) })
    assert.match(await whyNot(schema, { sku: 'A1' }), /\/sku must match pattern "\^\[a-z\]\+\$"/)
    assert.equal(runs, 1)
  })

  it('does not run on a text that is longer than its maxLength', async () => {
    const schema = Type.String({ pattern: letters, maxLength: 3 })
    assert.match(await whyNot(schema, 'abcd'), /must not have more than 3 characters/)
    assert.equal(runs, 0)
  })

  it('does not run on a text above 10,000 characters where there is no maxLength, and the error says so', async () => {
    const schema = Type.String({ pattern: letters })
    assert.equal(await decode(schema, 'a'.repeat(10_000)), 'a'.repeat(10_000))
    assert.equal(runs, 1)
    assert.match(
      await whyNot(schema, 'a'.repeat(10_001)),
      /at most 10000 characters, as its schema has a pattern and no maxLength/,
    )
    assert.equal(runs, 1)
  })

  it('runs on a longer text where maxLength allows it', async () => {
    assert.equal(
      typeof (await decode(Type.String({ pattern: letters, maxLength: 20_000 }), 'a'.repeat(15_000))),
      'string',
    )
    assert.equal(runs, 1)
  })

  it('runs once on each element, in unions and nested objects too, and the first misfit is named', async () => {
    const schema = Type.Object({
      lines: Type.Array(Type.Object({ sku: Type.Union([Type.String({ pattern: letters }), Type.Null()]) })),
    })
    const why = await whyNot(schema, { lines: [{ sku: 'ok' }, { sku: null }, { sku: 'NO' }, { sku: 'fine' }] })
    assert.match(why, /\/lines\/2\/sku must match pattern/)
    assert.ok(runs <= 3, `${runs} runs`)
  })

  it('judges each value by itself: what one has failed is no concern of the next', async () => {
    const decoder = await ValueDecoder.of(Type.Object({ a: Type.String({ pattern: letters }) }), 'h', still)
    for (const [value, isRight] of [
      ['x', true],
      ['X', false],
      ['y', true],
      ['X', false],
      ['x', true],
    ] as const) {
      const decoded = decoder.decode(Buffer.from(JSON.stringify({ a: value })))
      assert.equal(decoded instanceof RejectedValue, !isRight, value)
    }
  })

  it('a pattern that takes more than 100 ms is told, by the path in the schema and never by the value', async () => {
    const told: SlowCheck[] = []
    let now = 0
    const rules = { now: () => (now += 101), onSlow: (check: SlowCheck) => void told.push(check) }
    const schema = Type.Object({ lines: Type.Array(Type.Object({ sku: Type.String({ pattern: letters }) })) })
    await decode(schema, { lines: [{ sku: 'abc' }] }, rules)
    assert.deepEqual(told, [{ path: 'lines/*/sku', tookMs: 101 }])
    now = 0
    const fast = { ...rules, now: () => (now += 100) }
    await decode(schema, { lines: [{ sku: 'abc' }] }, fast)
    assert.equal(told.length, 1)
  })

  it('for names of properties does not see one above 10,000 characters, and the value is refused with that reason', async () => {
    const schema = Type.Object({ totals: Type.Record(Type.String({ pattern: letters }), Type.Number()) })
    const named = (length: number) => ({ totals: { ['a'.repeat(length)]: 1 } })
    assert.equal((await decode(schema, named(10_000))) instanceof RejectedValue, false)
    assert.notEqual(runs, 0)
    runs = 0
    const why = 'a property has a name of more than 10000 characters, and the schema has patterns for names'
    assert.equal(await whyNot(schema, named(10_001)), `the value does not satisfy its schema: ${why}`)
    assert.equal(await whyNot(schema, { totals: {}, deep: [[named(10_001)]] }).then((text) => text.endsWith(why)), true)
    assert.equal(runs, 0)
  })

  it('for names leaves records of any name alone, however long the name', async () => {
    for (const schema of [Type.Record(Type.String(), Type.Number()), Type.Object({})]) {
      assert.equal((await decode(schema, { ['a'.repeat(20_000)]: 1 })) instanceof RejectedValue, false)
    }
  })

  it('in propertyNames is guarded like that of a text', async () => {
    const schema = Type.Unsafe<object>({ type: 'object', propertyNames: { type: 'string', pattern: letters } })
    assert.equal((await decode(schema, { ['a'.repeat(10_000)]: 1 })) instanceof RejectedValue, false)
    assert.equal(runs, 1)
    assert.equal((await decode(schema, { ['a'.repeat(10_001)]: 1 })) instanceof RejectedValue, true)
    assert.equal(runs, 1)
  })

  it('for names that takes more than 100 ms is told by its path, and is not run again for the text of the error', async () => {
    const told: SlowCheck[] = []
    let now = 0
    const rules = { now: () => (now += 101), onSlow: (check: SlowCheck) => void told.push(check) }
    const schema = Type.Object({ totals: Type.Record(Type.String({ pattern: letters }), Type.Number()) })
    const decoder = await ValueDecoder.of(schema, 'h', rules)
    const decoded = decoder.decode(Buffer.from('{"totals":{"abc":"no number"}}'))
    assert.ok(decoded instanceof RejectedValue, 'it was accepted')
    assert.match(decoded.failure.message, /to find that out took 101 ms, so where is not looked for$/)
    assert.deepEqual(told, [{ path: 'totals/*', tookMs: 101 }])
    assert.equal(runs, 1)
    now = 0
    const quick = await ValueDecoder.of(schema, 'h', { ...rules, now: () => (now += 100) })
    assert.match(
      (quick.decode(Buffer.from('{"totals":{"abc":"no number"}}')) as RejectedValue).failure.message,
      /\/totals\/\* must be number$/,
    )
    assert.equal(told.length, 1)
  })

  it('leaves values in the schema alone, and properties that are called pattern', async () => {
    const schema = Type.Object({
      pattern: Type.String({ pattern: letters }),
      kind: Type.Unsafe<object>({ const: { pattern: '^x$' } }),
    })
    assert.deepEqual(await decode(schema, { pattern: 'abc', kind: { pattern: '^x$' } }), {
      pattern: 'abc',
      kind: { pattern: '^x$' },
    })
    assert.equal((await decode(schema, { pattern: 'ABC', kind: { pattern: '^x$' } })) instanceof RejectedValue, true)
  })
})
