/** How assignments begin and end: epochs, draining, restored completions, logs that were cut. Through the manager's verbs. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  decodeCompleted,
  encodeCompleted,
  encodeMetadata,
} from '../../../framework/control-plane/offsets/metadata-encoder.ts'
import type { Limits } from '../../../framework/model/settings.ts'
import { aRecord, Driver, failed, keyed, of, range } from './builders.ts'

const idle = { records: 0, bytes: 0, inFlight: 0, retriesWaiting: 0, delayed: 0, parked: 0, deadLetters: 0 }

describe('assignments', () => {
  it('each get an epoch of their own, over all partitions and managers', () => {
    const drivers = [new Driver(), new Driver()]
    for (const driver of drivers) {
      driver.assign(0, 0).assign(1, 0)
      driver.manager.onRevoked([of(0)])
      driver.assign(0, 0)
    }
    const epochs = drivers.flatMap((driver) => driver.eventsOf('partition.assigned').map(({ epoch }) => epoch))
    assert.equal(new Set(epochs).size, 6)
    assert.deepEqual(
      epochs,
      epochs.toSorted((a, b) => a - b),
    )
  })

  it('refuse a partition that is assigned already, as a bug', () => {
    assert.throws(() => new Driver().assign(0, 0).assign(0, 0), { code: 'PYR_BUG' })
  })

  it('ignore what is given up that was never assigned', () => {
    const driver = new Driver()
    driver.manager.onLost([of(3)])
    driver.manager.onRevoked([of(3)])
    driver.manager.startDraining([of(3)])
    assert.deepEqual([driver.events, driver.manager.unsettled([of(3)])], [[], 0])
  })

  it('tell what is left behind, and give up its load', () => {
    const driver = new Driver()
      .assign(0, 0)
      .assign(1, 0)
      .poll(...range(0, 5).map((offset) => aRecord(offset)))
    driver.poll(aRecord(0, { partition: 1 }))
    driver.start(2)
    driver.manager.onRevoked([of(0)])
    assert.equal(driver.eventsOf('partition.revoked')[0]?.leftBehind, 1)
    assert.equal(driver.manager.gauges().records, 1)
    assert.deepEqual(driver.manager.assigned(), [of(1)])
  })

  it('start nothing while they drain, finish what is in flight, and commit it', () => {
    const driver = new Driver().assign(0, 0).poll(...range(0, 3).map((offset) => aRecord(offset)))
    const items = driver.start(2)
    driver.manager.startDraining([of(0)])
    assert.equal(driver.manager.unsettled([of(0)]), 2)
    driver.end(items[0]).end(items[1], failed)
    driver.now = 10_000
    assert.deepEqual([driver.startOffsets(), driver.manager.unsettled([of(0)])], [[], 0])
    assert.equal(driver.commit()?.position, 1)
  })
})

describe('recovery', () => {
  /** Offsets 0 to 9 with 0 and 5 open. */
  function commitWithGaps(driver: Driver) {
    driver.assign(0, 0).poll(...range(0, 10).map((offset) => aRecord(offset)))
    driver.endAll(driver.start(), [1, 2, 3, 4, 6, 7, 8, 9])
    return driver.commit()!
  }

  it('does not run again what the metadata says is done', () => {
    const { position, metadata } = commitWithGaps(new Driver())
    const driver = new Driver().assign(0, position, metadata).poll(...range(0, 11).map((offset) => aRecord(offset)))
    assert.equal(driver.eventsOf('partition.assigned')[0]?.restored, 8)
    const items = driver.start()
    assert.deepEqual(driver.endAll(items) && items.map(({ records: [record] }) => record?.offset), [0, 5, 10])
    assert.equal(driver.commit()?.position, 11)
  })

  it('tells the restored completions again in its own commits, until they are passed', () => {
    const { position, metadata } = commitWithGaps(new Driver())
    const second = new Driver().assign(0, position, metadata).poll(aRecord(0), aRecord(5))
    second.endAll(second.start(), [5])
    const again = second.commit()!
    const third = new Driver().assign(0, again.position, again.metadata).poll(...range(0, 10).map((o) => aRecord(o)))
    assert.deepEqual(third.startOffsets(), [0])
  })

  it('runs them again when only the position is kept', () => {
    const { position, metadata } = commitWithGaps(new Driver())
    const driver = new Driver({ recovery: 'contiguous' }).assign(0, position, metadata)
    driver.poll(...range(0, 10).map((offset) => aRecord(offset)))
    const items = driver.start()
    assert.equal(items.length, 10)
    driver.endAll(items, [0, 3])
    assert.deepEqual([driver.commit()?.position, driver.commit()], [1, undefined])
    assert.equal(new Driver({ recovery: 'contiguous' }).assign(0, 0).commit()?.metadata, undefined)
  })

  it('goes on with the attempts of an earlier owner, and gives the record up after the last', () => {
    let stored = { position: 0, metadata: '' }
    for (const attempt of [1, 2, 3]) {
      const driver = new Driver().assign(0, stored.position, stored.metadata).poll(keyed(0, 'a'), keyed(1, 'b'))
      assert.equal(driver.commit(), undefined, 'what is stored says all')
      const [item] = driver.start()
      assert.deepEqual([item?.records[0]?.offset, item?.attempts], [0, [attempt]])
      driver.end(item, failed)
      if (attempt === 3) assert.equal(driver.takeDeadLetter().attempt, 3)
      else stored = driver.commit() ?? assert.fail('the failure brings no commit')
    }
  })

  it('tells the attempts of an earlier owner on, before their records have arrived and after others are done', () => {
    const first = new Driver().assign(0, 0).poll(...range(0, 4).map((offset) => aRecord(offset)))
    for (const item of first.start()) first.end(item, item.records[0]?.offset === 1 ? undefined : failed)
    const stored = first.commit()!
    const second = new Driver().assign(0, stored.position, stored.metadata).poll(aRecord(0))
    second.end(second.start()[0])
    const later = second.commit()!
    assert.deepEqual(decodeCompleted(later.position, later.metadata), {
      ...{ kind: 'completed', ranges: [] },
      attempts: [2, 3].map((offset) => ({ offset, tried: 1 })),
    })
  })

  it('begins anew with attempts where only the position is stored, and where the log ends below the record', () => {
    const first = new Driver().assign(0, 0).poll(aRecord(0))
    first.end(first.start()[0], failed)
    const { position, metadata } = first.commit()!
    const contiguous = new Driver({ recovery: 'contiguous' }).assign(0, position, metadata)
    const cut = new Driver()
    cut.manager.onAssigned([{ ...of(0), position, metadata, logEnd: 0 }])
    for (const driver of [contiguous, cut]) assert.deepEqual(driver.poll(aRecord(0)).start()[0]?.attempts, [1])
  })

  it('has the last attempt once more where all were used up and the dead letter is not acknowledged', () => {
    const metadata = encodeMetadata(0, [], 4_095, { carried: [{ offset: 0, tried: 7 }], maxLength: 4_095 }).text
    const driver = new Driver().assign(0, 0, metadata).poll(aRecord(0))
    const [item] = driver.start()
    assert.deepEqual(item?.attempts, [3])
    driver.end(item, failed)
    assert.equal(driver.takeDeadLetter().attempt, 3)
  })

  it('does not believe completions beyond the end of the log: it was cut, and other records come at those offsets', () => {
    const metadata = encodeCompleted(
      100,
      [
        { start: 110, end: 115 },
        { start: 118, end: 200 },
      ],
      4_095,
    ).text
    const driver = new Driver()
    driver.manager.onAssigned([{ ...of(0), position: 100, metadata, logEnd: 120 }])
    const [assigned] = driver.eventsOf('partition.assigned')
    const [dropped] = driver.eventsOf('metadata.dropped')
    assert.deepEqual(
      [assigned?.restored, dropped?.why],
      [7, '80 offsets that it names as completed lie beyond the end of the log, 120'],
    )
    // Nobody who comes before the next record is done may believe them either.
    const stored = driver.commit()!
    assert.deepEqual(decodeCompleted(stored.position, stored.metadata), {
      kind: 'completed',
      ranges: [
        { start: 110, end: 115 },
        { start: 118, end: 120 },
      ],
    })
    driver.poll(...range(100, 200).map((offset) => aRecord(offset)))
    assert.deepEqual(driver.startOffsets(), [...range(100, 110), ...range(115, 118), ...range(120, 200)])
  })

  it('believes completions up to the end of the log, and all of them where the end is not known', () => {
    const metadata = encodeCompleted(100, [{ start: 150, end: 200 }], 4_095).text
    for (const logEnd of [200, undefined]) {
      const driver = new Driver()
      driver.manager.onAssigned([{ ...of(0), position: 100, metadata, logEnd }])
      assert.deepEqual(driver.eventsOf('metadata.dropped'), [])
      assert.equal(driver.eventsOf('partition.assigned')[0]?.restored, 50)
    }
  })

  it('restores no more than its own limits allow, tells what it leaves, and so runs the rest', () => {
    const ranges = range(0, 1_000).map((index) => ({ start: 2 * index + 1, end: 2 * index + 2 }))
    const metadata = encodeCompleted(0, ranges, 4_095).text
    const restored = (limits: Partial<Limits>) => {
      const driver = new Driver({ limits }).assign(0, 0, metadata)
      const [dropped] = driver.eventsOf('metadata.dropped')
      return [driver.eventsOf('partition.assigned')[0]?.restored, dropped?.why.match(/from offset \d+/)?.[0]]
    }
    assert.deepEqual(restored({}), [1_000, undefined])
    assert.deepEqual(restored({ maxRecordsPerPartition: 20 }), [20, 'from offset 40'])
  })

  it('drops metadata that it cannot believe, says why, and replaces it', () => {
    const driver = new Driver().assign(0, 7, 'bAAGNgA=')
    const [dropped] = driver.eventsOf('metadata.dropped')
    assert.match(dropped?.why ?? '', /Confluent Parallel Consumer/)
    assert.deepEqual([driver.commit()?.position, driver.commit()], [7, undefined])
  })
})

describe('taking over', () => {
  /** Offsets 101, 102, 104 and 105 are done. */
  const foreign = { 'parallel-consumer': 'bAAGNgA=', 'pyrallel-consumer': 'B100:36' } as const

  function assign(driver: Driver, metadata: string, logEnd: number | undefined = 110): Driver {
    driver.manager.onAssigned([{ ...of(0), position: 100, metadata, logEnd }])
    return driver
  }

  for (const takeOver of ['parallel-consumer', 'pyrallel-consumer'] as const) {
    it(`does not run again what ${takeOver} has stored as done, says whose that was, and stores it as ours at once`, () => {
      const driver = assign(new Driver({ takeOver }), foreign[takeOver])
      const [assigned] = driver.eventsOf('partition.assigned')
      assert.deepEqual([assigned?.restored, assigned?.takenOverFrom], [4, takeOver])
      // Before any record has come.
      const stored = driver.commit()!
      assert.deepEqual([stored.position, driver.commit()], [100, undefined])
      const next = assign(new Driver(), stored.metadata)
      for (const each of [driver, next]) {
        each.poll(...range(100, 110).map((offset) => aRecord(offset)))
        assert.deepEqual(each.startOffsets(), [100, 103, 106, 107, 108, 109])
      }
      assert.equal(next.eventsOf('partition.assigned')[0]?.takenOverFrom, undefined)
    })

    it(`runs all of it again when ${takeOver} is not to be taken over, and says what it was`, () => {
      for (const other of [
        undefined,
        'none',
        takeOver === 'parallel-consumer' ? 'pyrallel-consumer' : 'parallel-consumer',
      ] as const) {
        const driver = assign(new Driver({ takeOver: other }), foreign[takeOver])
        driver.poll(...range(100, 110).map((offset) => aRecord(offset)))
        assert.deepEqual(driver.startOffsets(), range(100, 110))
        assert.match(driver.eventsOf('metadata.dropped')[0]?.why ?? '', /Parallel Consumer|Pyrallel-Consumer/)
      }
    })
  }

  it('believes nothing that names offsets beyond the end of the log, or of a log whose end is not known', () => {
    for (const logEnd of [105, undefined]) {
      const driver = new Driver({ takeOver: 'parallel-consumer' })
      driver.manager.onAssigned([{ ...of(0), position: 100, metadata: foreign['parallel-consumer'], logEnd }])
      driver.poll(...range(100, 104).map((offset) => aRecord(offset)))
      assert.deepEqual(driver.startOffsets(), range(100, 104))
      assert.match(driver.eventsOf('metadata.dropped')[0]?.why ?? '', /the end of (the|its) log/)
      assert.equal(driver.commit()?.metadata, '')
    }
  })

  it('still believes our own metadata, which is not told as taken over', () => {
    const { text } = encodeCompleted(100, [{ start: 102, end: 105 }], 4_095)
    const driver = assign(new Driver({ takeOver: 'parallel-consumer' }), text)
    assert.deepEqual(driver.eventsOf('partition.assigned')[0]?.restored, 3)
    assert.equal(driver.eventsOf('partition.assigned')[0]?.takenOverFrom, undefined)
    assert.equal(driver.commit(), undefined)
  })

  it('replaces metadata that tells of nothing, so that a later roll-back finds none', () => {
    const driver = assign(new Driver({ takeOver: 'parallel-consumer' }), 'bgAA')
    const stored = driver.commit()
    assert.deepEqual([stored?.position, stored?.metadata], [100, ''])
  })
})

describe('the log', () => {
  it('is read from its beginning once it was made anew, under a new epoch; what ran before is stale', () => {
    const driver = new Driver().assign(0, 0).poll(aRecord(50))
    const [old] = driver.start()
    driver.poll(aRecord(3))
    const [rewound] = driver.eventsOf('partition.rewound')
    assert.deepEqual([rewound?.from, rewound?.to], [51, 3])
    driver.end(old)
    assert.equal(driver.kinds().at(-1), 'stale.dropped')
    driver.endAll(driver.start())
    assert.equal(driver.commit()?.position, 4)
    assert.deepEqual(driver.manager.gauges(), idle)
  })

  // The group still has the position of the log that is gone. A crash now, once the new log has grown beyond that position, would skip all below it.
  it('is committed from its beginning once it was made anew, before anything of it is done', () => {
    const driver = new Driver().assign(0, 0).poll(aRecord(50))
    driver.endAll(driver.start())
    assert.equal(driver.commit()?.position, 51)
    driver.poll(aRecord(3))
    assert.equal(driver.commit()?.position, 3)
    assert.equal(driver.commit(), undefined)
  })
})
