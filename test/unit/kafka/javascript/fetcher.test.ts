import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ErrorReport } from '../../../../framework/kafka/faults/error-report.ts'
import type { JavascriptLibrary } from '../../../../framework/kafka/javascript/binding.ts'
import type { Brokers } from '../../../../framework/kafka/javascript/brokers.ts'
import type { FetchedBlock } from '../../../../framework/kafka/javascript/fetch-steps.ts'
import { Fetcher } from '../../../../framework/kafka/javascript/fetcher.ts'
import type { TopicNames } from '../../../../framework/kafka/javascript/topic-names.ts'
import type { ClientErrorCode } from '../../../../framework/model/events.ts'
import type { KafkaRecord } from '../../../../framework/model/record.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'
import { recordedLog } from '../recorded-log.ts'

const of = { topicId: 'a3c5f4b0-0000-4000-8000-000000000001', partition: 0 }

/** Its first batch is damaged. */
const damaged: FetchedBlock<KafkaRecord> = {
  bytes: 100,
  end: 5,
  leaderEpoch: 0,
  corruptAt: 0,
  read: () => 0,
}

describe('the fetcher', () => {
  it('tells of a damaged batch and fetches it again, though nothing before it could be handed out', async () => {
    const clock = new ManualClock()
    const { log, lines } = recordedLog()
    const told: ClientErrorCode[] = []
    let fetches = 0
    const call = () => {
      fetches += 1
      const partition = { ...of, errorCode: 0, lastStableOffset: 5, block: damaged }
      return Promise.resolve({ answer: { errorCode: 0, partitions: [partition] }, nodes: [] })
    }
    const partitions = [{ partition: 0, leader: 1, leaderEpoch: 0, code: 0 }]
    const brokers = {
      node: () => ({ call }),
      topicsById: () => Promise.resolve([{ id: of.topicId, name: 'orders', code: 0, partitions }]),
      learnAddress() {},
    }
    const fetcher = new Fetcher({
      brokers: brokers as unknown as Brokers,
      names: { nameOf: () => 'orders' } as unknown as TopicNames,
      library: {} as JavascriptLibrary,
      clock,
      log,
      errors: new ErrorReport(log, clock, (code) => told.push(code)),
      onRecords() {},
    })
    fetcher.assign([{ ...of, position: 0 }])
    while (fetches === 0) await nextTurn()
    await nextTurn()
    assert.deepEqual(fetcher.take(10), [])
    assert.deepEqual(told, ['OTHER'])
    assert.equal(lines[0]?.message, 'a batch is damaged; it is fetched again')
    const before = fetches
    clock.advance(1_000)
    await nextTurn()
    assert.ok(fetches > before)
    fetcher.stop()
  })
})
