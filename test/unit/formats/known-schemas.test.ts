/** Schemas of writers: each is asked for once, what is away is asked for again, and what can never be read says so. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { KnownSchemas, type SchemaAnswer } from '../../../framework/formats/known-schemas.ts'
import { askRegistry } from '../../../framework/formats/registry-answers.ts'
import type { SchemaRef } from '../../../framework/formats/value-frame.ts'
import { PyrallelError } from '../../../framework/model/errors.ts'
import type { RegisteredSchema, SchemaRegistry } from '../../../framework/registry/schema-registry.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'

const schema = { format: 'avro', text: '"int"', references: [] } as const
const found: SchemaAnswer = { kind: 'found', schema }
const away: SchemaAnswer = { kind: 'unanswered', why: 'nothing answers' }

function known(...answers: readonly SchemaAnswer[]) {
  const clock = new ManualClock()
  const asked: SchemaRef[] = []
  const schemas = new KnownSchemas(async (ref) => {
    asked.push(ref)
    return answers[Math.min(asked.length, answers.length) - 1] ?? away
  }, clock)
  return { clock, asked, schemas }
}

describe('the schemas that are known', () => {
  it('are asked for once, however often they are looked for meanwhile, and kept', async () => {
    const { asked, schemas } = known(found)
    assert.match((schemas.find({ id: 7 }) as { why: string }).why, /schema with id 7 is being asked for/)
    schemas.find({ id: 7 })
    assert.deepEqual(await schemas.answer({ id: 7 }), found)
    assert.deepEqual(schemas.find({ id: 7 }), found)
    assert.deepEqual(asked, [{ id: 7 }])
  })

  it('are asked for again when nobody has answered, not at once and not for ever', async () => {
    const { clock, asked, schemas } = known(away, found)
    schemas.find({ id: 7 })
    await nextTurn()
    assert.deepEqual([schemas.find({ id: 7 }), asked.length], [away, 1])
    clock.pass(250)
    assert.deepEqual([schemas.find({ id: 7 }), asked.length], [away, 2])
    await nextTurn()
    assert.deepEqual(schemas.find({ id: 7 }), found)
  })

  it('are asked for again after 5 s where the registry refuses this process: it may lock out who comes too often', async () => {
    const shut: SchemaAnswer = { kind: 'unanswered', why: 'status 401', isShut: true }
    const { clock, asked, schemas } = known(shut, found)
    assert.deepEqual(await schemas.answer({ id: 7 }), shut)
    clock.pass(4_999)
    assert.deepEqual([schemas.find({ id: 7 }), asked.length], [shut, 1])
    clock.pass(1)
    assert.deepEqual(await schemas.answer({ id: 7 }), found)
  })

  it('may come after they were refused', async () => {
    const refused: SchemaAnswer = { kind: 'refused', name: 'UnknownSchema', why: 'there is none' }
    const { clock, schemas } = known(refused, found)
    assert.deepEqual(await schemas.answer({ id: 7 }), refused)
    clock.pass(29_999)
    assert.deepEqual(schemas.find({ id: 7 }), refused)
    clock.pass(1)
    assert.deepEqual(await schemas.answer({ id: 7 }), found)
  })

  it('are no more than a thousand', async () => {
    const { asked, schemas } = known(found)
    for (let id = 1; id <= 1_001; id += 1) await schemas.answer({ id })
    await schemas.answer({ id: 1_001 })
    assert.equal(asked.length, 1_001)
    await schemas.answer({ id: 1 })
    assert.equal(asked.length, 1_002)
  })
})

describe("a registry's answer", () => {
  const registered: RegisteredSchema = { format: 'avro', text: '"int"', guid: null, references: [], rules: [] }

  function asking(byId: (id: number) => Promise<RegisteredSchema>) {
    const clock = new ManualClock()
    const registry: Pick<SchemaRegistry, 'byId' | 'byGuid'> = { byId, byGuid: () => byId(0) }
    return { clock, ask: askRegistry(registry as SchemaRegistry, clock) }
  }

  it('is the schema with the texts of those that it names', async () => {
    const references = [{ name: 'shop.Money', subject: 'money', version: 1, text: '"long"' }]
    const { ask } = asking(async () => ({ ...registered, references }))
    assert.deepEqual(await ask({ id: 7 }), {
      kind: 'found',
      schema: { ...schema, references: [{ name: 'shop.Money', text: '"long"' }] },
    })
    assert.equal((await ask({ guid: 'a' })).kind, 'found')
  })

  it('means waiting while the registry is away, refuses this process, or is none', async () => {
    for (const [code, more] of [
      ['PYR_REGISTRY_UNREACHABLE', {}],
      ['PYR_REGISTRY_REFUSED', { isShut: true }],
      ['PYR_REGISTRY', {}],
    ] as const) {
      const { ask } = asking(() => Promise.reject(new PyrallelError(code, 'it is so')))
      assert.deepEqual(await ask({ id: 7 }), { kind: 'unanswered', why: 'it is so', ...more })
    }
  })

  it('of an unknown id means waiting for 30 s, and then never', async () => {
    const { clock, ask } = asking(() => Promise.reject(new PyrallelError('PYR_SCHEMA_UNKNOWN', 'There is none.')))
    assert.deepEqual(await ask({ id: 7 }), { kind: 'unanswered', why: 'There is none. It is asked again for 30 s.' })
    clock.pass(29_999)
    assert.equal((await ask({ id: 7 })).kind, 'unanswered')
    clock.pass(1)
    assert.deepEqual(await ask({ id: 7 }), { kind: 'refused', name: 'UnknownSchema', why: 'There is none.' })
    assert.equal((await ask({ id: 8 })).kind, 'unanswered', 'each has 30 s of its own')
  })

  it('of a schema of another kind means that its values are never read', async () => {
    const { ask } = asking(() => Promise.reject(new PyrallelError('PYR_SCHEMA_REFUSED', 'It is one of XSD.')))
    assert.deepEqual(await ask({ id: 7 }), { kind: 'refused', name: 'SchemaMismatch', why: 'It is one of XSD.' })
  })

  it('with rules means that its values are never read: they may be encrypted', async () => {
    const { ask } = asking(async () => ({ ...registered, rules: ['encryptPII'] }))
    const answer = await ask({ id: 7 })
    assert.equal(answer.kind === 'refused' && answer.name, 'SchemaWithRules')
    assert.match(answer.kind === 'refused' ? answer.why : '', /has rules \(encryptPII\)/)
  })
})
