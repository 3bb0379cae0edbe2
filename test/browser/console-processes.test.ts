/** A consumer group, and several processes, on the page: in a real browser. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { builtPage } from '../../framework/console/built-page.ts'
import type { GroupAnswer } from '../../framework/console/protocol-groups.ts'
import { systemClock } from '../../framework/time/clock.ts'
import { serveConsole, TOKEN } from '../unit/console/served-console.ts'
import { assertUsable } from './accessibility.ts'
import { openChromium } from './chromium.ts'
import { limits, openPage, openPlace } from './open-page.ts'
import { scriptedToken, snapshotFrame, startScriptedConsole } from './scripted-console.ts'

const group: GroupAnswer = {
  group: 'shop',
  state: 'assigned',
  member: { memberId: 'me-1', generation: 7, protocol: 'consumer' },
  members: [
    { memberId: 'me-1', partitions: 70 },
    { memberId: '<b>other</b>', partitions: 3 },
  ],
  assigned: Array.from({ length: 70 }, (_, partition) => ({
    topic: 'orders',
    partition,
    epoch: 1,
    position: 1_234,
    committedPosition: 1_200,
  })),
  assignedPartitions: 70,
  rebalances: [
    { at: 0, kind: 'lost', partitions: [{ topic: 'orders', partition: 9 }], count: 3, runsAgain: 14, restored: 0 },
    { at: 0, kind: 'assigned', partitions: [{ topic: 'orders', partition: 9 }], count: 1, runsAgain: 0, restored: 5 },
  ],
  transactions: null,
  commits: {
    acknowledged: 812,
    failed: 1,
    lastAcknowledgedAt: 0,
    lastTookMs: 12,
    failures: [{ at: 0, code: 'PYR_COMMIT', message: 'not the coordinator', willRetry: true }],
  },
}

describe('groups and processes on the page', { timeout: 300_000 }, () => {
  let browser: Browser
  before(async () => {
    browser = await openChromium()
  })
  after(() => browser.close())

  it('a group says who is in it, what has moved and what that cost, and which commits failed', limits, async (t) => {
    const server = await startScriptedConsole(snapshotFrame(), { '/api/groups/{group}': group })
    t.after(() => server.close())
    const page = await openPlace(t, browser, server, '#/group')
    await page.getByText('This process has partitions.').waitFor()
    const text = await page.locator('main').innerText()
    for (const line of [
      '3 partitions taken away: orders[9] and 2 more · 14 records run again',
      '1 partition came here: orders[9] · 5 records done above their positions do not run again',
      '<b>other</b>',
      'PYR_COMMIT not the coordinator tried again',
    ]) {
      assert.ok(text.includes(line), line)
    }
    assert.equal(await page.getByRole('link', { name: /^orders\[\d+\]$/ }).count(), 60)
    await page.getByRole('button', { name: 'show all 70' }).click()
    assert.equal(await page.getByRole('link', { name: /^orders\[\d+\]$/ }).count(), 70)
    await assertUsable(page, 'group')
  })

  it('a group with exactly once says what waits to become visible, and why nothing does', limits, async (t) => {
    const transactions = {
      ...{ openMs: 12_000, waitingRecords: 1_234, waitingBytes: 3_400_000, maxBytes: 64_000_000 },
      ...{ refused: [{ topic: 'orders', partition: 9 }], refusedCount: 1 },
    }
    const verdict = { kind: 'refused', group: 'shop', place: null, key: null } as const
    const server = await startScriptedConsole(snapshotFrame({ verdict }), {
      '/api/groups/{group}': { ...group, transactions },
    })
    t.after(() => server.close())
    const page = await openPage(t, browser, `${server.url}/#${scriptedToken}`)
    await page.getByRole('link', { name: 'Refused: partitions stand' }).click()
    await page.getByRole('heading', { name: 'Exactly once' }).waitFor()
    const text = await page.locator('main').innerText()
    for (const line of [
      'A transaction has been open for 12 s',
      '1 partition stands: what it publishes or commits is refused. orders[9].',
      '1,234 records, 3.4 MB of 64.0 MB',
      'Transactions of the last hour',
    ]) {
      assert.ok(text.includes(line), line)
    }
    await assertUsable(page, 'group with exactly once')
  })

  it(
    'another process is looked at through this one, also its changes, and nothing of the first is shown then',
    limits,
    async (t) => {
      const clock = systemClock() as never
      const other = await serveConsole(t, { clock })
      const id = new URL(other.url).host
      const peers = { addresses: [id, '127.0.0.1:1'], token: TOKEN }
      const first = await serveConsole(t, { page: builtPage, clock, peers })
      const page = await openPage(t, browser, `${first.url}/#${TOKEN}`)
      await page.getByText('live', { exact: true }).waitFor()
      await page.keyboard.press('g')
      await page.keyboard.press('i')
      await page.getByText(id, { exact: true }).waitFor()
      assert.equal(await page.getByRole('button', { name: 'Look at it' }).nth(1).isDisabled(), true)
      await assertUsable(page, 'instances')
      await page.getByRole('button', { name: 'Look at it' }).first().click()
      await page.getByText(`by way of ${new URL(first.url).host}`).waitFor()
      await page.getByText('live', { exact: true }).waitFor()
      assert.deepEqual([first.console.readers, other.console.readers], [0, 1])
      await page.getByRole('link', { name: 'Overview' }).click()
      await page.getByRole('button', { name: 'Pause' }).click()
      await page.getByText('Paused: bill.').waitFor()
      assert.deepEqual([first.runtime.paused, other.runtime.paused], [[], ['bill']])
    },
  )
})
