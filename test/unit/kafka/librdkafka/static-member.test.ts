/** A member with a static name that the group still knows of somebody else; played by a scripted native client. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RebalanceListener } from '../../../../framework/kafka/kafka-client.ts'
import type { ConsumerCallbacks } from '../../../../framework/kafka/librdkafka/consumer.ts'
import { ASSIGN, REVOKE } from '../scripted-consumer.ts'
import { scriptedConnection } from '../scripted-library.ts'

const SESSION_MS = 45_000
const TRY_AGAIN_MS = 3_000
const p = { topic: 'orders', partition: 0 }
const reason = 'Broker: The instance ID is still used by another member in the consumer group'
const quiet: RebalanceListener = { onAssigned() {}, async onRevoked() {}, onLost() {} }

async function staticMember() {
  const played = await scriptedConnection({ sessionTimeoutMs: SESSION_MS })
  const { connection, clock, consumers } = played
  const codes: string[] = []
  const onError = (code: string) => codes.push(code)
  const client = await connection.consumer({ group: 'g', startFrom: 'earliest', instanceId: 'one', onError })
  const told: string[] = []
  await client.subscribe(['orders'], { ...quiet, onAssigned: () => told.push('assigned') })
  const current = () => {
    const last = consumers.at(-1)
    assert.ok(last)
    return last
  }
  /** As librdkafka does: the log says why, then the next call of consume says that it is the end. */
  const refuse = async () => {
    const { native } = current()
    native.emit('event.log', { severity: 0, fac: 'FATAL', message: `[thrd:main]: Fatal error: ${reason}: heartbeat` })
    native.batches.push({ message: 'Local: Fatal error', code: -150 })
  }
  /** Until the next try has begun, closing the client before it included. */
  const untilNextTry = async () => {
    for (let passed = 0; passed < TRY_AGAIN_MS + 100; passed += 20) await clock.advanceAndSettle(20)
  }
  const callbacks = () => current().config as unknown as ConsumerCallbacks
  return { ...played, client, codes, told, current, refuse, callbacks, untilNextTry }
}

describe('a static member of the new protocol', () => {
  it('tries again with a new client while its name is in use, says so once, and joins when it is free', async () => {
    const { client, clock, lines, codes, told, consumers, current, refuse, callbacks, untilNextTry } =
      await staticMember()
    for (let round = 0; round < 3; round++) {
      await refuse()
      assert.deepEqual(await client.poll(1, 0), [])
      const waiting = client.poll(1, 10)
      await untilNextTry()
      assert.deepEqual(await waiting, [])
      assert.equal(consumers.length, 2 + round)
      assert.deepEqual(current().native.named('subscribe'), [[['orders']]])
    }
    for (const { native } of consumers.slice(0, -1)) assert.equal(native.named('disconnect').length, 1)
    callbacks().rebalance_cb(ASSIGN, [p])
    await clock.advanceAndSettle(1)
    assert.deepEqual(told, ['assigned'])
    const warned = lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
    assert.deepEqual(warned, [
      'the static name of this member is still in use; it is free when the session of whoever had it is over',
    ])
    assert.deepEqual(codes, ['OTHER', 'OTHER', 'OTHER'])
  })

  it('ends, in words, when its name is still in use after the session time-out', async () => {
    const { client, clock, codes, consumers, refuse, untilNextTry } = await staticMember()
    const from = clock.now()
    let failure: unknown
    for (let tries = 0; failure === undefined; tries++) {
      assert.ok(tries < 30, 'it tries for ever')
      await refuse()
      await client.poll(1, 0).catch((thrown: unknown) => {
        failure = thrown
      })
      await untilNextTry()
    }
    const tookMs = clock.now() - from
    assert.ok(tookMs > SESSION_MS && tookMs < SESSION_MS + 15_000, `after ${tookMs} ms`)
    assert.match(String(failure), /another live member of group g has the instance id 'one', still after \d+ s/)
    assert.equal(codes.filter((code) => code === 'FATAL').length, 1)
    const made = consumers.length
    await assert.rejects(client.poll(1, 0), { code: 'PYR_KAFKA' })
    await client.close()
    assert.equal(consumers.length, made)
    await assert.rejects(client.poll(1, 0), { code: 'PYR_CLIENT_CLOSED' })
  })

  it('ends at once when somebody else takes its name after it had joined, or for any other reason', async () => {
    const joined = await staticMember()
    joined.callbacks().rebalance_cb(ASSIGN, [p])
    await joined.clock.advanceAndSettle(1)
    await joined.refuse()
    await assert.rejects(joined.client.poll(1, 0), { code: 'PYR_KAFKA', message: /instance ID is still used/ })
    assert.deepEqual([joined.codes, joined.consumers.length], [['FATAL'], 1])

    const forbidden = await staticMember()
    forbidden.current().native.batches.push({ message: 'Local: Fatal error', code: -150 })
    await forbidden.client.poll(1, 0)
    const ended = assert.rejects(forbidden.client.poll(1, 0), { code: 'PYR_KAFKA' })
    // The log has no reason to give.
    await forbidden.clock.advanceAndSettle(200)
    await ended
    assert.deepEqual([forbidden.codes, forbidden.consumers.length], [['FATAL'], 1])
  })

  it('can be closed while it waits for its name', async () => {
    const { client, clock, consumers, refuse, untilNextTry } = await staticMember()
    await refuse()
    await client.poll(1, 0)
    const closing = client.close()
    await untilNextTry()
    await closing
    assert.equal(consumers.length, 1)
    assert.equal(clock.pendingTimers, 0)
  })

  it('passes on what its client does: commits, pauses, the ends of logs', async () => {
    const { client, clock, current, callbacks } = await staticMember()
    callbacks().rebalance_cb(ASSIGN, [p])
    await clock.advanceAndSettle(1)
    const committed = client.commit([{ ...p, position: 3, metadata: '' }])
    callbacks().offset_commit_cb(undefined, [{ ...p, offset: 3 }])
    await committed
    client.pause([p])
    client.resume([p])
    assert.deepEqual(current().native.named('pause'), [[[p]]])
    assert.equal(client.logEnd({ topic: 'orders', partition: 9 }), undefined)
    callbacks().rebalance_cb(REVOKE, [p])
    await clock.advanceAndSettle(1)
    await assert.rejects(client.commit([{ ...p, position: 4, metadata: '' }]), { code: 'PYR_NOT_OWNED' })
  })
})
