/** What is asked of a transaction's coordinator again, and what is not, as it could come late into the next transaction. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Brokers } from '../../../../framework/kafka/javascript/brokers.ts'
import type { ApiCall } from '../../../../framework/kafka/javascript/call.ts'
import { KafkaFault } from '../../../../framework/kafka/javascript/errors.ts'
import type { TransactionIdentity, TransactionVersion } from '../../../../framework/kafka/javascript/produce-calls.ts'
import { TransactionCoordinator } from '../../../../framework/kafka/javascript/transaction-coordinator.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'
import { written } from './written-request.ts'

const LIMIT_MS = 5_000
const gone = new KafkaFault(-195, 'the connection was lost')
const next = { id: 7n, epoch: 4 }

/** @param answers in turn, of each request; a fault is none */
function aCoordinator(...answers: readonly unknown[]) {
  const clock = new ManualClock()
  const asked: { readonly name: string; readonly fields: readonly unknown[] }[] = []
  let found = 0
  const call = async (request: ApiCall<unknown>) => {
    const answer = answers[asked.length]
    asked.push({ name: request.api.name, fields: written(request) })
    if (answer instanceof Error) throw answer
    return answer
  }
  const brokers = {
    coordinator: async () => {
      found += 1
      return { call }
    },
    inTime: <T>(work: Promise<T>) => work,
  }
  const options = { brokers: brokers as unknown as Brokers, clock, id: 'shop', timeoutMs: 15_000 }
  const coordinator = new TransactionCoordinator(options)
  /** What it comes to, while time passes. */
  const outcome = async <T>(work: Promise<T>): Promise<T | KafkaFault> => {
    let settled: { readonly value: T | KafkaFault } | undefined
    void work.then(
      (value) => {
        settled = { value }
      },
      (fault: KafkaFault) => {
        settled = { value: fault }
      },
    )
    while (settled === undefined) await clock.advanceAndSettle(10)
    return settled.value
  }
  return { coordinator, asked, outcome, found: () => found }
}

const identity = (version: TransactionVersion): TransactionIdentity => ({
  transactionalId: 'shop',
  version,
  id: 7n,
  epoch: 3,
})
const UNKNOWN_SERVER_ERROR = -1
const OK = { code: 0, next: undefined }

describe('the coordinator of transactions', () => {
  it('is looked for again where it has moved, and asked the same', async () => {
    const { coordinator, asked, outcome, found } = aCoordinator({ code: 16 }, { code: 51 }, { code: 0 })
    assert.equal(await outcome(coordinator.addGroup(identity(1), 'readers', LIMIT_MS)), undefined)
    assert.deepEqual([asked.length, found()], [3, 2])
  })

  it('is not asked again for what may come late into the next transaction', async () => {
    for (const verb of ['addGroup', 'addPartitions'] as const) {
      const { coordinator, asked, outcome, found } = aCoordinator(gone, OK)
      const work =
        verb === 'addGroup'
          ? coordinator.addGroup(identity(1), 'readers', LIMIT_MS)
          : coordinator.addPartitions(identity(1), [{ topic: 'orders', partition: 0 }], LIMIT_MS)
      assert.equal(await outcome<unknown>(work), gone)
      assert.equal(asked.length, 1)
      // It may be another broker by the next request.
      await outcome(coordinator.end(identity(1), 'abort', LIMIT_MS))
      assert.equal(found(), 2)
    }
  })

  it('tells that the same epoch serves the next transaction, where nothing of this one comes late', async () => {
    const { coordinator, outcome } = aCoordinator(OK)
    assert.deepEqual(await outcome(coordinator.end(identity(1), 'commit', LIMIT_MS)), identity(1))
  })

  it('tells that another epoch is needed after an abort, and after a commit that was sent twice', async () => {
    const abort = aCoordinator(OK)
    assert.equal(await abort.outcome(abort.coordinator.end(identity(1), 'abort', LIMIT_MS)), undefined)
    const commit = aCoordinator(gone, OK)
    assert.equal(await commit.outcome(commit.coordinator.end(identity(1), 'commit', LIMIT_MS)), undefined)
  })

  it('brings the next epoch with each end where the cluster does that', async () => {
    const { coordinator, outcome } = aCoordinator(gone, { code: 0, next })
    assert.deepEqual(await outcome(coordinator.end(identity(2), 'commit', LIMIT_MS)), { ...identity(2), ...next })
  })

  it('gives up a commit that nobody answers when its time is over', async () => {
    const { coordinator, outcome } = aCoordinator(...Array.from({ length: 100 }, () => gone))
    assert.equal(await outcome<unknown>(coordinator.end(identity(2), 'commit', LIMIT_MS)), gone)
  })

  it('takes no answer with an error for a commit, not one that names none either', async () => {
    const { coordinator, asked, outcome } = aCoordinator({ code: UNKNOWN_SERVER_ERROR }, OK)
    const refused = await outcome<unknown>(coordinator.end(identity(2), 'commit', LIMIT_MS))
    assert.ok(refused instanceof KafkaFault && refused.code === UNKNOWN_SERVER_ERROR)
    assert.equal(asked.length, 1)
  })

  it('refuses what is refused for good at once', async () => {
    const { coordinator, asked, outcome } = aCoordinator({ code: 0, version: 2 }, { code: 53 })
    const refused = await outcome<unknown>(coordinator.take(LIMIT_MS))
    assert.ok(refused instanceof KafkaFault && refused.code === 53 && /transactional id/.test(refused.message))
    assert.deepEqual(
      asked.map(({ name }) => name),
      ['ApiVersions', 'InitProducerId'],
    )
  })

  it('takes the id from whoever has it, and goes on with an epoch of its own only where it has it', async () => {
    const { coordinator, asked, outcome } = aCoordinator(
      { code: 0, version: 2 },
      { code: 0, ...next },
      { code: 0, ...next },
    )
    assert.deepEqual(await outcome(coordinator.take(LIMIT_MS)), { ...identity(2), ...next })
    await outcome(coordinator.take(LIMIT_MS, identity(2)))
    assert.deepEqual(
      asked.slice(1).map(({ fields }) => fields.slice(0, 4)),
      [
        ['shop', 15_000, -1n, -1],
        ['shop', 15_000, 7n, 3],
      ],
    )
  })

  it('goes by version 1 where a broker does not tell', async () => {
    const { coordinator, outcome } = aCoordinator(new KafkaFault(35, 'not offered'), { code: 0, ...next })
    assert.deepEqual(await outcome(coordinator.take(LIMIT_MS)), { ...identity(1), ...next })
  })
})
