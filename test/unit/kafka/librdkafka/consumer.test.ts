/** How the consumer deals with what librdkafka does when things go wrong; played by a scripted native client, so that each can be made to happen. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { KafkaRecord } from '../../../../framework/model/record.ts'
import { ASSIGN, COMMIT_TIMEOUT_MS, message, REVOKE, REVOKE_LIMIT_MS, scripted } from '../scripted-consumer.ts'

const p = (partition: number) => ({ topic: 'orders', partition })
const commitOf = (partition: number, position: number) => ({ ...p(partition), position, metadata: '' })
const answerOf = (partition: number, offset: number) => ({ ...p(partition), offset })

/** As librdkafka calls the first record of a log. */
const BEGINNING = -2

const where = (record: KafkaRecord) => `${record.partition}@${record.offset}`

describe('rebalances', () => {
  it('brings position and metadata, assigns from there, and resumes what an earlier assignment had paused', async () => {
    const { native, told, rebalance } = await scripted()
    native.committedAnswers.push([{ ...p(0), offset: 42, metadata: 'kept' }, p(1)])
    native.logEnds.set(0, 90)
    await rebalance(ASSIGN, [p(0), p(1)])
    assert.deepEqual(told, [
      [
        'assigned',
        { ...p(0), position: 42, metadata: 'kept', logEnd: 90 },
        { ...p(1), position: undefined, metadata: '' },
      ],
    ])
    assert.deepEqual(native.named('incrementalAssign'), [[[answerOf(0, 42), answerOf(1, BEGINNING)]]])
    assert.deepEqual(native.named('resume'), [[[p(0), p(1)]]])
  })

  it('pauses in librdkafka what onAssigned has paused, after the resume that undoes the pause of an earlier assignment', async () => {
    const { native, consumer, listener, rebalance } = await scripted()
    listener.onAssigned = () => consumer.pause([p(1)])
    await rebalance(ASSIGN, [p(0), p(1)])
    const asked = native.calls.filter(([name]) => ['incrementalAssign', 'resume', 'pause'].includes(name))
    assert.deepEqual(asked.slice(-2), [
      ['resume', [p(0), p(1)]],
      ['pause', [p(1)]],
    ])
  })

  it('takes an assignment although the end of a log is not told, and asks for none where nothing is stored above the position', async () => {
    const { native, told, lines, rebalance } = await scripted()
    native.committedAnswers.push([{ ...p(0), offset: 42, metadata: 'kept' }, answerOf(1, 7)])
    native.logEnds.set(0, -1)
    await rebalance(ASSIGN, [p(0), p(1)])
    assert.deepEqual(told, [
      ['assigned', { ...p(0), position: 42, metadata: 'kept' }, { ...p(1), position: 7, metadata: '' }],
    ])
    assert.deepEqual(native.named('queryWatermarkOffsets'), [['orders', 0]])
    assert.deepEqual(
      lines.map(({ level, fields }) => [level, fields]),
      [['warn', { asked: 1, told: 0 }]],
    )
  })

  it('answers empty lists without telling anybody', async () => {
    const { native, told, rebalance } = await scripted()
    await rebalance(ASSIGN, [])
    await rebalance(REVOKE, [])
    assert.deepEqual(native.named('incrementalAssign'), [[[]]])
    assert.deepEqual(native.named('incrementalUnassign'), [[[]]])
    assert.deepEqual([told, native.named('committed')], [[], []])
  })

  it('answers an eager group with plain assign and unassign, also when the protocol is not told any more', async () => {
    const { native, rebalance } = await scripted()
    native.protocol = 'EAGER'
    await rebalance(ASSIGN, [p(0)])
    native.protocol = 'NONE'
    await rebalance(REVOKE, [p(0)])
    assert.deepEqual(native.named('assign'), [[[answerOf(0, BEGINNING)]]])
    assert.equal(native.named('unassign').length, 1)
    assert.equal(native.named('incrementalAssign').length + native.named('incrementalUnassign').length, 0)
  })

  it('answers a revoke only after onRevoked has settled, and refuses commits from then on', async () => {
    const { native, consumer, listener, rebalance, settle, answerCommit } = await scripted()
    await rebalance(ASSIGN, [p(0)])
    let drained = () => {}
    listener.onRevoked = () =>
      new Promise((resolve) => {
        drained = resolve
      })
    await rebalance(REVOKE, [p(0)])
    assert.equal(native.named('incrementalUnassign').length, 0)
    const committed = consumer.commit([commitOf(0, 5)])
    answerCommit(undefined, [answerOf(0, 5)])
    await committed
    drained()
    await settle()
    assert.deepEqual(native.named('incrementalUnassign'), [[[p(0)]]])
    await assert.rejects(consumer.commit([commitOf(0, 6)]), { code: 'PYR_NOT_OWNED' })
  })

  it('tells when partitions are gone because their topic is, and says nothing of topics that are there', async () => {
    const { native, rebalance, settle, lines, errors } = await scripted()
    await rebalance(ASSIGN, [p(0), p(1)])
    await rebalance(REVOKE, [p(0)])
    await settle()
    assert.deepEqual([lines, errors], [[], []])
    native.deletedTopics.add('orders')
    await rebalance(REVOKE, [p(1)])
    await settle()
    const message = 'a topic does not exist any more; nothing is read from it until it is back'
    assert.deepEqual(lines, [{ level: 'warn', message, fields: { topic: 'orders' } }])
    assert.deepEqual(errors, ['UNKNOWN_TOPIC_OR_PARTITION'])
  })

  it('returns nothing of a revoked partition that a batch under way still brings', async () => {
    const { native, consumer, rebalance } = await scripted()
    await rebalance(ASSIGN, [p(0), p(1)])
    native.batches.push([message(0, 1), message(1, 0)])
    const polling = consumer.poll(10, 0)
    const revoked = rebalance(REVOKE, [p(0)])
    assert.deepEqual((await polling).map(where), ['1@0'])
    await revoked
  })

  it('waits for one record only, and brings with it what is there by then', async () => {
    const { native, consumer, rebalance } = await scripted()
    await rebalance(ASSIGN, [p(0)])
    native.batches.push([message(0, 1)], [message(0, 2), message(0, 3)])
    assert.deepEqual((await consumer.poll(10, 20)).map(where), ['0@1', '0@2', '0@3'])
    assert.deepEqual(native.named('consume'), [
      [1, 20],
      [9, 0],
    ])
  })

  it('asks for all that is there while records come, and waits again when none does', async () => {
    const { native, consumer, rebalance } = await scripted()
    await rebalance(ASSIGN, [p(0)])
    native.batches.push([message(0, 1)], [], [message(0, 2), message(0, 3)], [], [message(0, 4)])
    const polls = [await consumer.poll(10, 20), await consumer.poll(10, 20), await consumer.poll(10, 20)]
    assert.deepEqual(
      polls.map((records) => records.map(where)),
      [['0@1'], ['0@2', '0@3'], ['0@4']],
    )
    assert.deepEqual(native.named('consume'), [
      [1, 20],
      [9, 0],
      [10, 0],
      [10, 0],
      [1, 20],
      [9, 0],
    ])
  })

  it('returns nothing of a partition that is revoked between the record it waited for and those that came with it', async () => {
    const { native, consumer, rebalance } = await scripted()
    await rebalance(ASSIGN, [p(0), p(1)])
    native.batches.push([message(0, 1)], [message(1, 0)])
    const polling = consumer.poll(10, 20)
    await new Promise(setImmediate)
    assert.equal(native.named('consume').length, 2)
    const revoked = rebalance(REVOKE, [p(0)])
    assert.deepEqual((await polling).map(where), ['1@0'])
    await revoked
  })

  it('returns nothing of a revoked partition that was kept back before', async () => {
    const { native, consumer, rebalance } = await scripted()
    await rebalance(ASSIGN, [p(0), p(1)])
    native.batches.push([message(0, 1), message(1, 0)])
    await consumer.poll(0, 0)
    await rebalance(REVOKE, [p(0)])
    await rebalance(ASSIGN, [p(0)])
    assert.deepEqual((await consumer.poll(10, 0)).map(where), ['1@0'])
  })

  it('tells that partitions were lost, asks for no drain, and gives them back', async () => {
    const { native, consumer, told, rebalance } = await scripted()
    await rebalance(ASSIGN, [p(0)])
    native.isLost = true
    await rebalance(REVOKE, [p(0)])
    assert.deepEqual(told.slice(1), [['lost', p(0)]])
    assert.deepEqual(native.named('incrementalUnassign'), [[[p(0)]]])
    await assert.rejects(consumer.commit([commitOf(0, 5)]), { code: 'PYR_NOT_OWNED' })
  })

  it('answers for a drain that never ends, and says so: its partitions are lost', async () => {
    const { native, clock, listener, lines, told, rebalance } = await scripted()
    await rebalance(ASSIGN, [p(0)])
    listener.onRevoked = () => new Promise(() => {})
    await rebalance(REVOKE, [p(0)])
    await clock.advanceAndSettle(REVOKE_LIMIT_MS - 1)
    assert.equal(native.named('incrementalUnassign').length, 0)
    await clock.advanceAndSettle(1)
    assert.equal(native.named('incrementalUnassign').length, 1)
    assert.deepEqual(told.slice(1), [['lost', p(0)]])
    assert.deepEqual(
      lines.map((each) => each.level),
      ['error'],
    )
  })

  it('answers although the listener throws, and the next poll tells of it', async () => {
    for (const [event, name] of [
      [ASSIGN, 'incrementalAssign'],
      [REVOKE, 'incrementalUnassign'],
    ] as const) {
      const { native, consumer, listener, rebalance } = await scripted()
      if (event === REVOKE) await rebalance(ASSIGN, [p(0)])
      listener.onAssigned = () => {
        throw new Error('broken')
      }
      listener.onRevoked = () => Promise.reject(new Error('broken'))
      await rebalance(event, [p(0)])
      assert.equal(native.named(name).length, 1)
      await assert.rejects(consumer.poll(1, 0), { code: 'PYR_KAFKA', message: /broken/ })
    }
  })

  it('tells of a loss when an assignment is not valid any more by the time it is answered', async () => {
    const { native, told, rebalance } = await scripted()
    native.throwing.set('incrementalAssign', new Error('Local: Erroneous state'))
    await rebalance(ASSIGN, [p(0)])
    assert.deepEqual(
      told.map(([what]) => what),
      ['assigned', 'lost'],
    )
  })

  it('asks for the committed offsets until the coordinator tells them', async () => {
    const { native, clock, told, lines, errors, rebalance } = await scripted()
    const coordinatorMoved = { message: 'not coordinator', code: 16 }
    native.committedAnswers.push(coordinatorMoved, [new Error('unstable')], [{ ...p(0), offset: 7, metadata: 'm' }])
    await rebalance(ASSIGN, [p(0)])
    assert.deepEqual(told, [])
    await clock.advanceAndSettle(500)
    await clock.advanceAndSettle(500)
    assert.deepEqual(told, [['assigned', { ...p(0), position: 7, metadata: 'm', logEnd: 0 }]])
    assert.equal(lines.filter((each) => each.level === 'warn').length, 2)
    assert.deepEqual(errors, ['OTHER', 'OTHER'])
  })
})

describe('a question to the coordinator', () => {
  it('settles when it has answered, whatever the answer is about, and needs no partitions', async () => {
    const { native, consumer } = await scripted()
    native.committedAnswers.push([new Error('unstable')])
    await consumer.askCoordinator(5_000)
  })

  it('rejects when it has not', async () => {
    const { native, consumer } = await scripted()
    native.committedAnswers.push({ message: 'Local: Waiting for coordinator', code: -180 })
    await assert.rejects(consumer.askCoordinator(5_000), { code: 'PYR_KAFKA', retriable: true })
  })
})

describe('commits', () => {
  it('settles by the answer to this commit, whatever order the answers come in', async () => {
    const { consumer, rebalance, answerCommit } = await scripted()
    await rebalance(ASSIGN, [p(0), p(1)])
    const settled: string[] = []
    const first = consumer.commit([commitOf(0, 5)]).then(() => settled.push('first'))
    const second = consumer.commit([commitOf(0, 6), commitOf(1, 2)]).then(() => settled.push('second'))
    answerCommit(undefined, [answerOf(1, 2), answerOf(0, 6)])
    await second
    assert.deepEqual(settled, ['second'])
    answerCommit(undefined, [answerOf(0, 5)])
    await first
  })

  it('sends metadata as it is, and none when there is none', async () => {
    const { native, consumer, rebalance, answerCommit } = await scripted()
    await rebalance(ASSIGN, [p(0), p(1)])
    const committed = consumer.commit([commitOf(0, 5), { ...commitOf(1, 2), metadata: 'é' }])
    answerCommit(undefined, [answerOf(0, 5), answerOf(1, 2)])
    await committed
    assert.deepEqual(native.named('commit'), [[[answerOf(0, 5), { ...answerOf(1, 2), metadata: 'é' }]]])
  })

  for (const [what, code, expected] of [
    ['the group is being rebalanced', 27, { code: 'PYR_COMMIT_FAILED', retriable: true }],
    ['the generation is old', 22, { code: 'PYR_COMMIT_FAILED', retriable: true }],
    ['the coordinator is not there', 15, { code: 'PYR_COMMIT_FAILED', retriable: true }],
    ['the network fails', -195, { code: 'PYR_COMMIT_FAILED', retriable: true }],
    ['the rights are missing', 30, { code: 'PYR_COMMIT_FAILED', retriable: false }],
    ['another instance has taken over', 82, { code: 'PYR_COMMIT_FAILED', retriable: false }],
    ['the metadata is too large', 12, { code: 'PYR_METADATA_TOO_LARGE', retriable: false }],
    ['the coordinator cannot store so much at once', -1, { code: 'PYR_COMMIT_TOO_LARGE', retriable: false }],
    ['the offset is too large', 28, { code: 'PYR_COMMIT_TOO_LARGE', retriable: false }],
    ['a topic was deleted', 3, { code: 'PYR_COMMIT_REFUSED', retriable: false }],
    ['a topic may not be read any more', 29, { code: 'PYR_COMMIT_REFUSED', retriable: false }],
  ] as const) {
    it(`rejects when ${what}`, async () => {
      const { consumer, rebalance, answerCommit } = await scripted()
      await rebalance(ASSIGN, [p(0)])
      const committed = consumer.commit([commitOf(0, 5)])
      answerCommit({ message: what, code }, [answerOf(0, 5)])
      await assert.rejects(committed, expected)
    })
  }

  it('rejects as not owned when the partition has gone by the time the refusal comes', async () => {
    const { consumer, rebalance, answerCommit } = await scripted()
    await rebalance(ASSIGN, [p(0)])
    const committed = consumer.commit([commitOf(0, 5)])
    await rebalance(REVOKE, [p(0)])
    answerCommit({ message: 'unknown member', code: 25 }, [answerOf(0, 5)])
    await assert.rejects(committed, { code: 'PYR_NOT_OWNED' })
  })

  it('rejects what the binding throws', async () => {
    const { native, consumer, rebalance } = await scripted()
    await rebalance(ASSIGN, [p(0)])
    native.throwing.set('commit', Object.assign(new Error('Local: Erroneous state'), { code: -172 }))
    await assert.rejects(consumer.commit([commitOf(0, 5)]), { code: 'PYR_COMMIT_FAILED', message: /-172/ })
  })

  it('gives up waiting after its time, and does not take the late answer for that of the next commit', async () => {
    const { clock, consumer, rebalance, answerCommit, settle } = await scripted()
    await rebalance(ASSIGN, [p(0)])
    const first = consumer.commit([commitOf(0, 5)])
    const refused = assert.rejects(first, { code: 'PYR_COMMIT_FAILED', retriable: true })
    await clock.advanceAndSettle(COMMIT_TIMEOUT_MS)
    await refused
    let isStored = false
    const second = consumer.commit([{ ...commitOf(0, 5), metadata: 'more' }]).then(() => {
      isStored = true
    })
    answerCommit(undefined, [answerOf(0, 5)])
    await settle()
    assert.equal(isStored, false)
    answerCommit(undefined, [answerOf(0, 5)])
    await second
    assert.equal(clock.pendingTimers, 0)
  })
})

describe('polling', () => {
  it('logs an error that passes once per interval, counts each, and goes on', async () => {
    const { native, clock, consumer, lines, errors } = await scripted()
    const unknownTopic = { message: 'unknown topic', code: 3 }
    for (let round = 0; round < 5; round++) {
      native.batches.push(unknownTopic)
      assert.deepEqual(await consumer.poll(1, 0), [])
      await clock.advanceAndSettle(1)
    }
    assert.equal(lines.length, 1)
    await clock.advanceAndSettle(10_000)
    native.batches.push(unknownTopic)
    await consumer.poll(1, 0)
    assert.deepEqual(
      lines.map((each) => each.fields),
      [0, 4].map((suppressed) => ({ errorMessage: 'unknown topic', code: 3, suppressed })),
    )
    assert.deepEqual(errors, new Array(6).fill('UNKNOWN_TOPIC_OR_PARTITION'))
  })

  for (const [what, error] of [
    ['another instance has the same id', { message: 'fenced', code: 82 }],
    ['the error is marked as fatal', { message: 'fatal', code: 1, isFatal: true }],
  ] as const) {
    it(`counts it, and rejects every poll from the next on, when ${what}`, async () => {
      const { native, consumer, errors } = await scripted()
      native.batches.push(error)
      assert.deepEqual(await consumer.poll(1, 0), [])
      await assert.rejects(consumer.poll(1, 0), { code: 'PYR_KAFKA' })
      await assert.rejects(consumer.poll(1, 0), { code: 'PYR_KAFKA' })
      assert.deepEqual(errors, ['FATAL'])
    })
  }

  const fatal = { message: 'Local: Fatal error', code: -150 }

  it('hears of a fatal error that did not come by consuming, as an event', async () => {
    const { native, consumer, errors, clock } = await scripted()
    native.emit('event.error', { message: 'fatal error', code: -1 })
    const refused = assert.rejects(consumer.poll(1, 0), { code: 'PYR_KAFKA' })
    await clock.advanceAndSettle(200)
    await refused
    assert.deepEqual(errors, ['FATAL'])
  })

  it('hears of a fatal error that did not come by consuming, by a refused commit', async () => {
    const { consumer, errors, rebalance, answerCommit, clock } = await scripted()
    await rebalance(ASSIGN, [p(0)])
    const refused = assert.rejects(consumer.commit([commitOf(0, 5)]), { code: 'PYR_COMMIT_FAILED', retriable: false })
    answerCommit(fatal, [answerOf(0, 5)])
    await refused
    const rejected = assert.rejects(consumer.poll(1, 0), { code: 'PYR_KAFKA' })
    await clock.advanceAndSettle(200)
    await rejected
    assert.deepEqual(errors, ['FATAL'])
  })

  it('waits a moment for the reason of a fatal error, which the log can have later than the next poll', async () => {
    const { native, consumer, errors, clock } = await scripted()
    native.batches.push(fatal)
    await consumer.poll(1, 0)
    const rejected = assert.rejects(consumer.poll(1, 0), {
      message: /Group authorization failed: heartbeat; the user lacks the right Read on group shop\.$/,
    })
    await clock.advanceAndSettle(150)
    const message = '[thrd:main]: Fatal error: Broker: Group authorization failed: heartbeat'
    native.emit('event.log', { severity: 0, fac: 'FATAL', message })
    await clock.advanceAndSettle(50)
    await rejected
    assert.deepEqual(errors, ['FATAL'])
  })

  it('goes without the reason of a fatal error that the log does not give in time', async () => {
    const { native, consumer, clock } = await scripted()
    native.batches.push(fatal)
    await consumer.poll(1, 0)
    const rejected = assert.rejects(consumer.poll(1, 0), {
      message: 'The Kafka consumer cannot go on: Local: Fatal error.',
    })
    await clock.advanceAndSettle(200)
    await rejected
    await assert.rejects(consumer.poll(1, 0), { code: 'PYR_KAFKA' })
  })

  it('gives the reason of a fatal error, which only the log has, and counts it once however often it is told', async () => {
    const { native, consumer, errors } = await scripted()
    native.batches.push(fatal)
    await consumer.poll(1, 0)
    const message = '[thrd:main]: Fatal error: Broker: Group authorization failed: heartbeat'
    native.emit('event.log', { severity: 0, fac: 'FATAL', message })
    await assert.rejects(consumer.poll(1, 0), {
      message:
        'The Kafka consumer cannot go on: Broker: Group authorization failed: heartbeat; the user lacks the right Read on group shop.',
    })
    assert.deepEqual(errors, ['FATAL'])
  })

  it('says that another type of group is likely to have the name, when the group is said not to exist', async () => {
    const reason = 'Broker: The group id does not exist'
    const logged = await scripted()
    const message = `[thrd:main]: Fatal error: ${reason}: ConsumerGroupHeartbeat fatal error: ${reason}`
    logged.native.emit('event.log', { severity: 0, fac: 'FATAL', message })
    const taken = { code: 'PYR_GROUP_TAKEN', message: /group 'shop' .*share group.*choose another `group`/ }
    await assert.rejects(logged.consumer.poll(1, 0), taken)
    const consumed = await scripted()
    consumed.native.batches.push({ message: reason, code: 69, isFatal: true })
    await consumed.consumer.poll(1, 0)
    await assert.rejects(consumed.consumer.poll(1, 0), taken)
  })

  it('goes on asking a classic group that does not take it in, and says the likely cause', async () => {
    const { native, consumer, errors, lines } = await scripted()
    native.batches.push({ message: 'Broker: Inconsistent group protocol', code: 23 })
    assert.deepEqual(await consumer.poll(1, 0), [])
    assert.deepEqual(await consumer.poll(1, 0), [])
    const [line] = lines
    const { code, why } = (line?.fields ?? {}) as { readonly code?: string; readonly why?: string }
    assert.equal(code, 'PYR_GROUP_TAKEN')
    assert.match(String(why), /group 'shop' .*share group.*choose another `group`/)
    assert.deepEqual(errors, ['INCONSISTENT_GROUP_PROTOCOL'])
  })

  it('holds the fetching back when nobody takes records, and lets it go when somebody does', async () => {
    const { native, consumer, rebalance } = await scripted()
    await rebalance(ASSIGN, [p(0), p(1)])
    consumer.pause([p(1)])
    for (let offset = 0; offset < 40; offset++) {
      native.batches.push([message(0, offset)])
      await consumer.poll(0, 0)
    }
    assert.deepEqual(native.named('pause'), [[[p(1)]], [[p(0), p(1)]]])
    assert.equal((await consumer.poll(100, 0)).length, 40)
    // The first is that of the assignment. What the caller has paused stays so.
    assert.deepEqual(native.named('resume').slice(1), [[[p(0)]]])
  })

  it('holds back a paused partition too, should librdkafka have forgotten its pause: memory stays flat in any case', async () => {
    const { native, consumer, rebalance } = await scripted()
    await rebalance(ASSIGN, [p(0)])
    consumer.pause([p(0)])
    for (let offset = 0; offset < 40; offset++) {
      native.batches.push([message(0, offset)])
      await consumer.poll(0, 0)
    }
    assert.deepEqual(native.named('pause'), [[[p(0)]], [[p(0)]]])
  })

  it('wakes the fetcher after a resume, and leaves unknown partitions away from the binding', async () => {
    const { native, consumer, rebalance } = await scripted()
    await rebalance(ASSIGN, [p(0)])
    consumer.pause([p(0), p(9)])
    consumer.resume([p(0), p(9)])
    assert.deepEqual(native.named('pause'), [[[p(0)]]])
    assert.deepEqual(native.named('queryWatermarkOffsets'), [['orders', 0]])
  })
})

describe('closing', () => {
  it('is bounded when the group does not answer and the disconnect never ends', async () => {
    const { native, clock, consumer, lines, rebalance } = await scripted()
    await rebalance(ASSIGN, [p(0)])
    native.answersDisconnect = false
    let isClosed = false
    const closing = consumer.close().then(() => {
      isClosed = true
    })
    for (let second = 0; second < 21 && !isClosed; second++) await clock.advanceAndSettle(1_000)
    assert.ok(isClosed)
    await closing
    assert.deepEqual(
      lines.map((each) => each.message),
      ['the group has not taken the partitions back', 'the consumer was left behind while it disconnects'],
    )
  })

  it('gives back only what it has taken, when an assignment came too late to be taken', async () => {
    const { native, clock, consumer, rebalance } = await scripted()
    await rebalance(ASSIGN, [p(0)])
    // librdkafka refuses a list with a partition that was not taken, and an unanswered revoke hangs the process.
    native.subscriptionEnds = () => void rebalance(ASSIGN, [p(1)]).then(() => rebalance(REVOKE, [p(0), p(1)]))
    const closing = consumer.close()
    for (let step = 0; step < 20; step++) await clock.advanceAndSettle(5)
    await closing
    assert.deepEqual(native.named('incrementalAssign').at(-1), [[]])
    assert.deepEqual(native.named('incrementalUnassign'), [[[p(0)]]])
  })

  it('answers what comes with the disconnect the other way round, when librdkafka refuses the first', async () => {
    const erroneous = () => new Error('Local: Erroneous state')
    const { native, consumer, told, lines, rebalance } = await scripted()
    native.connectionEnds = async () => {
      // Joined after all: it does not take assignments any more.
      native.throwing.set('incrementalAssign', erroneous())
      await rebalance(ASSIGN, [p(0)])
      native.throwing.set('incrementalUnassign', erroneous())
      await rebalance(REVOKE, [p(0)])
    }
    await consumer.close()
    assert.deepEqual(
      native.calls.map(([name]) => name).filter((name) => name.toLowerCase().endsWith('assign')),
      ['incrementalAssign', 'incrementalUnassign', 'incrementalUnassign', 'unassign'],
    )
    assert.deepEqual(told, [])
    assert.deepEqual(
      lines.map((each) => each.message),
      ['an assignment came too late to be taken'],
    )
  })

  it('gives everything up without waiting for the group after a fatal error', async () => {
    const { native, consumer, told, rebalance } = await scripted()
    await rebalance(ASSIGN, [p(0)])
    native.emit('event.error', { message: 'fatal error', code: -1 })
    await consumer.close()
    assert.deepEqual(told.slice(1), [['revoked', p(0)]])
    assert.deepEqual([native.named('unsubscribe').length, native.named('disconnect').length], [0, 1])
  })

  it('does not wait for committed offsets that nobody tells', async () => {
    const { native, clock, consumer, rebalance, told } = await scripted()
    for (let attempt = 0; attempt < 100; attempt++)
      native.committedAnswers.push({ message: 'no coordinator', code: 15 })
    await rebalance(ASSIGN, [p(0)])
    let isClosed = false
    const closing = consumer.close().then(() => {
      isClosed = true
    })
    for (let step = 0; step < 20 && !isClosed; step++) await clock.advanceAndSettle(100)
    await closing
    assert.deepEqual(native.named('incrementalAssign'), [[[]]])
    assert.deepEqual(told, [])
  })

  it('rejects the commits that were never answered, and puts off the disconnect that would wait for them', async () => {
    const { native, clock, consumer, lines, rebalance } = await scripted()
    native.subscriptionEnds = () => void rebalance(REVOKE, [p(0)])
    await rebalance(ASSIGN, [p(0)])
    const unanswered = assert.rejects(consumer.commit([commitOf(0, 5)]), { code: 'PYR_CLIENT_CLOSED' })
    const closing = consumer.close()
    await clock.advanceAndSettle(100)
    await closing
    await unanswered
    assert.equal(native.named('disconnect').length, 0)
    const message = 'the consumer is left behind with a request that is not answered; it disconnects later'
    assert.deepEqual(lines, [{ level: 'warn', message, fields: { waitMs: 50_000 } }])
    await clock.advanceAndSettle(50_000)
    assert.equal(native.named('disconnect').length, 1)
  })

  it('asks where no further log ends, and disconnects once what it has asked is answered', async () => {
    const { native, clock, consumer, rebalance } = await scripted()
    native.subscriptionEnds = () => void rebalance(REVOKE, [p(0), p(1), p(2), p(3)])
    native.answersLogEnds = false
    await rebalance(ASSIGN, [p(0), p(1), p(2), p(3)])
    const asked = consumer.askLogEnds([p(0), p(1), p(2), p(3)], 5_000)
    const closing = consumer.close()
    await clock.advanceAndSettle(100)
    for (const answer of native.openLogEnds.splice(0)) answer()
    await clock.advanceAndSettle(100)
    await Promise.all([asked, closing])
    assert.equal(native.named('queryWatermarkOffsets').length, 2)
    assert.equal(native.named('disconnect').length, 1)
  })

  it('waits five seconds for where logs end, if that is never answered, and puts off the disconnect after which an answer would end the process', async () => {
    const { native, clock, consumer, lines, rebalance } = await scripted()
    native.subscriptionEnds = () => void rebalance(REVOKE, [p(0)])
    native.answersLogEnds = false
    await rebalance(ASSIGN, [p(0)])
    const asked = consumer.askLogEnds([p(0)], 1_000)
    await clock.advanceAndSettle(1_000)
    await asked
    const closing = consumer.close()
    await clock.advanceAndSettle(100)
    await clock.advanceAndSettle(5_000)
    await closing
    assert.equal(native.named('disconnect').length, 0)
    assert.match(lines[0]?.message ?? '', /left behind with a request that is not answered/)
    await clock.advanceAndSettle(50_000)
    assert.equal(native.named('disconnect').length, 1)
  })

  it('of a classic static member drains and commits, but does not leave the group, which expects it back', async () => {
    const { native, consumer, listener, told, rebalance, answerCommit, settle } = await scripted({
      isExpectedBack: true,
    })
    await rebalance(ASSIGN, [p(0), p(1)])
    const { onRevoked } = listener
    listener.onRevoked = async (partitions) => {
      await onRevoked(partitions)
      await consumer.commit([commitOf(0, 5)])
    }
    native.connectionEnds = () => rebalance(REVOKE, [p(0), p(1)])
    const closing = consumer.close()
    await settle()
    assert.deepEqual(native.named('disconnect'), [])
    answerCommit(undefined, [{ ...p(0), offset: 5 }])
    await closing
    assert.deepEqual(told.slice(1), [['revoked', p(0), p(1)]])
    assert.deepEqual(
      native.calls
        .map(([name]) => name)
        .filter((name) => name !== 'consume')
        .slice(-3),
      ['commit', 'disconnect', 'incrementalUnassign'],
    )
    assert.deepEqual(native.named('unsubscribe'), [])
  })
})

describe('how far a partition was read', () => {
  it('is told between polls, and not while what was consumed is still in the hands of the poll', async () => {
    const { native, consumer, rebalance } = await scripted()
    await rebalance(ASSIGN, [p(0)])
    assert.equal(consumer.nextOffset(p(0)), undefined)
    native.positions.set(0, 12)
    const polling = consumer.poll(10, 0)
    assert.equal(consumer.nextOffset(p(0)), undefined)
    await polling
    assert.equal(consumer.nextOffset(p(0)), 12)
    assert.equal(consumer.nextOffset(p(1)), undefined)
  })

  it('is not told of records that polls which may return nothing have put aside', async () => {
    const { native, consumer, rebalance } = await scripted()
    await rebalance(ASSIGN, [p(0)])
    native.batches.push([message(0, 7)])
    native.positions.set(0, 8)
    await consumer.poll(0, 0)
    assert.equal(consumer.nextOffset(p(0)), undefined)
    assert.equal((await consumer.poll(10, 0)).length, 1)
    assert.equal(consumer.nextOffset(p(0)), 8)
  })

  it('is not what librdkafka remembers of an earlier assignment', async () => {
    const { native, consumer, rebalance } = await scripted()
    native.positions.set(0, 12)
    native.fetchedMarks.set(0, { lowOffset: 12, highOffset: 12 })
    await rebalance(ASSIGN, [p(0)])
    assert.deepEqual([consumer.nextOffset(p(0)), consumer.logEnd(p(0))], [undefined, undefined])
    native.positions.set(0, 8)
    native.fetchedMarks.set(0, { lowOffset: 0, highOffset: 13 })
    assert.deepEqual([consumer.nextOffset(p(0)), consumer.logEnd(p(0))], [8, 13])
  })

  it('is the end of a log of which retention has left nothing, though librdkafka tells no position there', async () => {
    const { native, consumer, rebalance } = await scripted()
    await rebalance(ASSIGN, [p(0)])
    native.fetchedMarks.set(0, { lowOffset: 12, highOffset: 12 })
    await consumer.poll(10, 0)
    assert.equal(consumer.nextOffset(p(0)), 12)
    native.fetchedMarks.set(0, { lowOffset: 12, highOffset: 13 })
    assert.equal(consumer.nextOffset(p(0)), undefined)
  })
})

describe('the end of a log', () => {
  it('is heard when fetches tell another one, and when it is asked for', async () => {
    const { native, consumer, rebalance, clock } = await scripted()
    await rebalance(ASSIGN, [p(0), p(1)])
    native.fetchedMarks.set(0, { lowOffset: 0, highOffset: 5 })
    const start = clock.now()
    assert.deepEqual([consumer.logEnd(p(0)), consumer.logEndHeardAt(p(0))], [5, start])
    clock.pass(3_000)
    assert.equal(consumer.logEndHeardAt(p(0)), start)
    native.logEnds.set(0, 4).set(1, 9)
    await consumer.askLogEnds([p(0), p(1), p(2)], 5_000)
    assert.deepEqual(native.named('queryWatermarkOffsets'), [
      ['orders', 0],
      ['orders', 1],
    ])
    // A transaction is open at 4.
    assert.deepEqual([consumer.logEnd(p(0)), consumer.logEnd(p(1))], [4, 9])
    assert.equal(consumer.logEndHeardAt(p(0)), start + 3_000)
    native.fetchedMarks.set(0, { lowOffset: 0, highOffset: 6 })
    assert.equal(consumer.logEnd(p(0)), 6)
  })
})

describe('a member that has not settled', () => {
  it('is one whose callback waits for its answer, since the first that does', async () => {
    const { consumer, clock, listener, rebalance, settle } = await scripted()
    await rebalance(ASSIGN, [p(0), p(1)])
    assert.equal(consumer.unsettledSince(), undefined)
    let drained = () => {}
    listener.onRevoked = () =>
      new Promise((resolve) => {
        drained = resolve
      })
    clock.pass(1_000)
    const since = clock.now()
    await rebalance(REVOKE, [p(0)])
    clock.pass(5_000)
    await rebalance(REVOKE, [p(1)])
    assert.equal(consumer.unsettledSince(), since)
    drained()
    await settle()
    drained()
    await settle()
    assert.equal(consumer.unsettledSince(), undefined)
  })
})
