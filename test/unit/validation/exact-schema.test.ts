/** What TypeBox takes otherwise than JSON Schema, on each way on which values are checked: what is handled, published, and sent by hand. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { fakeValue } from '../../../cli/send/fake-value.ts'
import { refuseInvalid } from '../../../cli/send/send-record.ts'
import { publisher } from '../../../framework/publishing/publisher.ts'
import { seededRandom } from '../../../framework/runtime/seeded-random.ts'
import { exactSchema } from '../../../framework/validation/exact-schema.ts'
import { RejectedValue, ValueDecoder } from '../../../framework/validation/value-decoder.ts'

type Verdict = string | undefined

/** Why the value is refused, on each way; `undefined` where it is not. */
async function verdicts(schema: TSchema, json: string): Promise<readonly Verdict[]> {
  const decoded = (await ValueDecoder.of(schema, 'billing')).decode(Buffer.from(json))
  const publish = publisher({ produce: async () => {}, close: async () => {} })
  const topic = { kind: 'pyrallel.topic', name: 'amounts', schema } as const
  const reasonOf = async (check: () => unknown): Promise<Verdict> => {
    try {
      await check()
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }
  return [
    decoded instanceof RejectedValue ? decoded.failure.message : undefined,
    await reasonOf(() => publish(topic, JSON.parse(json))),
    await reasonOf(() => refuseInvalid(topic, { value: JSON.parse(json), text: json })),
  ]
}

async function accepts(schema: TSchema, json: string): Promise<boolean> {
  const each = await verdicts(schema, json)
  assert.equal(new Set(each.map((verdict) => verdict === undefined)).size, 1, `${json}: ${each.join(' | ')}`)
  return each[0] === undefined
}

describe('a multiple of a step', () => {
  const table: readonly (readonly [step: number, rightOnes: string, wrongOnes: string])[] = [
    [0.01, '1070468.14 0 -0 1 -1 0.07 -8.21 9999999.99 1e3 1.5e-1 123456789012.34', '1.005 0.001 -0.015 1e-3 1e-11'],
    [0.001, '1.005 -1.005 0.3 4503599627370.497 1e21', '1.0005 0.00099 1e-12'],
    [0.1, '0.3 0.7 -1.1 900719925474099.2 1e300', '0.35 0.25 -0.01 90071992547409.95 1e-300'],
    [1e-8, '0.00000001 3e-8 0.12345678 -1 21000000.12345678', '1e-9 0.123456789 -2.5e-8'],
    [1e-25, '1e-25 1 0.3', '1e-26 1.5e-25'],
    [0.05, '0.15 1.05 100.95', '0.07 0.151'],
    [1.1, '2.2 3.3 -5.5 0', '1 2.3 1.10001'],
    [1, '5 -5 9007199254740993 1e22', '0.5 1.00000000001 -1e-11'],
    [5, '0 25 -10 1e20', '7 5.00000000001 24.999999999999'],
    [1e3, '1000 -3e3 1e21', '1001 999.999999999999'],
    [1e22, '1e22 5e22', '1e21 1'],
  ]
  for (const [step, rightOnes, wrongOnes] of table) {
    const schema = Type.Object({ n: Type.Number({ multipleOf: step }) })
    it(`of ${step} is what is one as it is written, and nothing else`, async () => {
      for (const text of rightOnes.split(' ')) assert.equal(await accepts(schema, `{"n":${text}}`), true, text)
      for (const text of wrongOnes.split(' ')) assert.equal(await accepts(schema, `{"n":${text}}`), false, text)
    })
  }

  it('of 0.01 is every amount with two decimals: one in 97 of all up to ten million, and with a third decimal none', () => {
    const { Check } = bound(Compile(exactSchema(Type.Number({ multipleOf: 0.01 }))))
    for (let cents = 0; cents <= 1_000_000_000; cents += 97) {
      const text = `${Math.trunc(cents / 100)}.${String(cents % 100).padStart(2, '0')}`
      if (!Check(Number(text)) || !Check(-Number(text))) assert.fail(`${text} was refused`)
      if (Check(Number(`${text}5`))) assert.fail(`${text}5 was accepted`)
    }
  })

  it('is told in the words of every other mistake, with its place', async () => {
    const schema = Type.Object({ n: Type.Number({ multipleOf: 0.01 }) })
    const told = await verdicts(schema, '{"n":1.005}')
    for (const each of told) assert.match(each ?? '', /\/n:? must be multiple of 0\.01/)
  })

  it('is asked for in unions, lists, types that lead back to themselves, and by patterns for names', async () => {
    const cents = Type.Number({ multipleOf: 0.01 })
    const right = '1070468.14'
    const wrong = '1.005'
    const schemas: readonly (readonly [TSchema, (amount: string) => string])[] = [
      [Type.Array(cents), (amount) => `[1,${amount}]`],
      [Type.Union([cents, Type.Null()]), (amount) => amount],
      [Type.Record(Type.String(), cents), (amount) => `{"a":${amount}}`],
      [Type.Object({}, { additionalProperties: cents }), (amount) => `{"a":${amount}}`],
      [
        Type.Cyclic({ pattern: Type.Object({ n: cents, next: Type.Optional(Type.Ref('pattern')) }) }, 'pattern'),
        (amount) => `{"n":1,"next":{"n":${amount}}}`,
      ],
    ]
    for (const [schema, json] of schemas) {
      assert.equal(await accepts(schema, json(right)), true, json(right))
      assert.equal(await accepts(schema, json(wrong)), false, json(wrong))
    }
  })

  it('can be made up, also where it is very small', () => {
    const random = seededRandom(1)
    for (const step of [1e-8, 0.001, 0.01, 0.3, 7]) {
      const schema = Type.Number({ multipleOf: step, minimum: 0, maximum: step * 1_000 })
      for (let count = 0; count < 50; count++) assert.equal(typeof fakeValue(schema, random, 'amounts'), 'number')
    }
  })
})

describe('a property whose name every object inherits', () => {
  const names = Object.getOwnPropertyNames(Object.prototype).filter((name) => name !== '__proto__')

  for (const name of names) {
    it(`${name} may be missing where it is optional, and must be right where it is there`, async () => {
      const schema = Type.Object({ id: Type.String(), [name]: Type.Optional(Type.Number()) })
      assert.equal(await accepts(schema, '{"id":"a"}'), true)
      assert.equal(await accepts(schema, `{"id":"a","${name}":1}`), true)
      assert.equal(await accepts(schema, `{"id":"a","${name}":"1"}`), false)
    })

    it(`${name} is missing where it must be there and is inherited only, whatever its type is`, async () => {
      for (const type of [Type.Unknown(), Type.Number()]) {
        const schema = Type.Object({ [name]: type })
        for (const told of await verdicts(schema, '{}')) {
          assert.match(told ?? '', new RegExp(`must have required properties ${name}`))
        }
        assert.equal(await accepts(schema, `{"${name}":1}`), true)
      }
    })
  }

  it('need not be there in what is no object', async () => {
    const schema: TSchema = { required: ['toString'] }
    for (const json of ['[]', '"a"', '7']) assert.equal(await accepts(schema, json), true)
  })

  it('is like every other one as a name of a record', async () => {
    const schema = Type.Object({}, { additionalProperties: Type.Number() })
    for (const name of [...names, '__proto__']) {
      assert.equal(await accepts(schema, '{}'), true)
      assert.equal(await accepts(schema, `{"${name}":1}`), true)
      assert.equal(await accepts(schema, `{"${name}":"1"}`), false)
    }
  })
})

describe('a schema of which TypeBox has no other opinion', () => {
  it('is checked as it is', () => {
    const schema = Type.Object({ id: Type.String({ pattern: '^a' }), n: Type.Number({ minimum: 1 }) })
    assert.equal(exactSchema(schema), schema)
  })

  it('may have values and properties that are called like keywords', async () => {
    const schema = Type.Object({
      multipleOf: Type.Literal(0.01),
      properties: Type.Object({ valueOf: Type.Optional(Type.Number()) }),
      required: Type.Array(Type.String()),
      enum: Type.Enum(['valueOf']),
    })
    const json = '{"multipleOf":0.01,"properties":{},"required":["valueOf"],"enum":"valueOf"}'
    assert.deepEqual(await verdicts(schema, json), [undefined, undefined, undefined])
  })
})

function bound(validator: { Check(value: unknown): boolean }): { readonly Check: (value: unknown) => boolean } {
  return { Check: (value) => validator.Check(value) }
}
