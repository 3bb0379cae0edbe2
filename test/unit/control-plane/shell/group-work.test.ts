import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { groupReading, groupWork } from '../../../../framework/control-plane/shell/group-work.ts'
import type { ExecutionEngine } from '../../../../framework/execution-plane/execution-engine.ts'
import { aRecord, aRoute, Driver, type DriverOptions, HANDLER, TOPIC } from '../builders.ts'

const SESSION_MS = 30_000

function aGroup(options: DriverOptions = {}, engine: Partial<ExecutionEngine> = {}) {
  const driver = new Driver({ sessionTimeoutMs: SESSION_MS, ...options }).assign(0, 10)
  const engines = new Map([[HANDLER, { capacity: 7, inFlight: 3, ...engine } as ExecutionEngine]])
  const { manager } = driver
  const parts = { group: 'shop', manager, client: { logEnd: () => 50 }, routes: [aRoute(options.route)], engines }
  return { driver, parts }
}

describe('what a group has to do', () => {
  it('has the ends of its logs, but for those that brokers which do not answer may have moved', () => {
    const { parts } = aGroup()
    const endsAt = (now: number) => groupReading(parts, now).handlers[0]?.partitions.map(({ logEnd }) => logEnd)
    assert.deepEqual([endsAt(0), endsAt(SESSION_MS)], [[50], [null]])
    assert.deepEqual(groupWork(parts, SESSION_MS, () => 1).handlers[0]?.partitions[0]?.notArrived, null)
  })

  it('has the slots that its engine has at the moment, and where guards leave less', () => {
    const adaptive = { min: 2, intervalMs: 1_000 }
    const { parts } = aGroup({ route: { concurrency: 10, adaptive, rateLimit: 50 } })
    const [handler] = groupReading(parts, 0).handlers
    assert.ok(handler)
    const { capacity, inFlight, threads, rateLimit, adaptiveLimit } = handler
    assert.deepEqual(
      { capacity, inFlight, threads, rateLimit },
      { capacity: 7, inFlight: 3, threads: null, rateLimit: 50 },
    )
    assert.ok(adaptiveLimit !== null && adaptiveLimit >= 2 && adaptiveLimit <= 10)
    const plain = groupReading(aGroup({ route: { concurrency: 5 } }).parts, 0).handlers[0]
    assert.deepEqual([plain?.capacity, plain?.adaptiveLimit, plain?.rateLimit], [5, null, null])
  })

  it('says how many threads run, that a handler is paused, and that memory is full', () => {
    const threads = { running: 2, restarts: 0, batches: 0, boundaryMs: 0 }
    const { driver, parts } = aGroup({ limits: { maxRecords: 2 } }, { threads })
    const seen = () => {
      const [handler] = groupWork(parts, 0, () => 1).handlers
      return [handler?.threads, handler?.isPaused, handler?.isIntakeHeld]
    }
    assert.deepEqual(seen(), [2, false, false])
    driver.manager.pause(HANDLER)
    driver.poll(aRecord(10), aRecord(11))
    assert.deepEqual(seen(), [2, true, true])
  })

  it('goes by what one slot can do of each key, handler by handler', () => {
    const { driver, parts } = aGroup()
    const key = Buffer.from('a')
    driver.poll(aRecord(10, { key }), aRecord(11, { key }), aRecord(12, { key }))
    const asked: string[] = []
    const work = groupWork(parts, 0, (handlerId) => {
      asked.push(handlerId)
      return 2
    })
    assert.deepEqual([asked, work.handlers[0]?.topic, work.handlers[0]?.partitions[0]?.runnable], [[HANDLER], TOPIC, 2])
  })
})
