/** The page under a thousand events: how fast it is, measures `console-load.bench.ts`; here it must be right, and may not grow. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { short } from '../../framework/console/page/models/numbers.ts'
import { openChromium } from './chromium.ts'
import { limits, openPage } from './open-page.ts'
import { handlerRow, scriptedToken, snapshotFrame, startScriptedConsole } from './scripted-console.ts'

describe('the page under load', limits, () => {
  let browser: Browser
  before(async () => {
    browser = await openChromium()
  })
  after(() => browser.close())

  it('shows the last figures of a thousand events, and has no more to draw than after a hundred', limits, async (t) => {
    const server = await startScriptedConsole(snapshotFrame())
    t.after(() => server.close())
    const page = await openPage(t, browser, `${server.url}/#${scriptedToken}`)
    await page.getByText('live', { exact: true }).waitFor()
    const { verdict } = snapshotFrame({ verdict: { kind: 'catching-up' } })
    const push = (from: number, to: number) => {
      for (let event = from; event <= to; event++) {
        const at = Date.now()
        const handlers = [handlerRow({ inFlight: event % 10, deadLettersPerMinute: event })]
        server.push('delta', { at, verdict: { ...verdict, backlog: event }, handlers })
        server.push('note', { at, level: 'info', kind: 'x', text: `event ${event}`, group: null })
      }
    }
    const nodes = () => page.locator('*').count()
    push(1, 100)
    await page.getByText(/ event 100$/).waitFor()
    const early = await nodes()
    push(101, 1_000)
    await page.getByText(/ event 1000$/).waitFor()
    await page.getByText('1,000 records not done').waitFor()
    assert.equal(await page.getByRole('cell', { name: short(1_000), exact: true }).count(), 1)
    assert.equal(await page.locator('.notes li').count(), 50)
    assert.equal(await nodes(), early)
  })
})
