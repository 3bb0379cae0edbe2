/** What the breakers of a partition remember, and that they forget. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { KeyBreakers } from '../../../../framework/control-plane/partition/key-breakers.ts'

const key = (name: string | number) => Buffer.from(String(name))
const settings = { threshold: 1, cooldownMs: 1_000 }

describe('KeyBreakers', () => {
  it('compares keys by their bytes, also where they are no text', () => {
    const breakers = new KeyBreakers()
    breakers.onGivenUp(Buffer.from([0xff]), settings, 0)
    assert.equal(breakers.isOpen(Buffer.from([0xff]), 1), true)
    assert.equal(breakers.isOpen(Buffer.from([0xfe]), 1), false)
  })

  it('counts those that are open now', () => {
    const breakers = new KeyBreakers()
    breakers.onGivenUp(key('a'), settings, 0)
    breakers.onGivenUp(key('b'), settings, 500)
    assert.deepEqual(
      [0, 999, 1_000, 1_500].map((now) => breakers.open(now, 10).count),
      [2, 2, 1, 0],
    )
  })

  it('names those that failed last', () => {
    const breakers = new KeyBreakers()
    for (const name of ['a', 'b', 'c', 'a']) breakers.onGivenUp(key(name), settings, 0)
    assert.deepEqual(breakers.open(1, 2), { count: 3, keys: [key('c'), key('a')] })
    assert.deepEqual(breakers.open(1_000, 2), { count: 0, keys: [] })
  })

  it('does not grow without limit when every key fails: the oldest are forgotten', () => {
    const breakers = new KeyBreakers()
    for (let index = 0; index < 50_000; index += 1) breakers.onGivenUp(key(index), settings, 0)
    assert.equal(breakers.open(1, 10).count, 10_000)
    assert.equal(breakers.isOpen(key(39_999), 1), false)
    assert.equal(breakers.isOpen(key(40_000), 1), true)
  })

  it('keeps a mebibyte of keys and the newest one, and what is forgotten or closed makes room again', () => {
    const breakers = new KeyBreakers()
    const large = (index: number) => Buffer.alloc(100_000, `${index}`.padStart(4, '0'))
    for (let index = 0; index < 500; index += 1) breakers.onGivenUp(large(index), settings, 0)
    assert.equal(breakers.open(1, 10).count, 10)
    assert.deepEqual([breakers.isOpen(large(489), 1), breakers.isOpen(large(490), 1)], [false, true])
    for (let index = 490; index < 500; index += 1) breakers.onSucceeded(large(index))
    // The same key again and again takes its room once.
    for (let index = 0; index < 500; index += 1) breakers.onGivenUp(large(index % 10), settings, 0)
    assert.equal(breakers.open(1, 20).count, 10)
    const huge = Buffer.alloc(2_000_000, 'k')
    breakers.onGivenUp(huge, settings, 0)
    assert.deepEqual([breakers.open(1, 10).count, breakers.isOpen(huge, 1)], [1, true])
  })

  it('says once that a success has closed a breaker', () => {
    const breakers = new KeyBreakers()
    breakers.onGivenUp(key('a'), settings, 0)
    assert.deepEqual([breakers.onSucceeded(key('a')), breakers.onSucceeded(key('a'))], [true, false])
    breakers.onGivenUp(key('b'), { ...settings, threshold: 2 }, 0)
    assert.equal(breakers.onSucceeded(key('b')), false)
  })
})
