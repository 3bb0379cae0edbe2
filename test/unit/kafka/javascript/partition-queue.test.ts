/** In which batches the records of one partition go out, and under which numbers: what a broker knows a repeat by. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PartitionQueue } from '../../../../framework/kafka/javascript/partition-queue.ts'

const identity = { id: 7n, epoch: 1 }
const another = { id: 8n, epoch: 0 }

/** A queue, and what became of each record by its text. */
function aQueue() {
  const outcomes: Record<string, string> = {}
  const queue = new PartitionQueue('orders', 3, () => 0)
  const push = (text: string, more: { readonly bytes?: number; readonly untilMs?: number } = {}) =>
    queue.push({
      record: { topic: 'orders', key: null, value: Buffer.from(text), headers: [], timestamp: 0 },
      bytes: more.bytes ?? 100,
      untilMs: more.untilMs ?? 1_000,
      resolve: ({ partition, offset }) => {
        outcomes[text] = `${partition}@${offset}`
      },
      reject: (error) => {
        outcomes[text] = error.message
      },
    })
  return { queue, push, outcomes }
}

/** What a batch says of itself: producer, first sequence, records. */
function read(bytes: Buffer): readonly [producer: bigint, sequence: number, records: number] {
  return [bytes.readBigInt64BE(43), bytes.readInt32BE(53), bytes.readInt32BE(57)]
}

describe('the records that wait for one partition', () => {
  it('go out together, are numbered on, and have the offsets of the broker in their order', () => {
    const { queue, push, outcomes } = aQueue()
    for (const text of ['a', 'b']) push(text)
    assert.deepEqual(read(queue.take(identity).bytes), [7n, 0, 2])
    push('c')
    queue.acknowledged(40)
    assert.deepEqual(read(queue.take(another).bytes), [7n, 2, 1], 'the identity of its first batch stays')
    queue.acknowledged(90)
    assert.deepEqual(outcomes, { a: '3@40', b: '3@41', c: '3@90' })
    assert.ok(queue.isEmpty)
  })

  it('are sent again byte by byte where no answer came, without what has come meanwhile', () => {
    const { queue, push } = aQueue()
    push('a')
    const { bytes } = queue.take(identity)
    push('b')
    queue.kept(50)
    assert.deepEqual([queue.notBeforeMs, queue.refusals], [50, 1])
    const again = queue.take(another).bytes
    assert.deepEqual(again, bytes)
    assert.notEqual(again, bytes, 'between the two, only the record was kept')
  })

  it('use a number again that was refused, as nothing was written under it', () => {
    const { queue, push, outcomes } = aQueue()
    push('a')
    queue.take(identity)
    queue.refused(new Error('no'))
    push('b')
    assert.deepEqual(read(queue.take(identity).bytes), [7n, 0, 1])
    assert.deepEqual(outcomes, { a: 'no' })
  })

  it('use no number again of a batch that may have been written: another record would be taken for a repeat', () => {
    const { queue, push, outcomes } = aQueue()
    push('a')
    queue.take(identity)
    queue.abandoned(new Error('who knows'))
    push('b')
    assert.deepEqual(read(queue.take(identity).bytes), [7n, 1, 1])
    assert.deepEqual(outcomes, { a: 'who knows' })
  })

  it('go out under another identity from zero, in their order, once the broker has lost their place', () => {
    const { queue, push } = aQueue()
    push('a')
    queue.take(identity)
    queue.acknowledged(0)
    for (const text of ['b', 'c']) push(text)
    assert.deepEqual(read(queue.take(identity).bytes), [7n, 1, 2])
    push('d')
    queue.renumber()
    assert.deepEqual(read(queue.take(another).bytes), [8n, 0, 3])
  })

  it('are halved where a batch is too large for the topic, down to one', () => {
    const { queue, push } = aQueue()
    for (const text of ['a', 'b', 'c', 'd']) push(text)
    assert.equal(read(queue.take(identity).bytes)[2], 4)
    assert.ok(queue.split())
    assert.deepEqual(read(queue.take(identity).bytes), [7n, 0, 2])
    assert.ok(queue.split())
    assert.deepEqual(read(queue.take(identity).bytes), [7n, 0, 1])
    assert.equal(queue.split(), false)
    queue.acknowledged(0)
    assert.deepEqual(read(queue.take(identity).bytes), [7n, 1, 1])
  })

  it('stay below a megabyte together, where one alone is not larger', () => {
    const { queue, push } = aQueue()
    for (const [text, bytes] of [
      ['a', 600_000],
      ['b', 600_000],
      ['c', 5_000_000],
      ['d', 1],
    ] as const)
      push(text, { bytes })
    const counts = []
    for (let offset = 0; !queue.isEmpty; offset++) {
      counts.push(read(queue.take(identity).bytes)[2])
      queue.acknowledged(offset)
    }
    assert.deepEqual(counts, [1, 1, 1, 1])
  })

  it('are given up when their time is over, and nothing follows under the numbers of what may have been written', () => {
    const { queue, push } = aQueue()
    const overdue = (nowMs: number) => queue.takeOverdue(nowMs).map(({ record }) => String(record.value))
    push('a', { untilMs: 100 })
    queue.take(identity)
    push('b', { untilMs: 200 })
    push('c', { untilMs: 300 })
    assert.deepEqual(overdue(250), [], 'nothing while a request is under way')
    queue.kept(0)
    assert.deepEqual(overdue(250), ['a', 'b'])
    assert.deepEqual(read(queue.take(identity).bytes), [7n, 1, 1])
    queue.acknowledged(0)
    push('d', { untilMs: 400 })
    push('e', { untilMs: 900 })
    assert.deepEqual(overdue(500), ['d'], 'what was never sent takes no number with it')
    assert.deepEqual(read(queue.take(identity).bytes), [7n, 2, 1])
  })
})
