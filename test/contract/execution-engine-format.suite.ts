/** What every engine does with values in a format of a schema registry. A part of execution-engine.suite.ts. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { KnownSchemas, type SchemaAnswer } from '../../framework/formats/known-schemas.ts'
import type { Outcome } from '../../framework/model/work.ts'
import { systemClock } from '../../framework/time/clock.ts'
import { type CreateEngine, EngineHarness } from './engine-harness.ts'

/** Written with schema `id`: 7 is the one that is there, and 8 the one that is not. */
const value = (id: 7 | 8, amount: number) => Buffer.of(0, 0, 0, 0, id, 2 * amount)
const found: SchemaAnswer = { kind: 'found', schema: { format: 'avro', text: '"long"', references: [] } }

const jsonFound: SchemaAnswer = { kind: 'found', schema: { format: 'json-schema', text: '{}', references: [] } }
const jsonValue = (id: 7 | 8, text: string) => Buffer.concat([Buffer.of(0, 0, 0, 0, id), Buffer.from(text)])

export function describeFormats(create: CreateEngine): void {
  async function started(handlerName: 'inFormat' | 'inFormatBatch' | 'inJson') {
    const asked: number[] = []
    const answers = new Map<number, SchemaAnswer>([[7, handlerName === 'inJson' ? jsonFound : found]])
    const schemas = new KnownSchemas(async (ref) => {
      const id = 'id' in ref ? ref.id : 0
      asked.push(id)
      return answers.get(id) ?? { kind: 'unanswered', why: 'nothing answers' }
    }, systemClock())
    const harness = await EngineHarness.started(create, { handlerName, schemas })
    return { harness, asked, answers }
  }

  /** The first look asks for the schema, as the control plane would do it: again and again. */
  async function once(
    submit: () => number,
    harness: EngineHarness,
    isIt: (outcome: Outcome) => boolean,
  ): Promise<Outcome> {
    for (;;) {
      const outcome = await harness.outcomeOf(submit())
      if (isIt(outcome)) return outcome
    }
  }

  it('14. answers a value whose schema is not here as not ready, and calls no handler', async () => {
    const { harness, answers } = await started('inFormat')
    await using _ = harness
    const isFromThere = (outcome: Outcome) => outcome.kind === 'not-ready' && outcome.why === 'nothing answers'
    await once(() => harness.submit(value(8, 5)), harness, isFromThere)
    assert.deepEqual(harness.news, [])
    answers.set(8, found)
    await once(
      () => harness.submit(value(8, 5)),
      harness,
      ({ kind }) => kind === 'succeeded',
    )
    assert.deepEqual(harness.news, ['5'])
  })

  it('14. asks for each schema once, and reads what was written with it', async () => {
    const { harness, asked } = await started('inFormat')
    await using _ = harness
    await once(
      () => harness.submit(value(7, 1)),
      harness,
      ({ kind }) => kind === 'succeeded',
    )
    for (let amount = 2; amount < 20; amount += 1) {
      await once(
        () => harness.submit(value(7, amount)),
        harness,
        ({ kind }) => kind === 'succeeded',
      )
    }
    assert.deepEqual(
      harness.news,
      Array.from({ length: 19 }, (_, index) => String(index + 1)),
    )
    assert.deepEqual(asked, [7])
  })

  it('14. reads JSON with a schema only once it is known to have no rules, and checks it then', async () => {
    const { harness, answers, asked } = await started('inJson')
    await using _ = harness
    const isFromThere = (outcome: Outcome) => outcome.kind === 'not-ready' && outcome.why === 'nothing answers'
    await once(() => harness.submit(jsonValue(8, '{"name":"a"}')), harness, isFromThere)
    assert.deepEqual(harness.news, [])
    answers.set(8, jsonFound)
    await once(
      () => harness.submit(jsonValue(8, '{"name":"a"}')),
      harness,
      ({ kind }) => kind === 'succeeded',
    )
    assert.equal(harness.news[0], 'a')
    const wrong: readonly (readonly [text: string, name: string])[] = [
      ['{"name":7}', 'InvalidValue'],
      ['{"name":', 'UndecodableValue'],
      ['{"name":"b","id":9007199254740993}', 'InexactNumber'],
    ]
    for (const [text, name] of wrong) {
      // Another thread may not have seen the schema yet.
      const submit = () => harness.submit(jsonValue(8, text))
      const outcome = await once(submit, harness, ({ kind }) => kind !== 'not-ready')
      assert.equal(outcome.kind === 'failed' && outcome.failure.name, name, text)
    }
    assert.deepEqual(new Set(asked), new Set([8]))
  })

  it('14. calls no batch handler while one of its records cannot be read, and tells which', async () => {
    const { harness } = await started('inFormatBatch')
    await using _ = harness
    await once(
      () => harness.submit(value(7, 1)),
      harness,
      ({ kind }) => kind === 'succeeded',
    )
    const batch = () => harness.submitRecords([value(7, 2), value(8, 3), value(7, 4)])
    const isPartly = (outcome: Outcome) => outcome.kind === 'not-ready' && outcome.waiting?.size === 1
    const outcome = await once(batch, harness, isPartly)
    assert.deepEqual(outcome.kind === 'not-ready' && [...(outcome.waiting ?? [])], [1])
    assert.deepEqual(harness.news, [['1']])
  })
}
