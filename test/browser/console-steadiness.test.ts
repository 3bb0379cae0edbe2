/** Nothing on the console's page moves away under who reads or aims, however much happens. */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import type { RunRow } from '../../framework/console/protocol-records.ts'
import { openChromium } from './chromium.ts'
import { liveFrame, liveRow } from './live-script.ts'
import { limits, openPlace } from './open-page.ts'
import { partitionView, recordRow } from './records-script.ts'
import {
  handlerRow,
  partitionRow,
  type ScriptedConsole,
  snapshotFrame,
  startScriptedConsole,
} from './scripted-console.ts'

const turns = 50
const eventsATurn = 20

describe('the page of the console under 1,000 events', limits, () => {
  let browser: Browser
  before(async () => {
    browser = await openChromium()
  })
  after(() => browser.close())

  async function start(t: TestContext): Promise<ScriptedConsole> {
    const server = await startScriptedConsole(snapshotFrame(), {
      '/api/partitions/{group}/{topic}/{partition}': partitionView(),
      '/api/records/{group}/{topic}/{partition}/{offset}': recordRow(),
      '/api/snapshot': snapshotFrame(),
    })
    t.after(() => server.close())
    return server
  }

  /** What moved while frames came: the sources of layout shifts. A number that stands at the right edge of its cell, and grows, has not moved. */
  async function shiftsDuring(page: Page, send: (turn: number) => void, last: string): Promise<readonly string[]> {
    await page.evaluate(`{
      globalThis.shifts = []
      new PerformanceObserver((list) => {
        for (const { sources } of list.getEntries())
          for (const { node, previousRect: before, currentRect: now } of sources)
            if (before.right !== now.right || before.top !== now.top)
              globalThis.shifts.push(node?.outerHTML?.slice(0, 200) ?? node?.textContent ?? '?')
      }).observe({ type: 'layout-shift' })
    }`)
    for (let turn = 1; turn <= turns; turn++) {
      send(turn)
      await page.evaluate('new Promise(requestAnimationFrame)')
    }
    await page.getByText(last).first().waitFor()
    return await page.evaluate<string[]>('globalThis.shifts')
  }

  it('nothing moves on the overview while its numbers change', limits, async (t) => {
    const server = await start(t)
    const page = await openPlace(t, browser, server, '#/')
    await page.getByText('orders.created[2]').waitFor()
    const send = (turn: number) => {
      const done = turn * eventsATurn
      const partition = partitionRow({ position: done, trueLag: 1_000 - done, inFlight: turn % 7, queued: done % 13 })
      const { metrics } = snapshotFrame({ partitions: [partition] })
      server.push('delta', {
        at: Date.now(),
        metrics,
        handlers: [handlerRow({ rate: 1_000 - turn, inFlight: turn % 10, retriesWaiting: done })],
        verdict: { ...snapshotFrame().verdict, backlog: 1_000 - done, rate: turn * 20 },
      })
    }
    assert.deepEqual(await shiftsDuring(page, send, 'position 1,000'), [])
  })

  it('nothing moves on an opened partition while its offsets change', limits, async (t) => {
    const server = await start(t)
    const page = await openPlace(t, browser, server, '#/p/shop/orders.created/2')
    await page.getByText('What holds the position').waitFor()
    const send = (turn: number) => {
      const done = turn * eventsATurn
      const runs: RunRow[] = [
        ['committed', 0, 12],
        ['done', 12, 19],
        ['waiting', 19, 20, Date.now() + 5_000],
        ['done-above-gap', 20, 20 + done],
        ['in-flight', 20 + done, 25 + done],
      ]
      server.push('delta', { at: Date.now(), partitions: [partitionView({ runs, runsAgain: done })] })
    }
    assert.deepEqual(await shiftsDuring(page, send, 'A crash now would run 1,000 records again.'), [])
  })

  it('nothing moves on the list of live records but what is written in it, and it stays short', limits, async (t) => {
    const server = await start(t)
    const page = await openPlace(t, browser, server, '#/live')
    while (!server.asked.some((each) => each.includes('live=f1'))) await page.waitForTimeout(20)
    server.push(
      'live',
      liveFrame(
        'f1',
        Array.from({ length: 100 }, (_, index) => liveRow(index)),
      ),
    )
    await page.getByText('customer-99').waitFor()
    const send = (turn: number) => {
      const rows = Array.from({ length: eventsATurn }, (_, index) => liveRow(100 + (turn - 1) * eventsATurn + index))
      server.push('live', liveFrame('f1', rows, { rate: 1_000 }))
    }
    assert.deepEqual(await shiftsDuring(page, send, 'customer-1099'), [])
    assert.equal(await page.locator('.live tbody tr').count(), 100)
  })
})
