/** One page for all who ask within 250 ms, and no more than four of a kind in memory. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SharedPage } from '../../../framework/observability/shared-page.ts'

function counting() {
  const clock = { now: 0, made: 0 }
  const make = async () => {
    clock.made += 1
    return { status: 200, contentType: 'text/plain', body: Buffer.from(String(clock.made)) }
  }
  return { clock, page: new SharedPage(make, () => clock.now) }
}

describe('a page for operators', () => {
  it('is made once for all who ask within 250 ms, and is one buffer', async () => {
    const { clock, page } = counting()
    const first = await page.lend()
    clock.now = 249
    assert.equal((await page.lend()).page.body, first.page.body)
    clock.now = 250
    assert.equal((await page.lend()).page.body.toString(), '2')
  })

  it('is not made anew while four of them are still being taken: the newest is shared, until one is given back', async () => {
    const { clock, page } = counting()
    const lent = []
    for (let n = 0; n < 20; n++) {
      lent.push(await page.lend())
      clock.now += 1_000
    }
    assert.equal(clock.made, 4)
    for (const each of lent.slice(0, 1)) each.giveBack()
    assert.equal((await page.lend()).page.body.toString(), '5')
  })

  it('is not kept in memory by those who are done with it', async () => {
    const { clock, page } = counting()
    for (let n = 0; n < 20; n++) {
      ;(await page.lend()).giveBack()
      clock.now += 1_000
    }
    assert.equal(clock.made, 20)
  })
})
