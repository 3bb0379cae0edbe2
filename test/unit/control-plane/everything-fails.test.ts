/** When every attempt fails, for long: what waits holds its key and no slot, and memory does not grow with time. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Driver, failed, keyed, offsetsOf, range } from './builders.ts'

const STEP_MS = 50
const STEPS_PER_MINUTE = 60_000 / STEP_MS

/** Live bytes: what is left after a full collection. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect === 'function') collect()
  return process.memoryUsage().heapUsed
}

/** A group member with no end of records, all of which fail each time. */
class Outage {
  // No listener: what it collected would be the only thing that grows.
  readonly driver = new Driver({ limits: { maxRecords: 500 }, route: { concurrency: 50 }, onEvent: undefined }).assign(
    0,
    0,
  )
  mostRecords = 0
  given = 0
  dead = 0
  #next = 0

  minute(): void {
    for (let step = 0; step < STEPS_PER_MINUTE; step += 1) this.#step()
  }

  #step(): void {
    const { driver } = this
    const from = this.#next
    this.#next += driver.manager.pollSize()
    driver.poll(...range(from, this.#next).map((offset) => keyed(offset, `k${offset % 97}`)))
    this.mostRecords = Math.max(this.mostRecords, driver.manager.gauges().records)
    for (const item of driver.start()) {
      this.given += 1
      driver.end(item, failed)
    }
    for (const request of driver.manager.takeDeadLetters()) {
      this.dead += 1
      driver.manager.onDeadLettered(request, driver.now)
    }
    driver.commit()
    driver.now += STEP_MS
  }
}

describe('when every attempt fails', () => {
  it('a waiting retry holds its shard and no slot', () => {
    const driver = new Driver({ route: { concurrency: 1 } }).assign(0, 0)
    driver.poll(keyed(0, 'a'), keyed(1, 'a'), keyed(2, 'b'), keyed(3, 'c'))
    const [a] = driver.start()
    driver.end(a, failed)
    assert.equal(driver.manager.gauges().inFlight, 0)
    const [b] = driver.start()
    assert.deepEqual(offsetsOf(b === undefined ? [] : [b]), [2], 'the slot is free for another key')
    driver.end(b)
    assert.deepEqual(driver.startOffsets(), [3], 'record 1 waits behind the retry of its key')
  })

  it('ten minutes of it keep the heap flat', () => {
    const outage = new Outage()
    outage.minute()
    const early = heapUsed()
    for (let minute = 2; minute <= 10; minute += 1) outage.minute()
    const grownBy = heapUsed() - early
    assert.ok(outage.dead > 10_000, `${outage.dead} dead letters`)
    assert.ok(outage.given > 3 * outage.dead, 'each had all of its attempts')
    assert.ok(outage.mostRecords <= 500, `${outage.mostRecords} records in memory`)
    assert.ok(grownBy < 1_000_000, `${grownBy} bytes more after ten minutes than after one, at ${early}`)
  })
})
