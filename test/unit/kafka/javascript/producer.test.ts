/** What the producer in JavaScript has in hand while a broker takes nothing. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ErrorReport } from '../../../../framework/kafka/faults/error-report.ts'
import type { Brokers } from '../../../../framework/kafka/javascript/brokers.ts'
import type { ApiCall } from '../../../../framework/kafka/javascript/call.ts'
import { KafkaFault } from '../../../../framework/kafka/javascript/errors.ts'
import type { ProducedBatch } from '../../../../framework/kafka/javascript/produce-calls.ts'
import { JavascriptProducer } from '../../../../framework/kafka/javascript/producer.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'
import { recordedLog } from '../recorded-log.ts'
import { written } from './written-request.ts'

const TIMED_OUT = -185
const PARTITIONS = 40
const RECORDS = 20_000
const RECORD_BYTES = 1_000

/** A request that waits for its answer. */
interface Open {
  readonly batches: readonly Buffer[]
  readonly partitions: readonly number[]
  answer(batches: readonly ProducedBatch[]): void
  fail(): void
}

function aProducer() {
  const clock = new ManualClock()
  const { log } = recordedLog()
  const open: Open[] = []
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ partition, leader: 1, leaderEpoch: 0 }))
  const topic = { code: 0, name: 'orders', id: '', isInternal: false, partitions }
  const call = (request: ApiCall<unknown>) =>
    new Promise((resolve, reject) => {
      const values = written(request)
      const batches = values.filter((each) => Buffer.isBuffer(each))
      // Before each batch stand its partition and its length.
      const of = values.flatMap((each, index) => (Buffer.isBuffer(each) ? [values[index - 2] as number] : []))
      const fail = () => reject(new KafkaFault(TIMED_OUT, 'no answer in time'))
      open.push({ batches, partitions: of, answer: resolve, fail })
    })
  const brokers = {
    topic: () => topic,
    leaderOf: () => 1,
    metadata: () => Promise.resolve({ brokers: [], topics: [topic] }),
    askAny: () => Promise.resolve({ code: 0, id: 7n, epoch: 0 }),
    retried: (_: number, ask: () => Promise<unknown>) => ask(),
    node: () => ({ call }),
    close() {},
  }
  const errors = new ErrorReport(log, clock)
  const producer = new JavascriptProducer({
    brokers: brokers as unknown as Brokers,
    crc32c: () => 0,
    clock,
    log,
    errors,
  })
  const nextRequest = async (): Promise<Open> => {
    for (;;) {
      const request = open.shift()
      if (request !== undefined) return request
      clock.advance(50)
      await nextTurn()
    }
  }
  return { clock, producer, nextRequest, open }
}

const recordsIn = (batch: Buffer) => batch.readInt32BE(57)

describe('the producer in JavaScript', { timeout: 30_000 }, () => {
  it('lets `produce` wait while its broker takes nothing, with one request of some megabytes in hand, and loses none', async () => {
    const { producer, nextRequest, open, clock } = aProducer()
    const value = Buffer.alloc(RECORD_BYTES)
    let settled = 0
    const produced = Array.from({ length: RECORDS }, (_, index) =>
      producer
        .produce({ topic: 'orders', partition: index % PARTITIONS, key: null, value, headers: [] })
        .then(() => settled++),
    )
    for (let tries = 0; tries < 3; tries += 1) {
      const { batches, fail } = await nextRequest()
      const bytes = batches.reduce((sum, each) => sum + each.length, 0)
      assert.ok(bytes > 7_000_000 && bytes < 9_500_000, `${bytes} bytes`)
      await nextTurn()
      assert.deepEqual([open.length, settled], [0, 0])
      fail()
    }
    let written = 0
    while (settled < RECORDS) {
      const { batches, partitions, answer } = await nextRequest()
      written += batches.reduce((sum, each) => sum + recordsIn(each), 0)
      answer(partitions.map((partition) => ({ topic: 'orders', partition, code: 0, baseOffset: 0, message: null })))
      await nextTurn()
    }
    await Promise.all(produced)
    assert.equal(written, RECORDS)
    await producer.close(0)
    assert.equal(clock.pendingTimers, 0)
  })
})
