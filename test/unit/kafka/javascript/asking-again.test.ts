import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { faultCodes } from '../../../../framework/kafka/faults/codes.ts'
import { Brokers } from '../../../../framework/kafka/javascript/brokers.ts'
import { KafkaFault } from '../../../../framework/kafka/javascript/errors.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'

const LIMIT_MS = 1_000

/** What is told when the time is over, of tries with these outcomes; the next one is not answered. */
async function endOf(...outcomes: readonly KafkaFault[]): Promise<string> {
  const clock = new ManualClock()
  const brokers = new Brokers({ bootstrap: [], clock, onAllDown() {}, link: () => assert.fail('nobody is asked') })
  const left = [...outcomes]
  const ask = () => {
    const fault = left.shift()
    return fault === undefined ? new Promise<never>(() => {}) : Promise.reject(fault)
  }
  let told: string | undefined
  brokers.retried(LIMIT_MS, ask).catch((thrown: Error) => {
    told = thrown.message
  })
  for (let passed = 0; told === undefined && passed < 2 * LIMIT_MS; passed += 10) {
    clock.advance(10)
    await nextTurn()
  }
  return told ?? 'nothing'
}

describe('a question that is asked again until its time is over', () => {
  const closed = new KafkaFault(faultCodes.TRANSPORT, 'Connection closed')

  it('ends with the last refusal, although the try after it was not answered any more', async () => {
    assert.equal(await endOf(closed), 'Connection closed')
    assert.equal(await endOf(new KafkaFault(faultCodes.TRANSPORT, 'an older one'), closed), 'Connection closed')
  })

  it('ends without an answer where there never was one', async () => {
    assert.equal(await endOf(), 'no answer in time')
  })
})
