/** The curves of the last hour, in a real browser. */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { assertUsable } from './accessibility.ts'
import { openChromium } from './chromium.ts'
import { limits, openPage } from './open-page.ts'
import { scriptedToken, snapshotFrame, startScriptedConsole } from './scripted-console.ts'

const everyMs = 10_000
const hour = Array.from({ length: 360 }, (_, index) => {
  const value = index === 100 ? null : 500 + Math.round(400 * Math.sin(index / 20))
  return [1_700_000_000_000 + index * everyMs, value] as const
})

describe('the history on the page', limits, () => {
  let browser: Browser
  before(async () => {
    browser = await openChromium()
  })
  after(() => browser.close())

  async function open(t: TestContext, points: typeof hour): Promise<Page> {
    const answers = { '/api/history': { of: 'done', everyMs, points } }
    const server = await startScriptedConsole(snapshotFrame(), answers)
    t.after(() => server.close())
    const page = await openPage(t, browser, `${server.url}/#${scriptedToken}`)
    await page.getByText('live', { exact: true }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('h')
    return page
  }

  it(
    'draws a curve for each series, with a gap where nothing was known, and tells the point under the pointer',
    limits,
    async (t) => {
      const page = await open(t, hour)
      const done = page.getByRole('img', { name: /^Done: / })
      await done.waitFor()
      // The charts are there before their points are.
      await done.locator('polyline').nth(1).waitFor({ state: 'attached' })
      assert.equal(await page.locator('.charts li').count(), 9)
      assert.equal(await done.locator('polyline').count(), 2)
      assert.match((await done.getAttribute('aria-label')) ?? '', /^Done: [\d.]+\/s; 10\/s to 90\/s in 59 min/)
      // All charts show one moment: the pointer is over the first, and the last tells its own value.
      await done.hover()
      const backlog = page.getByRole('img', { name: /^Backlog: / })
      await backlog.locator('.told', { hasText: /^\d\d:\d\d:\d\d · \d+$/ }).waitFor()
      await done.locator('.told', { hasText: / · [\d.]+\/s$/ }).waitFor()
      await assertUsable(page, 'history')
    },
  )

  it('says when the first curves come', limits, async (t) => {
    const page = await open(t, hour.slice(0, 1))
    await page.getByText('There is no history yet').waitFor()
  })
})
