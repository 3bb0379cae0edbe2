import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { accountText, faultTexts } from '../../../../framework/console/page/models/faults.ts'
import {
  memberText,
  protocolText,
  rebalanceCost,
  rebalanceText,
  transactionTroubles,
  waitingText,
} from '../../../../framework/console/page/models/group.ts'
import { chaosKinds } from '../../../../framework/console/protocol-dev.ts'

const partitions = [0, 1, 2].map((partition) => ({ topic: 'orders', partition }))
const row = { at: 0, kind: 'lost', partitions, count: 9, runsAgain: 14, restored: 0 } as const

describe('a group in words', () => {
  it('says what moved, of many the first, and what it cost', () => {
    assert.equal(rebalanceText(row, 2), '9 partitions taken away: orders[0], orders[1] and 7 more')
    assert.equal(rebalanceCost(row), '14 records run again')
    assert.equal(rebalanceCost({ ...row, kind: 'revoked', runsAgain: 0 }), 'nothing runs again')
    assert.equal(rebalanceCost({ ...row, kind: 'assigned' }), '')
    assert.match(rebalanceCost({ ...row, kind: 'assigned', restored: 1 }), /^1 record done above/)
  })

  it('says how this member stands, also where the client does not know', () => {
    assert.match(memberText({ state: 'idle' }), /the others have all partitions/)
    assert.equal(protocolText('consumer'), 'consumer (KIP-848)')
    assert.equal(protocolText(null), 'not known')
  })
})

describe('the transactions of a group in words', () => {
  const calm = {
    openMs: 40,
    waitingRecords: 12,
    waitingBytes: 3_400,
    maxBytes: 64_000_000,
    refused: [],
    refusedCount: 0,
  }

  it('say what waits to become visible, of how much', () => {
    assert.equal(waitingText(calm), '12 records, 3.4 kB of 64.0 MB')
    assert.equal(waitingText({ ...calm, waitingRecords: 0, waitingBytes: 0 }), 'nothing')
  })

  it('say nothing while one takes as long as it takes, and who waits where it takes long', () => {
    assert.deepEqual(transactionTroubles(calm), [])
    assert.deepEqual(transactionTroubles({ ...calm, openMs: null }), [])
    const [long, ...others] = transactionTroubles({ ...calm, openMs: 12_000 })
    assert.match(long ?? '', /^A transaction has been open for 12 s: readers of committed records wait behind it\./)
    assert.deepEqual(others, [])
  })

  it('name the partitions that stand, of many the first, and say what ends it', () => {
    const [text] = transactionTroubles({ ...calm, refused: partitions, refusedCount: 40 })
    assert.match(
      text ?? '',
      /^40 partitions stand: what they publish or commit is refused\. orders\[0\], .* and 37 more\./,
    )
    assert.match(text ?? '', /topic is gone or forbidden.*tried again/)
  })

  it('say that nothing starts at the limit', () => {
    const [text] = transactionTroubles({ ...calm, waitingBytes: 64_000_000 })
    assert.match(text ?? '', /^Nothing starts: what waits to become visible has reached limits\.maxBytes\./)
  })
})

describe('faults on demand in words', () => {
  it('are all that there are, each with what it does', () => {
    assert.deepEqual(faultTexts.map(({ what }) => what).sort(), [...chaosKinds].sort())
    for (const { says } of faultTexts) assert.ok(says.length > 20)
  })

  it('are alarmed by what is lost, and by nothing else', () => {
    const account = { sinceAt: 0, written: 9, done: 7, dead: 1, doneAgain: 4, left: 1, lost: 0, lostPlaces: [] }
    assert.deepEqual(accountText(account), {
      headline: 'Lost 0',
      isBad: false,
      sum: '9 records written: 7 done, 1 dead letter, 1 not done yet',
      lines: ['4 done more than once: delivery is at least once'],
    })
    const lost = accountText({ ...account, lost: 2, lostPlaces: ['orders[0]@1', 'orders[0]@4'] })
    assert.deepEqual([lost.headline, lost.isBad], ['Lost 2', true])
    assert.ok(lost.lines.includes('lost: orders[0]@1, orders[0]@4'))
  })
})
