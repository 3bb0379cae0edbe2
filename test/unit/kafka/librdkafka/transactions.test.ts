/** How transactions go through librdkafka's refusals, late answers and fatal errors; played by a scripted native producer. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { NativeError, NativeTransactionalProducer } from '../../../../framework/kafka/librdkafka/binding.ts'
import type { DeliveryCallback } from '../../../../framework/kafka/librdkafka/producer.ts'
import { TransactionOffsets } from '../../../../framework/kafka/librdkafka/transaction-offsets.ts'
import { TransactionTurns } from '../../../../framework/kafka/librdkafka/transaction-turns.ts'
import { LibrdkafkaTransactions } from '../../../../framework/kafka/librdkafka/transactions.ts'
import { OwnedPartitions } from '../../../../framework/kafka/owned-partitions.ts'
import type { Cut, CutOffset, StoredOffset } from '../../../../framework/kafka/transactional-producer.ts'
import type { OutgoingRecord } from '../../../../framework/model/record.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'
import { recordedLog } from '../recorded-log.ts'
import { ScriptedConsumer } from '../scripted-consumer.ts'

type Done = (error?: NativeError | null) => void
type Answer = NativeError | 'ok' | 'never'

const error = (code: number, more: Partial<NativeError> = {}): NativeError => ({
  message: `error ${code}`,
  code,
  ...more,
})
const late = error(-185, { isRetriable: true })
const fatal = error(-150, { isFatal: true })
const fenced = error(90)
const ILLEGAL_GENERATION = 22

class ScriptedProducer implements NativeTransactionalProducer {
  readonly #story: string[]
  readonly #answers: Map<string, Answer[]>
  readonly #report: DeliveryCallback
  readonly deliveries: Answer[]
  /** Ends the calls that were never answered. */
  readonly unanswered: (() => void)[]

  constructor(
    story: string[],
    answers: Map<string, Answer[]>,
    deliveries: Answer[],
    unanswered: (() => void)[],
    report: DeliveryCallback,
  ) {
    this.unanswered = unanswered
    this.#story = story
    this.#answers = answers
    this.deliveries = deliveries
    this.#report = report
  }

  connect(): void {}
  getMetadata(): void {}
  on(): void {}
  poll(): void {}
  setPollInBackground(): void {}
  queryWatermarkOffsets(): void {}
  isConnected(): boolean {
    return true
  }
  produce(...[, , value, , , opaque]: Parameters<NativeTransactionalProducer['produce']>): void {
    this.#story.push(`produce ${value}`)
    const answer = this.deliveries.shift() ?? 'ok'
    if (answer === 'never') return
    setImmediate(() => this.#report(answer === 'ok' ? null : answer, { partition: 0, offset: 0, opaque }))
  }
  initTransactions(_: number, done: Done): void {
    this.#answer('init', done)
  }
  beginTransaction(done: Done): void {
    this.#answer('begin', done)
  }
  commitTransaction(_: number, done: Done): void {
    this.#answer('commit', done)
  }
  abortTransaction(_: number, done: Done): void {
    this.#answer('abort', done)
  }
  sendOffsetsToTransaction(offsets: readonly { readonly offset?: number }[], _: object, __: number, done: Done): void {
    this.#answer('offsets', done, ` ${offsets.map(({ offset }) => offset)}`)
  }
  disconnect(_: number, done: () => void): void {
    this.#story.push('disconnect')
    setImmediate(done)
  }

  #answer(verb: string, done: Done, what = ''): void {
    this.#story.push(`${verb}${what}`)
    const answer = this.#answers.get(verb)?.shift() ?? 'ok'
    const end = () => done(answer === 'ok' ? null : answer === 'never' ? late : answer)
    if (answer === 'never') this.unanswered.push(end)
    else setImmediate(end)
  }
}

/** A producer whose native calls answer as told, each verb's answers in turn, and `ok` behind them. */
function scripted(answers: Readonly<Record<string, readonly Answer[]>> = {}, deliveries: readonly Answer[] = []) {
  const clock = new ManualClock()
  const { log, lines } = recordedLog()
  const story: string[] = []
  const unanswered: (() => void)[] = []
  const left = new Map(Object.entries(answers).map(([verb, all]) => [verb, [...all]]))
  const native = new ScriptedConsumer()
  const owned = new OwnedPartitions()
  owned.add([0, 1, 2].map((partition) => ({ topic: 'in', partition })))
  const offsets = new TransactionOffsets({ clock, native, owned, mayAsk: () => true })
  const stored = new Map<string, StoredOffset>()
  const producer = new LibrdkafkaTransactions({
    id: 'pyrallel.shop.1',
    timeoutMs: 15_000,
    offsets: () => offsets,
    connect: async (report) => {
      story.push('connect')
      return new ScriptedProducer(story, left, [...deliveries], unanswered, report)
    },
    stored: async () => {
      story.push('read')
      return stored
    },
    log,
    clock,
  })
  /** Time goes on until it has settled. */
  const inTime = async <T>(work: Promise<T>): Promise<T> => {
    let isSettled = false
    const settled = work.finally(() => {
      isSettled = true
    })
    settled.catch(() => {})
    while (!isSettled) {
      await nextTurn()
      clock.advance(100)
    }
    return settled
  }
  return { clock, lines, story, unanswered, native, owned, offsets, stored, producer, inTime }
}

const offset = (position: number, more: Partial<CutOffset> = {}): CutOffset => ({
  topic: 'in',
  partition: 0,
  position,
  metadata: '',
  before: { position: 1, metadata: '' },
  ...more,
})
const output = (value: string): OutgoingRecord => ({ topic: 'out', key: null, value: Buffer.from(value), headers: [] })
const cut = (...values: readonly string[]): Cut => ({ outputs: values.map(output), offsets: [offset(7)] })

describe('a transaction through librdkafka', () => {
  it('sends the offsets first, then the outputs in order, and commits when all are delivered', async () => {
    const { producer, story, inTime } = scripted()
    assert.deepEqual(await inTime(producer.transact(cut('a', 'b'))), { kind: 'committed' })
    assert.deepEqual(story, ['connect', 'init', 'begin', 'offsets 7', 'produce a', 'produce b', 'commit'])
  })

  it('law 4: sends many offsets with long metadata in several requests', async () => {
    const { producer, story, owned, inTime } = scripted()
    const offsets = Array.from({ length: 40 }, (_, partition) =>
      offset(100 + partition, { partition, metadata: 'x'.repeat(4_095) }),
    )
    owned.add(offsets)
    assert.equal((await inTime(producer.transact({ outputs: [], offsets }))).kind, 'committed')
    const sent = story.filter((each) => each.startsWith('offsets'))
    assert.equal(sent.length, 2)
    assert.equal(sent.flatMap((each) => each.split(',')).length, 40)
  })

  it('law 1: goes on with a commit that has not been answered in time, and sends nothing again', async () => {
    const { producer, story, inTime } = scripted({ commit: [late, late, 'ok'] })
    assert.equal((await inTime(producer.transact(cut('a')))).kind, 'committed')
    assert.deepEqual(story.slice(2), ['begin', 'offsets 7', 'produce a', 'commit', 'commit', 'commit'])
  })

  const found = [
    ['the cut', { position: 7, metadata: '' }, 'committed'],
    ['what was before it', { position: 1, metadata: '' }, 'aborted'],
    ['something else', { position: 9, metadata: '' }, 'overwritten'],
    ['nothing, where there was something', undefined, 'overwritten'],
  ] as const
  for (const [what, at, settled] of found) {
    it(`law 2: after a fatal error in a commit a new producer ends the transaction, then what is stored tells: ${what}`, async () => {
      const { producer, story, stored, inTime } = scripted({ commit: [fatal] })
      if (at !== undefined) stored.set('in:0', at)
      assert.equal((await inTime(producer.transact(cut('a')))).kind, 'unknown')
      story.length = 0
      assert.equal(await inTime(producer.settle()), settled)
      assert.deepEqual(story, ['disconnect', 'connect', 'init', 'read'])
      assert.equal((await inTime(producer.transact(cut('b')))).kind, 'committed')
    })
  }

  it('law 2: aborts after a commit was tried are never asked for', async () => {
    const { producer, story, stored, inTime } = scripted({ commit: [error(-185), 'ok'] })
    stored.set('in:0', { position: 7, metadata: '' })
    await inTime(producer.transact(cut('a')))
    assert.equal(await inTime(producer.settle()), 'committed')
    assert.deepEqual(
      story.filter((each) => each === 'abort'),
      [],
    )
  })

  it('law 2: an abort that does not end is ended by the next producer of the id, before it sends anything', async () => {
    const { producer, story, inTime } = scripted({ offsets: [error(ILLEGAL_GENERATION)], abort: [fatal] })
    assert.equal((await inTime(producer.transact(cut('a')))).kind, 'aborted')
    assert.equal((await inTime(producer.transact(cut('a')))).kind, 'committed')
    const again = ['connect', 'init', 'begin', 'offsets 7', 'produce a', 'commit']
    assert.deepEqual(story.slice(2), ['begin', 'offsets 7', 'abort', 'disconnect', ...again])
  })

  it('law 6: offsets that the group does not take from this member are met before an output is written', async () => {
    const { producer, story, inTime } = scripted({ offsets: [error(ILLEGAL_GENERATION)] })
    const outcome = await inTime(producer.transact(cut('a')))
    assert.ok(outcome.kind === 'aborted')
    assert.deepEqual([outcome.blame, outcome.error.retriable], [{ kind: 'member' }, true])
    assert.deepEqual(story.slice(2), ['begin', 'offsets 7', 'abort'])
  })

  it('law 5: a member that was expelled while its offsets were on their way has not sent them as a member', async () => {
    const { producer, native, story, inTime } = scripted()
    await inTime(producer.open())
    const outcome = producer.transact(cut('a'))
    while (!story.includes('offsets 7')) await nextTurn()
    native.isLost = true
    const { kind, blame } = { blame: undefined, ...(await inTime(outcome)) }
    assert.deepEqual([kind, blame], ['aborted', { kind: 'member' }])
    assert.deepEqual(story.slice(2), ['begin', 'offsets 7', 'abort'])
  })

  it('law 5: offsets that outlast their time-out hold neither the transaction nor a revoke, and their producer is touched when they have ended', async () => {
    const { producer, story, offsets, unanswered, inTime } = scripted({ offsets: ['never'] })
    const outcome = await inTime(producer.transact(cut('a')))
    assert.deepEqual([outcome.kind, outcome.kind === 'aborted' && outcome.blame.kind], ['aborted', 'nobody'])
    await offsets.answered
    assert.deepEqual(story, ['connect', 'init', 'begin', 'offsets 7'])
    assert.deepEqual(await inTime(producer.transact(cut('a'))), { kind: 'committed' })
    assert.deepEqual(story.slice(4), ['connect', 'init', 'begin', 'offsets 7', 'produce a', 'commit'])
    const ended = offsets.ended
    for (const end of unanswered) end()
    await ended
    await nextTurn()
    assert.deepEqual(story.slice(10), ['disconnect'])
  })

  it('law 5: what is given up before its turn has come is not sent', async () => {
    const { producer, owned, inTime } = scripted()
    await inTime(producer.open())
    const outcome = producer.transact(cut('a'))
    owned.drop([{ topic: 'in', partition: 0 }])
    const { kind, error: why } = { error: undefined, ...(await inTime(outcome)) }
    assert.deepEqual([kind, why?.code], ['aborted', 'PYR_NOT_OWNED'])
  })

  it('law 6: where a topic is refused with all that was on its way, the outputs are to blame, and among them the one', async () => {
    const refused = error(29)
    const { producer, inTime } = scripted({ begin: ['ok', refused] }, [error(-152), error(-151)])
    const outcome = await inTime(producer.transact(cut('a', 'b')))
    assert.ok(outcome.kind === 'aborted')
    assert.deepEqual(outcome.blame, { kind: 'outputs', indexes: [0, 1] })
  })

  it('law 6: another producer of the id is told from a transaction that has taken longer than its time-out', async () => {
    const young = scripted({ begin: ['ok', fenced] }, [error(-151)])
    const told = await young.inTime(young.producer.transact(cut('a')))
    assert.ok(told.kind === 'aborted')
    assert.deepEqual([told.blame.kind, told.error.code], ['fenced', 'PYR_TRANSACTION_FENCED'])

    const old = scripted({ offsets: [fenced] })
    await old.inTime(old.producer.open())
    const outcome = old.producer.transact(cut('a'))
    while (!old.story.includes('offsets 7')) await nextTurn()
    old.clock.advance(15_000)
    const late = await old.inTime(outcome)
    assert.ok(late.kind === 'aborted')
    assert.deepEqual([late.blame.kind, late.error.code], ['nobody', 'PYR_TRANSACTION_FAILED'])
  })

  it('law 7: asks for the id again while an earlier transaction of it ends', async () => {
    const { producer, story, inTime } = scripted({ init: [late, late, 'ok'] })
    await inTime(producer.open())
    assert.deepEqual(story, ['connect', 'init', 'init', 'init'])
  })

  it('law 7: says what is missing where the brokers refuse the id', async () => {
    const { producer, inTime } = scripted({ init: [error(53)] })
    const message = /do not allow transactions as 'pyrallel\.shop\.1'.*rights Write and Describe/s
    await assert.rejects(inTime(producer.open()), { code: 'PYR_TRANSACTION_REFUSED', message })
  })

  it('law 8: closes in its time under a call that nobody answers, says so, and disconnects behind it only', async () => {
    const { producer, story, lines, inTime } = scripted({ commit: ['never'] })
    await inTime(producer.open())
    void producer.transact(cut('a'))
    while (!story.includes('commit')) await nextTurn()
    await inTime(producer.close(1_000))
    assert.match(JSON.stringify(lines), /closed with a transaction under way/)
    assert.deepEqual(
      story.filter((each) => each === 'disconnect'),
      [],
    )
  })
})

describe('turns of transactional calls', () => {
  it('runs two at once, and the next when one has ended, also by an error', async () => {
    const turns = new TransactionTurns()
    const story: string[] = []
    const ends: (() => void)[] = []
    const work = (name: string) =>
      turns.take(async () => {
        story.push(name)
        await new Promise<void>((resolve) => ends.push(resolve))
        if (name === 'a') throw new Error('a failed')
      })
    const all = Promise.allSettled(['a', 'b', 'c', 'd'].map(work))
    await nextTurn()
    assert.deepEqual(story, ['a', 'b'])
    ends[0]?.()
    await nextTurn()
    assert.deepEqual(story, ['a', 'b', 'c'])
    ends[1]?.()
    ends[2]?.()
    await nextTurn()
    ends[3]?.()
    await all
    assert.deepEqual(story, ['a', 'b', 'c', 'd'])
  })
})
