/** Outputs survive their way out of a thread unchanged. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  decodeOutputs,
  encodeOutputs,
  receivedOutcome,
  sentOutcome,
} from '../../../../../framework/execution-plane/worker/thread/outputs-codec.ts'
import type { KeptOutput, Outcome } from '../../../../../framework/model/work.ts'

const bare: KeptOutput = { topic: 'out', key: null, value: null, headers: [] }
const full: KeptOutput = {
  topic: 'thé',
  key: Buffer.alloc(0),
  value: Buffer.from([0, 255, 1]),
  headers: [
    ['é', Buffer.from('x')],
    ['é', null],
    ['', Buffer.alloc(0)],
  ],
  of: 0,
  partition: 0,
  timestamp: 1_700_000_000_123.5,
}

describe('outputs codec', () => {
  for (const [what, outputs] of [
    ['none', []],
    ['one with nothing but a topic', [bare]],
    ['one with all', [full]],
    ['many', [full, bare, { ...bare, of: 7 }, { ...full, partition: 4_000, timestamp: 0 }]],
  ] as const) {
    it(`gives back what it was given: ${what}`, () => {
      assert.deepEqual(decodeOutputs(encodeOutputs(outputs)), outputs)
    })
  }

  it('sends an outcome without outputs as it is', () => {
    const outcome: Outcome = { kind: 'succeeded' }
    assert.deepEqual(sentOutcome(outcome), { outcome })
    assert.equal(receivedOutcome({ outcome }), outcome)
  })

  for (const outcome of [
    { kind: 'succeeded', outputs: [bare, full] },
    { kind: 'partial', failures: new Map(), outputs: [full] },
  ] as const satisfies readonly Outcome[]) {
    it(`sends the outputs of an outcome beside it, to be transferred: ${outcome.kind}`, () => {
      const sent = sentOutcome(outcome)
      assert.equal('outputs' in sent.outcome, false)
      assert.ok(sent.outputs instanceof ArrayBuffer)
      assert.deepEqual(receivedOutcome(structuredClone(sent)), outcome)
    })
  }
})
