/** How a thread tells what became of an attempt with outputs: never beside them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type HandlerDefinition, handler } from '../../../../../framework/api/handler.ts'
import { PreparedHandler } from '../../../../../framework/execution-plane/attempt/prepared-handler.ts'
import { LaneItems } from '../../../../../framework/execution-plane/worker/lane/items.ts'
import { encodeBatch } from '../../../../../framework/execution-plane/worker/thread/batch-codec.ts'
import { LaneMemory } from '../../../../../framework/execution-plane/worker/thread/lane-memory.ts'
import { decodeOutputs } from '../../../../../framework/execution-plane/worker/thread/outputs-codec.ts'
import type { FromThread } from '../../../../../framework/execution-plane/worker/thread/thread-messages.ts'
import { ThreadRunner } from '../../../../../framework/execution-plane/worker/thread/thread-runner.ts'
import type { Logger } from '../../../../../framework/model/logger.ts'
import type { Epoch, WorkItem } from '../../../../../framework/model/work.ts'
import { publishInto } from '../../../../../framework/publishing/publisher.ts'
import { systemClock } from '../../../../../framework/time/clock.ts'

const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
const clock = systemClock()

/** A lane and its thread in one place; messages are on their way until they are taken. */
async function aLane() {
  const definition = handler<number>('orders', async ({ value }, { publish }) => {
    for (let n = 0; n < value; n++) await publish('out', n)
  }) as HandlerDefinition<unknown>
  const rules = { maxAttemptBytes: 10_000, maxRecordBytes: undefined, requireTopic: () => undefined }
  const prepared = await PreparedHandler.of({
    handlerId: 'handle',
    definition,
    timeoutMs: 60_000,
    publish: async () => assert.fail('it was sent'),
    keeping: { publishInto: publishInto(), rules },
    log,
    clock,
  })
  const items = new LaneItems(8)
  const posted: { readonly message: FromThread; readonly transferred: readonly ArrayBuffer[] }[] = []
  const memory = LaneMemory.of(items.memory.buffer as SharedArrayBuffer)
  const post = (message: FromThread, transferred: readonly ArrayBuffer[] = []) => {
    posted.push({ message, transferred })
  }
  const runner = new ThreadRunner(prepared, memory, clock, 60_000, post, false)
  const run = async (...outputs: readonly number[]) => {
    runner.accept(encodeBatch(outputs.map((count, n) => items.add(anItem(n + 1, count)))))
    for (let turn = 0; turn < 10; turn++) await nextTurn()
  }
  return { items, posted, run }
}

function anItem(id: number, value: number): WorkItem {
  const common = { topic: 'orders', partition: 0, key: null, headers: [], timestamp: 0 }
  const record = { ...common, offset: id, value: Buffer.from(String(value)) }
  return { id, handlerId: 'handle', epoch: 1 as Epoch, records: [record], attempts: [1] }
}

describe('a thread whose attempts have outputs', () => {
  it('tells the outcome in the message that has them, and writes down those of the others only', async () => {
    const { items, posted, run } = await aLane()
    await run(2, 0)
    assert.deepEqual(
      items.read('silent').map(({ item, outcome }) => [item.id, outcome]),
      [[2, { kind: 'succeeded' }]],
    )
    const overs = posted.flatMap(({ message, transferred }) =>
      message.kind === 'pyrallel.over' ? [{ message, transferred }] : [],
    )
    assert.equal(overs.length, 1)
    const [{ message, transferred }] = overs as [(typeof overs)[0]]
    assert.deepEqual(message.outcome, { kind: 'succeeded' })
    assert.deepEqual(transferred, [message.outputs])
    assert.deepEqual(
      decodeOutputs(message.outputs!).map(({ value }) => value?.toString()),
      ['0', '1'],
    )
    assert.equal(items.end(message.slot)?.id, 1)
  })

  it('leaves a record to run again whose message is lost with the thread', async () => {
    const { items, run } = await aLane()
    await run(1, 0)
    const { ended, interrupted, unstarted, overdue } = items.takeLeft(clock.now(), 0)
    assert.deepEqual(
      [ended, interrupted, unstarted, overdue].map((all) => all.length),
      [1, 1, 0, 0],
    )
    assert.deepEqual([ended[0]?.item.id, interrupted[0]?.item.id], [2, 1])
  })
})
