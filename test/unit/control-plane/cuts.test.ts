/** What the transactions of an exactly-once group carry: outputs with the offsets of their records, and nothing without the other. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BuiltCut } from '../../../framework/control-plane/cuts/cuts.ts'
import { decodeCompleted, encodeCompleted } from '../../../framework/control-plane/offsets/metadata-encoder.ts'
import type { Blame } from '../../../framework/kafka/transactional-producer.ts'
import { type ErrorCode, PyrallelError } from '../../../framework/model/errors.ts'
import type { OutgoingRecord } from '../../../framework/model/record.ts'
import type { Outcome } from '../../../framework/model/work.ts'
import { aFailure, aRecord, Driver, type DriverOptions, keyed, of, offsetsOf, range, TOPIC } from './builders.ts'

const output = (value: string, bytes = 0): OutgoingRecord => ({
  topic: 'invoices',
  key: null,
  value: Buffer.from(value.padEnd(bytes)),
  headers: [],
})
const published = (...values: readonly string[]): Outcome => ({
  kind: 'succeeded',
  outputs: values.map((value) => output(value)),
})
const valuesOf = (cut: BuiltCut | undefined) => cut?.outputs.map(({ value }) => String(value).trim())
const refused = (code: ErrorCode) => new PyrallelError(code, 'refused')

class Group extends Driver {
  constructor(options: DriverOptions = {}) {
    super({ exactlyOnce: { group: 'billing' }, ...options })
  }

  build(): BuiltCut | undefined {
    return this.manager.nextCut(this.now)
  }

  committed(cut: BuiltCut | undefined): this {
    if (cut === undefined) throw new Error('there is no cut')
    this.manager.onCommitted(cut.offsets, this.now)
    this.manager.cuts?.onCommitted(cut)
    return this
  }

  aborted(cut: BuiltCut | undefined, blame: Blame, code: ErrorCode = 'PYR_TRANSACTION_FAILED'): boolean | undefined {
    if (cut === undefined) throw new Error('there is no cut')
    return this.manager.cuts?.onAborted(cut, { blame, error: refused(code) }, this.now)
  }

  get waiting(): number | undefined {
    return this.manager.cuts?.units
  }
}

const toldBy = (cut: BuiltCut | undefined, partition = 0) => {
  const offset = cut?.offsets.find((each) => each.partition === partition)
  if (offset === undefined) return undefined
  const decoded = decodeCompleted(offset.position, offset.metadata)
  return { position: offset.position, above: decoded.kind === 'completed' ? decoded.ranges : [] }
}

describe('a cut', () => {
  it('has what was published in the order in which its records were done, and their offsets out of order', () => {
    const group = new Group().assign(0, 0).poll(keyed(0, 'a'), keyed(1, 'b'), keyed(2, 'c'))
    const [, second, third] = group.start()
    group.end(third, published('2a', '2b')).end(second, published('1'))
    const cut = group.build()
    assert.deepEqual(valuesOf(cut), ['2a', '2b', '1'])
    assert.deepEqual(toldBy(cut), { position: 0, above: [{ start: 1, end: 3 }] })
    assert.deepEqual(cut?.offsets[0]?.before, { position: 0, metadata: '' })
  })

  it('is built again with what was done meanwhile after it was aborted, without running a handler again', () => {
    const group = new Group().assign(0, 0).poll(keyed(0, 'a'), keyed(1, 'b'))
    const [first, second] = group.start()
    group.end(first, published('0'))
    const cut = group.build()
    group.end(second, published('1'))
    assert.equal(group.aborted(cut, { kind: 'nobody' }), false)
    const again = group.build()
    assert.deepEqual([valuesOf(again), toldBy(again)], [['0', '1'], { position: 2, above: [] }])
    assert.deepEqual(group.start(), [])
  })

  it('leaves nothing behind once it is committed, and knows what is stored from then on', () => {
    const group = new Group().assign(0, 0).poll(keyed(0, 'a'), keyed(1, 'b'))
    const [first, second] = group.start()
    group.end(first, published('0'))
    group.committed(group.build())
    assert.deepEqual([group.waiting, group.manager.cuts?.bytes, group.build()], [0, 0, undefined])
    group.end(second, published('1'))
    const next = group.build()
    assert.deepEqual([valuesOf(next), next?.offsets[0]?.before], [['1'], { position: 1, metadata: '' }])
  })

  it('has offsets alone of records of which nothing was published', () => {
    const group = new Group().assign(0, 0).poll(keyed(0, 'a'))
    group.endAll(group.start())
    const cut = group.build()
    assert.deepEqual([valuesOf(cut), toldBy(cut)?.position], [[], 1])
  })

  it('has no output of a partition that was given up, or lost', () => {
    for (const end of ['onRevoked', 'onLost'] as const) {
      const group = new Group()
        .assign(0, 0)
        .assign(1, 0)
        .poll(keyed(0, 'a'), keyed(0, 'b', { partition: 1 }))
      const [first, second] = group.start()
      group.end(first, published('gone')).end(second, published('kept'))
      const before = group.build()
      group.manager[end]([of(0)])
      group.aborted(before, { kind: 'member' })
      const cut = group.build()
      assert.deepEqual([valuesOf(cut), cut?.offsets.map(({ partition }) => partition)], [['kept'], [1]])
    }
  })

  it('of a revoke has the partitions that are given up, and no other', () => {
    const group = new Group()
      .assign(0, 0)
      .assign(1, 0)
      .poll(keyed(0, 'a'), keyed(0, 'b', { partition: 1 }))
    for (const item of group.start()) group.end(item, published(`${item.records[0]?.partition}`))
    const cut = group.manager.cuts?.build(group.now, [of(1)])
    assert.deepEqual([valuesOf(cut), toldBy(cut, 1)?.position, toldBy(cut, 0)], [['1'], 1, undefined])
    assert.deepEqual([group.manager.cuts?.has([of(1)]), group.manager.cuts?.has([of(2)])], [true, false])
  })

  it('has a dead letter with the offset of its record, and its key has gone on before', () => {
    const group = new Group().assign(0, 0).poll(keyed(0, 'a'), keyed(1, 'a'))
    const [first] = group.start()
    group.end(first, { kind: 'failed', failure: aFailure({ retryable: false }) })
    assert.deepEqual([group.startOffsets(), group.eventsOf('record.dead')], [[1], []])
    const cut = group.build()
    assert.deepEqual([cut?.outputs[0]?.topic, toldBy(cut)?.position], ['orders.dlq', 1])
    group.committed(cut)
    assert.deepEqual(
      group.eventsOf('record.dead').map(({ record, deadLetterTopic }) => [record.offset, deadLetterTopic]),
      [[0, 'orders.dlq']],
    )
    assert.deepEqual(group.manager.takeDeadLetters(), [])
  })

  it('takes half of the bytes at most, but always one unit, and tells nothing of those that it leaves out', () => {
    const group = new Group({ limits: { maxBytes: 4_000 } }).assign(0, 0)
    group.poll(...range(0, 3).map((offset) => keyed(offset, `${offset}`)))
    for (const item of group.start())
      group.end(item, { kind: 'succeeded', outputs: [output(`${offsetsOf([item])}`, 1_000)] })
    const first = group.build()
    assert.deepEqual([valuesOf(first), toldBy(first)], [['0'], { position: 1, above: [] }])
    const second = group.committed(first).build()
    assert.deepEqual([valuesOf(second), toldBy(second)], [['1'], { position: 2, above: [] }])
    const large = new Group({ limits: { maxBytes: 4_000 } }).assign(0, 0).poll(keyed(0, 'a'))
    large.end(large.start()[0], { kind: 'succeeded', outputs: [output('large', 3_000)] })
    assert.deepEqual(valuesOf(large.build()), ['large'])
  })

  it('leaves out what the metadata has no room for, with what was published of it, until the position comes there', () => {
    const group = new Group({ maxMetadataLength: 22, route: { ordering: 'unordered' } }).assign(0, 0)
    group.poll(...range(0, 100).map((offset) => aRecord(offset)))
    const items = group.start()
    const odd = items.filter((_, index) => index > 0 && (index * index * 7) % 13 < 6)
    for (const item of odd) group.end(item, published(`${offsetsOf([item])}`))
    const cut = group.build()
    const told = toldBy(cut)
    const visible = new Set(valuesOf(cut)?.map(Number))
    assert.ok(visible.size > 0 && visible.size < odd.length, `${visible.size} of ${odd.length}`)
    for (let offset = 0; offset < 100; offset += 1) {
      const isTold = told?.above.some(({ start, end }) => start <= offset && offset < end) === true
      assert.equal(isTold, visible.has(offset), `${offset}`)
    }
    group.committed(cut)
    for (const item of items) if (!odd.includes(item)) group.end(item, published(`${offsetsOf([item])}`))
    const rest = group.build()
    assert.deepEqual([toldBy(rest), valuesOf(rest)?.length], [{ position: 100, above: [] }, 100 - visible.size])
  })

  it('takes an output that is refused apart from the others by halves, and puts a dead letter in its place', () => {
    const group = new Group().assign(0, 0).poll(...range(0, 8).map((offset) => keyed(offset, `${offset}`)))
    for (const item of group.start()) group.end(item, published(`${offsetsOf([item])}`))
    const seen: (string | undefined)[] = []
    for (let rounds = 0; group.waiting !== 0 && rounds < 30; rounds += 1) {
      const cut = group.build()
      const isBad = valuesOf(cut)?.includes('5') === true
      const indexes = cut?.outputs.map((_, index) => index) ?? []
      if (isBad) assert.equal(group.aborted(cut, { kind: 'outputs', indexes }, 'PYR_RECORD_TOO_LARGE'), true)
      else {
        seen.push(...(cut?.outputs.map(({ topic, value }) => (topic === 'invoices' ? String(value) : topic)) ?? []))
        group.committed(cut)
      }
    }
    assert.deepEqual(seen, ['0', '1', '2', '3', '4', 'orders.dlq', '6', '7'])
    assert.deepEqual(
      group.eventsOf('record.dead').map(({ record }) => record.offset),
      [5],
    )
  })

  it('drops a record of which an output is refused where its handler has no dead-letter topic', () => {
    const group = new Group({ route: { deadLetterTopic: null } }).assign(0, 0).poll(keyed(0, 'a'))
    group.end(group.start()[0], published('large'))
    group.aborted(group.build(), { kind: 'outputs', indexes: [0] }, 'PYR_RECORD_TOO_LARGE')
    assert.deepEqual(
      group.eventsOf('record.dead').map(({ deadLetterTopic }) => deadLetterTopic),
      [null],
    )
    const cut = group.build()
    assert.deepEqual([valuesOf(cut), toldBy(cut)?.position], [[], 1])
  })

  it('makes a dead letter smaller that is too large', () => {
    const group = new Group().assign(0, 0).poll(keyed(0, 'a', { value: Buffer.from('much') }))
    group.end(group.start()[0], { kind: 'failed', failure: aFailure({ retryable: false }) })
    const cut = group.build()
    assert.equal(String(cut?.outputs[0]?.value), 'much')
    group.aborted(cut, { kind: 'outputs', indexes: [0] }, 'PYR_RECORD_TOO_LARGE')
    const smaller = group.build()
    assert.deepEqual([smaller?.outputs[0]?.value, group.kinds().includes('dead-letter.failed')], [null, true])
  })

  it('lets partitions stand whose topic for outputs is gone, and the others go on', () => {
    const group = new Group().assign(0, 0).assign(1, 0)
    group.poll(keyed(0, 'a'), keyed(1, 'c'), keyed(0, 'b', { partition: 1 }), keyed(1, 'd', { partition: 1 }))
    const items = group.start()
    const at = (partition: number) => items.find(({ records: [record] }) => record?.partition === partition)
    group.end(at(0), published('gone')).end(at(1), published('kept'))
    const cut = group.build()
    const indexes = [valuesOf(cut)?.indexOf('gone') ?? -1]
    assert.equal(group.aborted(cut, { kind: 'outputs', indexes }, 'PYR_TOPIC_UNKNOWN'), true)
    const others = group.build()
    assert.deepEqual([valuesOf(others), toldBy(others, 0)], [['kept'], undefined])
    group.committed(others).poll(keyed(2, 'e'), keyed(2, 'f', { partition: 1 }))
    assert.deepEqual(
      group.start().map(({ records: [record] }) => record?.partition),
      [1],
    )
    group.now += 100
    const again = group.build()
    assert.deepEqual(valuesOf(again), ['gone'])
    group.committed(again)
    assert.deepEqual(group.startOffsets(), [2])
  })

  it('has a partition by itself whose offsets were refused with those of others, and gives its metadata less room', () => {
    const group = new Group({ route: { ordering: 'unordered' } }).assign(0, 0).assign(1, 0)
    group.poll(...range(0, 9).map((offset) => aRecord(offset)), aRecord(0, { partition: 1 }))
    for (const item of group.start()) {
      const [record] = item.records
      if (record?.partition === 1 || (record?.offset ?? 0) % 2 === 1) group.end(item, published(`${record?.offset}`))
    }
    const cut = group.build()
    assert.equal(cut?.offsets.length, 2)
    group.aborted(cut, { kind: 'partitions', partitions: [of(0), of(1)] }, 'PYR_METADATA_TOO_LARGE')
    const lengths: number[] = []
    for (let rounds = 0; group.waiting !== 0 && rounds < 10; rounds += 1) {
      const alone = group.build()
      if (alone === undefined) break
      assert.equal(alone.offsets.length, 1)
      const length = alone.offsets[0]?.metadata.length ?? 0
      if (length === 0) group.committed(alone)
      else {
        lengths.push(length)
        group.aborted(alone, { kind: 'partitions', partitions: alone.offsets }, 'PYR_METADATA_TOO_LARGE')
      }
    }
    assert.ok(lengths.length > 0)
    assert.equal(group.waiting, 4)
  })

  it('stores once more what is stored when there was nothing else for a while, and changes nothing by it', () => {
    const group = new Group({ sessionTimeoutMs: 6_000 }).assign(0, 0).poll(keyed(0, 'a'))
    group.end(group.start()[0], published('0'))
    group.committed(group.build())
    assert.equal(group.build(), undefined)
    group.now += 1_000
    const renewal = group.build()
    assert.deepEqual(
      [renewal?.outputs, renewal?.offsets.map(({ position, metadata, before }) => [position, metadata, before])],
      [[], [[1, '', undefined]]],
    )
    group.committed(renewal)
    assert.equal(group.manager.permit.clock.heardAt, 1_000)
  })
})

describe('an exactly-once group', () => {
  it('starts nothing while records and outputs that are done and not visible fill limits.maxBytes, and says so', () => {
    const group = new Group({ limits: { maxBytes: 4_000 } }).assign(0, 0)
    group.poll(...range(0, 4).map((offset) => keyed(offset, `${offset}`)))
    const items = group.start(3)
    for (const item of items) group.end(item, { kind: 'succeeded', outputs: [output('x', 1_300)] })
    assert.deepEqual([group.startOffsets(), group.manager.permit.isCommitUrgent], [[], true])
    assert.equal(group.eventsOf('starts.stopped')[0]?.why, 'outputs')
    group.committed(group.build())
    assert.deepEqual(group.startOffsets(), [3])
  })

  it('does not begin a partition whose stored metadata cannot be read, as records that are visible would run again', () => {
    const { text } = encodeCompleted(10, [{ start: 12, end: 14 }], 4_095)
    for (const metadata of ['written by another tool', text.slice(0, -1)]) {
      const group = new Group()
      assert.throws(
        () => group.assign(0, 10, metadata),
        (error: PyrallelError) => error.code === 'PYR_METADATA_UNREADABLE' && /orders\[0\]/.test(error.message),
      )
    }
    const cut = encodeCompleted(
      0,
      [
        { start: 1, end: 2 },
        { start: 3, end: 4 },
      ],
      4_095,
    ).text
    assert.throws(
      () => new Group({ limits: { maxRecordsPerPartition: 1 } }).assign(0, 0, cut),
      /more ranges than limits\.maxRecordsPerPartition/,
    )
    new Group().assign(0, 10, text)
  })

  it('has a fatal bug rather than lose outputs that nobody keeps', () => {
    const driver = new Driver().assign(0, 0).poll(keyed(0, 'a'))
    const [item] = driver.start()
    assert.throws(() => driver.end(item, published('lost')), /PYR_BUG|bug in Pyrallel/)
  })

  it('has outputs of a batch with those of its records that count, and with no other', () => {
    const group = new Group({ route: { batch: { size: 3, waitMs: 0 }, concurrency: 1 } }).assign(0, 0)
    group.poll(keyed(0, 'a'), keyed(1, 'a'), keyed(2, 'b'))
    const [item] = group.start()
    const outputs = [1, 2].map((index) => ({ ...output(`of ${index}`), of: index }))
    group.end(item, { kind: 'partial', failures: new Map([[0, aFailure()]]), outputs })
    const cut = group.build()
    assert.deepEqual([valuesOf(cut), toldBy(cut)], [['of 2'], { position: 0, above: [{ start: 2, end: 3 }] }])
    assert.equal(TOPIC, 'orders')
  })
})
