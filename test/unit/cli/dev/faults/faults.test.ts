/** The books of the account, and what makes attempts fail: without any broker. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { FaultAccount } from '../../../../../cli/dev/faults/fault-account.ts'
import { OffsetSet } from '../../../../../cli/dev/faults/offset-set.ts'
import { EngineFaults } from '../../../../../framework/execution-plane/engine-faults.ts'
import { AsyncEngine } from '../../../../../framework/execution-plane/engines/async-engine.ts'
import type { RuntimeEvent } from '../../../../../framework/model/events.ts'
import type { SystemMetrics } from '../../../../../framework/model/snapshot.ts'
import type { CompletionEvent, Epoch, WorkItem } from '../../../../../framework/model/work.ts'
import { systemClock } from '../../../../../framework/time/clock.ts'
import { recordedLog } from '../../../kafka/recorded-log.ts'
import { aGroup, aPartition, aSystem } from '../../../observability/snapshots.ts'
import { aHandler } from '../../../runtime/running-app.ts'

describe('a set of offsets', () => {
  it('has what was added, whatever the order, and counts each once', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60), { maxLength: 120 }), fc.nat(60), fc.nat(60), (offsets, a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)]
        const [set, model] = [new OffsetSet(), new Set<number>()]
        for (const offset of offsets) {
          assert.equal(set.add(offset), !model.has(offset))
          model.add(offset)
        }
        const inside = [...model].filter((each) => each >= from && each < to)
        assert.deepEqual([set.count, set.within(from, to)], [model.size, inside.length])
        const outside = Array.from({ length: to - from }, (_, index) => from + index).filter((each) => !model.has(each))
        assert.deepEqual(set.missing(from, to, 10), outside.slice(0, 10))
      }),
    )
  })
})

const place = { topic: 'orders', partition: 0 }

function anAccount(runs: readonly object[] = []) {
  const state = { committed: 10, end: 10, absent: [] as readonly number[], readings: 0 }
  const runtime = {
    inspection: { partition: () => ({ runs }) as never },
    snapshot: (): SystemMetrics =>
      aSystem({
        groups: [aGroup({ partitions: [aPartition({ ...place, position: 10, committedPosition: state.committed })] })],
      }),
  }
  const account = new FaultAccount(0, () => 'shop')
  account.look(runtime)
  const tell = (kind: 'record.done' | 'record.dead', ...offsets: readonly number[]) => {
    for (const offset of offsets)
      account.onEvent({ kind, handlerId: 'bill', record: { ...place, offset } } as RuntimeEvent)
  }
  const read = () => {
    account.look(runtime)
    return account.read({
      logs: async () => [{ ...place, logStart: 0, logEnd: state.end }],
      places: async () => {
        state.readings += 1
        const offsets = Array.from({ length: state.end }, (_, offset) => offset)
        return offsets.filter((offset) => !state.absent.includes(offset)).map((offset) => ({ ...place, offset }))
      },
    })
  }
  return { state, account, tell, read }
}

describe('the account of every record', () => {
  it('says what is done, dead and left, and counts a record that comes again', async () => {
    const { state, tell, read } = anAccount()
    state.end = 20
    tell('record.done', 9, 10, 11, 13, 11)
    tell('record.dead', 12)
    state.committed = 14
    const { sinceAt: _, ...account } = await read()
    assert.deepEqual(account, { written: 10, done: 3, dead: 1, doneAgain: 1, left: 6, lost: 0, lostPlaces: [] })
  })

  it('finds a record that a commit has passed though nobody has handled it', async () => {
    const { state, tell, read } = anAccount()
    state.end = 20
    tell('record.done', 10, 11, 14)
    state.committed = 15
    const { lost, lostPlaces, left } = await read()
    assert.deepEqual([lost, lostPlaces, left], [2, ['orders[0]@12', 'orders[0]@13'], 5])
    await read()
    assert.equal(state.readings, 1)
  })

  it('asks the log before it says so: a marker of a transaction is no record', async () => {
    const { state, tell, read } = anAccount()
    Object.assign(state, { end: 14, committed: 14, absent: [11] })
    tell('record.done', 10, 12)
    const { written, done, left, lost, lostPlaces } = await read()
    assert.deepEqual([written, done, left, lost, lostPlaces], [3, 2, 0, 1, ['orders[0]@13']])
  })

  it('counts nothing of a log that was made anew and is shorter than what was committed', async () => {
    const { state, tell, read } = anAccount()
    Object.assign(state, { end: 12, committed: 20, absent: [11] })
    tell('record.done', 10)
    const { written, done, left, lost } = await read()
    assert.deepEqual([written, done, left, lost], [1, 1, 0, 0])
  })

  it('counts neither fillers nor what was done before as written', async () => {
    const { state, account, tell, read } = anAccount([{ state: 'done-above-gap', from: 12, to: 14 }])
    state.end = 20
    for (const offset of [15, 16]) account.onFiller({ ...place, offset })
    tell('record.done', 10, 11, 14, 17, 18, 19)
    state.committed = 20
    const { written, done, left, lost } = await read()
    assert.deepEqual([written, done, left, lost], [6, 6, 0, 0])
  })
})

describe('attempts that fail on demand', { timeout: 10_000 }, () => {
  async function aFaulty() {
    const { definition } = aHandler('bill')
    const engine = new AsyncEngine({
      ...{ handlerId: 'bill', concurrency: 10, timeoutMs: 1_000, abandonAfterMs: 0, definition },
      ...{ publish: async () => {}, log: recordedLog().log, clock: systemClock() },
    })
    const faults = new EngineFaults()
    const faulty = faults.around('bill', engine)
    const completions: CompletionEvent[] = []
    await faulty.start((completion) => completions.push(completion))
    const submit = (id: number, records = 1) => {
      const record = { ...place, offset: id, key: null, value: Buffer.from('1'), headers: [], timestamp: 0 }
      const all = Array.from({ length: records }, () => record)
      const item: WorkItem = { id, handlerId: 'bill', epoch: 1 as Epoch, records: all, attempts: all.map(() => 1) }
      faulty.submit(item)
    }
    const until = async (count: number) => {
      while (completions.length < count) await new Promise(setImmediate)
    }
    return { faults, faulty, completions, submit, until }
  }

  it('are as many as were asked for, of that handler only, and never answered within the submit', async () => {
    const { faults, faulty, completions, submit, until } = await aFaulty()
    faults.failNext(2, 'other')
    submit(1)
    await until(1)
    faults.failNext(2, 'bill')
    for (const id of [2, 3, 4]) submit(id)
    assert.equal(completions.length, 1)
    await until(4)
    const outcomes = [...completions].sort((a, b) => a.workId - b.workId).map(({ outcome }) => outcome.kind)
    assert.deepEqual(outcomes, ['succeeded', 'failed', 'failed', 'succeeded'])
    assert.deepEqual([faults.left, faulty.inFlight], [0, 0])
    await faulty.close(0)
  })

  it('fail record by record in a batch, and are answered before an engine has closed', async () => {
    const { faults, faulty, completions, submit } = await aFaulty()
    faults.failNext(5, undefined)
    submit(1, 3)
    assert.equal(faults.left, 2)
    await faulty.close(0)
    const [completion] = completions
    assert.ok(completion?.outcome.kind === 'partial')
    assert.deepEqual([...completion.outcome.failures.keys()], [0, 1, 2])
    faults.failNoMore()
    assert.equal(faults.left, 0)
  })

  it('ends no thread of a handler that has none', async () => {
    const { faults, faulty } = await aFaulty()
    assert.equal(faults.endThread('bill'), undefined)
    await faulty.close(0)
  })
})
