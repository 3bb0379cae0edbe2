/** What is asked now and then about the ends of logs: what was read up to, and what no fetch has told. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LogEnds } from '../../../../framework/control-plane/shell/log-ends.ts'
import { partitionId, type TopicPartition } from '../../../../framework/model/record.ts'
import { Driver, keyed, of, range } from '../builders.ts'

function aLook(partitions: number) {
  const driver = new Driver()
  for (const partition of range(0, partitions)) driver.assign(partition, 7)
  const nextOffsets = new Map<string, number>()
  const heardAt = new Map<string, number>()
  const asked: number[][] = []
  let answer = () => {}
  let isWanted = true
  const client = {
    nextOffset: (each: TopicPartition) => nextOffsets.get(partitionId(each)),
    logEndHeardAt: (each: TopicPartition) => heardAt.get(partitionId(each)),
    askLogEnds: (of: readonly TopicPartition[]) => {
      asked.push(of.map(({ partition }) => partition))
      return new Promise<void>((resolve) => {
        answer = resolve
      })
    },
  }
  const logEnds = new LogEnds({ client, manager: driver.manager, isWanted: () => isWanted })
  const hear = (now: number, ...partitions: number[]) => {
    for (const partition of partitions) heardAt.set(partitionId(of(partition)), now)
  }
  return {
    driver,
    logEnds,
    asked,
    hear,
    readTo: (partition: number, offset: number) => nextOffsets.set(partitionId(of(partition)), offset),
    answered: async () => {
      answer()
      await new Promise(setImmediate)
    },
    stopWanting: () => {
      isWanted = false
    },
  }
}

describe('what no consumer is given at the end of a log', () => {
  it('is passed and committed, once all that was received is done', () => {
    const { driver, logEnds, readTo } = aLook(1)
    driver.poll(keyed(7, 'a'))
    const items = driver.start()
    readTo(0, 12)
    logEnds.look(1_000)
    assert.equal(driver.commit(), undefined)
    driver.endAll(items)
    assert.equal(driver.commit()?.position, 12)
  })

  it('is asked about once a second', () => {
    const { driver, logEnds, readTo } = aLook(1)
    logEnds.look(1_000)
    readTo(0, 12)
    logEnds.look(1_999)
    assert.equal(driver.commit(), undefined)
    logEnds.look(2_000)
    assert.equal(driver.commit()?.position, 12)
  })

  it('turns no position back, and says nothing of a partition that was given up', () => {
    const { driver, logEnds, readTo } = aLook(1)
    readTo(0, 3)
    logEnds.look(1_000)
    assert.equal(driver.commit(), undefined)
    driver.manager.onRevoked([of(0)])
    driver.manager.onReadTo(of(0), 12)
    assert.equal(driver.commit(), undefined)
  })

  it('gives a position to a partition that had none, unless its log was never written to', () => {
    const driver = new Driver()
    driver.manager.onAssigned([{ ...of(0), position: undefined, metadata: '' }])
    driver.manager.onReadTo(of(0), 0)
    assert.equal(driver.commit(), undefined)
    driver.manager.onReadTo(of(0), 5)
    assert.equal(driver.commit()?.position, 5)
  })
})

describe('the ends of logs', () => {
  it('are asked for where none was heard for ten seconds, together with those that soon are', async () => {
    const { logEnds, asked, hear, answered } = aLook(3)
    hear(10_000, 0, 1, 2)
    logEnds.look(19_999)
    assert.deepEqual(asked, [])
    hear(15_500, 1)
    hear(19_000, 2)
    logEnds.look(21_000)
    assert.deepEqual(asked, [[0, 1]])
    hear(21_200, 0, 1)
    await answered()
    logEnds.look(22_000)
    assert.equal(asked.length, 1)
  })

  it('are asked for at once where nothing was ever heard', () => {
    const { logEnds, asked } = aLook(2)
    logEnds.look(1_000)
    assert.deepEqual(asked, [[0, 1]])
  })

  it('are asked for in the order of their age: a client that has time for some of them comes to all', async () => {
    const { logEnds, asked, hear, answered } = aLook(3)
    hear(1_000, 0, 2)
    logEnds.look(12_000)
    assert.deepEqual(asked.at(-1), [1, 0, 2])
    hear(12_000, 1)
    await answered()
    logEnds.look(22_000)
    assert.deepEqual(asked.at(-1), [0, 2, 1])
  })

  it('are asked for one question at a time, and ten seconds later where nobody has answered', async () => {
    const { logEnds, asked, answered } = aLook(1)
    logEnds.look(1_000)
    logEnds.look(30_000)
    assert.equal(asked.length, 1)
    await answered()
    logEnds.look(31_000)
    assert.equal(asked.length, 2)
    await answered()
    logEnds.look(40_999)
    assert.equal(asked.length, 2)
    logEnds.look(42_000)
    assert.equal(asked.length, 3)
  })

  it('are not asked for while nothing is taken in', () => {
    const { logEnds, asked, stopWanting } = aLook(1)
    stopWanting()
    logEnds.look(1_000)
    assert.deepEqual(asked, [])
  })
})
