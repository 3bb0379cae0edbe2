/** The states of one thread: each has its bound, and how it ended is told once, with the reason that came first. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LaneLife } from '../../../../../framework/execution-plane/worker/lane/lane-life.ts'
import type { Logger } from '../../../../../framework/model/logger.ts'
import { ManualClock } from '../../../../../framework/testing/manual-clock.ts'

interface Arrangement {
  readonly life: LaneLife
  readonly clock: ManualClock
  /** What is to be done to the thread, and warnings, in order. */
  readonly told: string[]
}

function living({ isOpen = false } = {}): Arrangement {
  const clock = new ManualClock()
  const told: string[] = []
  const log: Logger = {
    debug() {},
    info() {},
    warn: (_facts, message) => told.push(`warn: ${message}`),
    error() {},
    child: () => log,
  }
  const life = new LaneLife(
    { handlerId: 'billing', log, clock },
    {
      onStop: () => told.push('stop'),
      onKill: () => told.push('kill'),
      onLeft: (why) => told.push(`left: ${why}`),
    },
  )
  life.begin()
  if (isOpen) life.open()
  return { life, clock, told }
}

describe('a thread that is coming up', () => {
  it('is killed when it is not ready after 30 s, and whoever waits for it is told why', async () => {
    const { life, clock, told } = living()
    clock.advance(29_999)
    assert.deepEqual(told, [])
    clock.advance(1)
    assert.deepEqual(told, ['kill'])
    const why = 'its thread was not ready after 30000 ms'
    assert.deepEqual(life.end('exit code 1'), { why, wasReady: false, isPlanned: false })
    await assert.rejects(life.ready, { message: why })
    await life.gone
    assert.equal(clock.pendingTimers, 0)
  })

  it('is open once it is ready, and has no bound from then on', async () => {
    const { life, clock } = living()
    assert.equal(life.isOpen, false)
    assert.equal(life.open(), true)
    await life.ready
    assert.equal(life.isOpen, true)
    assert.equal(clock.pendingTimers, 0)
  })

  it('is of no use any more when it is ready after it was killed', () => {
    const { life } = living()
    life.kill('its handler could not be started')
    assert.equal(life.open(), false)
    assert.equal(life.isOpen, false)
    assert.equal(life.end('exit code 1')?.wasReady, false)
  })

  it('is killed at once by a stop, as there is no teardown to run yet', () => {
    const { life, told } = living()
    life.stop()
    assert.deepEqual(told, ['kill'])
    assert.deepEqual(life.end(''), { why: 'the engine has ended it', wasReady: false, isPlanned: true })
  })

  it('tells the first error of the thread as the cause, also one that came after the kill', async () => {
    const { life } = living()
    life.kill('too slow')
    life.kill('it failed', new Error('first'))
    life.kill('it failed', new Error('second'))
    life.end('exit code 1')
    await assert.rejects(life.ready, (thrown: Error) => {
      assert.equal(thrown.message, 'too slow')
      assert.equal((thrown.cause as Error).message, 'first')
      return true
    })
  })
})

describe('a thread that is stopped', () => {
  it('runs its teardown within the limit, and then has a second to end', () => {
    const { life, clock, told } = living({ isOpen: true })
    life.stop(5_000)
    assert.deepEqual(told, ['stop'])
    assert.equal(life.isOpen, false)
    clock.advance(4_999)
    life.onTornDown()
    clock.advance(999)
    assert.deepEqual(told, ['stop'])
    clock.advance(1)
    assert.deepEqual(told, ['stop', 'kill'])
    assert.equal(life.end('')?.why, 'its thread did not end after its teardown')
  })

  it('is killed with a warning when its teardown takes longer', () => {
    const { life, clock, told } = living({ isOpen: true })
    life.stop(5_000)
    clock.advance(5_000)
    assert.deepEqual(told, ['stop', "warn: a handler's teardown took too long and is cut", 'kill'])
    assert.deepEqual(life.end(''), { why: 'its teardown took too long', wasReady: true, isPlanned: true })
  })

  it('gets less time by a second stop with a nearer limit, and no more by a later one', () => {
    const { life, clock, told } = living({ isOpen: true })
    life.stop(5_000)
    life.stop(100)
    life.stop(60_000)
    assert.deepEqual(told, ['stop'])
    clock.advance(100)
    assert.equal(told.at(-1), 'kill')
  })

  it('is not held to a second teardown limit once its teardown has ended', () => {
    const { life, clock, told } = living({ isOpen: true })
    life.stop(5_000)
    life.onTornDown()
    life.stop(10)
    clock.advance(500)
    assert.deepEqual(told, ['stop'])
    assert.equal(life.end('exit code 0')?.why, 'exit code 0')
    assert.equal(clock.pendingTimers, 0)
  })
})

describe('a thread that is killed', () => {
  it('is left to itself when it has not ended after a second, for the reason of the first kill', () => {
    const { life, clock, told } = living({ isOpen: true })
    life.kill('a handler ignored its signal')
    life.kill('another reason')
    assert.deepEqual(told, ['kill'])
    clock.advance(1_000)
    const warning = 'warn: a thread cannot be ended while it is inside a native call; it is left to itself'
    assert.deepEqual(told, ['kill', warning, 'left: a handler ignored its signal'])
  })

  it('is left to itself after that second also when word of its teardown comes in between', () => {
    const { life, clock, told } = living({ isOpen: true })
    life.stop(100)
    clock.advance(100)
    life.onTornDown()
    clock.advance(1_000)
    assert.equal(told.at(-1), 'left: its teardown took too long')
  })

  it('ends once, however often that is told', () => {
    const { life } = living({ isOpen: true })
    life.killPlanned('the engine is closing')
    assert.deepEqual(life.end('exit code 1'), { why: 'the engine is closing', wasReady: true, isPlanned: true })
    assert.equal(life.end('exit code 1'), undefined)
    assert.equal(life.isGone, true)
    life.kill('too late')
    assert.equal(life.isGone, true)
  })
})
