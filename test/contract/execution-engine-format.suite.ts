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
const protoText = 'syntax = "proto3"; package shop; message Other {} message Order { int64 id = 1; }'
const protoFound: SchemaAnswer = { kind: 'found', schema: { format: 'protobuf', text: protoText, references: [] } }
const jsonValue = (id: 7 | 8, text: string) => Buffer.concat([Buffer.of(0, 0, 0, 0, id), Buffer.from(text)])

/** Of tenant `t`, with schema `id`: 9 is that of the keys. */
const key = (id: 8 | 9, number: number) => Buffer.of(0, 0, 0, 0, id, 2, 't'.charCodeAt(0), 2 * number)
const keyText =
  '{"type":"record","name":"Place","fields":[{"name":"tenant","type":"string"},{"name":"id","type":"long"}]}'
const keyFound: SchemaAnswer = { kind: 'found', schema: { format: 'avro', text: keyText, references: [] } }

export function describeFormats(create: CreateEngine): void {
  async function started(handlerName: 'inFormat' | 'inFormatBatch' | 'inJson' | 'inProtobuf' | 'keyed' | 'keyedBatch') {
    const asked: number[] = []
    const answers = new Map<number, SchemaAnswer>([
      [7, { inJson: jsonFound, inProtobuf: protoFound }[handlerName as string] ?? found],
    ])
    if (handlerName.startsWith('keyed')) answers.set(9, keyFound)
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

  it('14. reads Protobuf with the message that its indexes say', async () => {
    const { harness } = await started('inProtobuf')
    await using _ = harness
    const proto = (...bytes: readonly number[]) => Buffer.from([0, 0, 0, 0, 7, ...bytes])
    const isOver = ({ kind }: Outcome) => kind !== 'not-ready'
    const read = await once(() => harness.submit(proto(2, 2, 8, ...Array(9).fill(255), 1)), harness, isOver)
    assert.deepEqual([read.kind, harness.news], ['succeeded', ['-1']])
    const wrong: readonly (readonly [bytes: readonly number[], name: string])[] = [
      [[0], 'OtherMessage'],
      [[2, 2, 8], 'UndecodableValue'],
    ]
    for (const [bytes, name] of wrong) {
      const outcome = await once(() => harness.submit(proto(...bytes)), harness, isOver)
      assert.equal(outcome.kind === 'failed' && outcome.failure.name, name)
    }
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

  const isOver = ({ kind }: Outcome) => kind !== 'not-ready'

  it('14. reads a key by its format, beside the value, and gives the filter both', async () => {
    const { harness } = await started('keyed')
    await using _ = harness
    const numbers: readonly (readonly [id: number | null, amount: number])[] = [
      [6, 1],
      [0, 2],
      [null, 3],
    ]
    for (const [id, amount] of numbers) {
      const record = { key: id === null ? null : key(9, id) }
      await once(() => harness.submit(value(7, amount), record), harness, isOver)
    }
    assert.deepEqual(harness.news, ['t 7: 1', 'no key: 3'])
  })

  it('14. answers a key whose schema is not here as not ready, and calls no handler', async () => {
    const { harness, answers } = await started('keyed')
    await using _ = harness
    const submit = () => harness.submit(value(7, 5), { key: key(8, 1) })
    await once(submit, harness, (outcome) => outcome.kind === 'not-ready' && outcome.why === 'nothing answers')
    assert.deepEqual(harness.news, [])
    answers.set(8, keyFound)
    await once(submit, harness, ({ kind }) => kind === 'succeeded')
    assert.deepEqual(harness.news, ['t 2: 5'])
  })

  it('14. fails for good a record whose key cannot be read, and says that it is the key', async () => {
    const { harness, answers } = await started('keyed')
    await using _ = harness
    answers.set(8, { kind: 'refused', name: 'UnknownSchema', why: 'there is none' })
    const wrong: readonly (readonly [bytes: Buffer, name: string, message: RegExp])[] = [
      [Buffer.from('c1'), 'UndecodableKey', /^the key names no schema/],
      [Buffer.of(0, 0, 0, 0, 9, 2), 'UndecodableKey', /^the key, with schema id 9, cannot be read: the key ends too/],
      [key(8, 1), 'UnknownSchemaOfKey', /^the key cannot be read: there is none/],
      [Buffer.of(0, 0, 0, 0, 7, 2), 'SchemaMismatchOfKey', /^the key cannot be read: schema id 7 does not fit/],
    ]
    for (const [bytes, name, message] of wrong) {
      const outcome = await once(() => harness.submit(value(7, 1), { key: bytes }), harness, isOver)
      assert.ok(outcome.kind === 'failed', name)
      assert.deepEqual([outcome.failure.name, outcome.failure.retryable], [name, false])
      assert.match(outcome.failure.message, message)
    }
    const both = await once(
      () => harness.submit(Buffer.from('{}'), { key: Buffer.from('c1') }),
      harness,
      ({ kind }) => kind === 'failed',
    )
    assert.equal(both.kind === 'failed' && both.failure.name, 'UndecodableKey')
    assert.deepEqual(harness.news, [])
  })

  it('14. does not wait for a schema where the other part of the record can never be read', async () => {
    const { harness } = await started('keyed')
    await using _ = harness
    const broken = { key: Buffer.from('c1') }
    const ofKey = await harness.outcomeOf(harness.submit(value(8, 1), broken))
    assert.equal(ofKey.kind === 'failed' && ofKey.failure.name, 'UndecodableKey')
    const ofValue = await harness.outcomeOf(harness.submit(Buffer.from('{}'), { key: key(8, 1) }))
    assert.equal(ofValue.kind === 'failed' && ofValue.failure.name, 'UndecodableValue')
  })

  it('14. reads the keys of a batch, calls no handler while one is not here, and tells which', async () => {
    const { harness } = await started('keyedBatch')
    await using _ = harness
    const amounts = [value(7, 1), value(7, 2)]
    const all = () => harness.submitRecords(amounts, (offset) => key(9, offset))
    await once(all, harness, ({ kind }) => kind === 'succeeded')
    assert.deepEqual(harness.news, [['t 1: 1', 't 2: 2']])
    const some = () => harness.submitRecords(amounts, (offset) => key(offset === 1 ? 8 : 9, offset))
    const isPartly = (outcome: Outcome) => outcome.kind === 'not-ready' && outcome.waiting?.size === 1
    const outcome = await once(some, harness, isPartly)
    assert.deepEqual(outcome.kind === 'not-ready' && [...(outcome.waiting ?? [])], [1])
    assert.equal(harness.news.length, 1)
  })
}
