/** Partitions in the console's page: the list of all, and one opened. */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser } from 'playwright-core'
import type { RunRow } from '../../framework/console/protocol-records.ts'
import { assertUsable } from './accessibility.ts'
import { openChromium } from './chromium.ts'
import { limits, openPlace } from './open-page.ts'
import { partitionView, recordRow } from './records-script.ts'
import { partitionRow, type ScriptedConsole, snapshotFrame, startScriptedConsole } from './scripted-console.ts'

const place = '#/p/shop/orders.created/2'

describe('the page of the console on partitions', limits, () => {
  let browser: Browser
  before(async () => {
    browser = await openChromium()
  })
  after(() => browser.close())

  async function start(
    t: TestContext,
    view = partitionView(),
    partitions = [partitionRow()],
  ): Promise<ScriptedConsole> {
    const frame = snapshotFrame({ partitions: partitions.slice(0, 40) })
    const server = await startScriptedConsole(frame, {
      '/api/partitions/{group}/{topic}/{partition}': view,
      '/api/records/{group}/{topic}/{partition}/{offset}': recordRow(),
      '/api/snapshot': snapshotFrame({ partitions }),
    })
    t.after(() => server.close())
    return server
  }

  it('a partition says what a crash would cost, what holds the position, and leads to it', limits, async (t) => {
    const page = await openPlace(t, browser, await start(t), place)
    await page.getByText('A crash now would run 9 records again.').waitFor()
    await page.getByText('Its next attempt is due in').waitFor()
    await page.getByRole('link', { name: 'offset 19' }).click()
    await page.getByRole('heading', { name: 'orders.created[2]@19' }).waitFor()
    assert.equal(new URL(page.url()).hash, '#/orders.created/2/19?group=shop')
  })

  it('the keyboard goes through the ribbon run by run, and opens the offset that is looked at', limits, async (t) => {
    const page = await openPlace(t, browser, await start(t), place)
    const ribbon = page.getByRole('slider', { name: 'Offsets' })
    await ribbon.focus()
    const text = () => ribbon.getAttribute('aria-valuetext')
    await page.keyboard.press('ArrowRight')
    assert.equal(await text(), 'offsets 3 to 11 (9): committed')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    assert.equal(await text(), 'offset 19: waiting for its retry, due now')
    await page.keyboard.press('End')
    assert.equal(await text(), 'offsets 52 to 59 (8): not fetched yet')
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'orders.created[2]@12' }).waitFor()
  })

  it('the ribbon tells with the pointer which offsets are where, and zooms', limits, async (t) => {
    const page = await openPlace(t, browser, await start(t), place)
    const ribbon = page.getByRole('slider')
    const box = await ribbon.boundingBox()
    assert.ok(box !== null)
    const point = async (offset: number, from: number, to: number) => {
      await page.mouse.move(box.x + ((offset + 0.5 - from) / (to - from)) * box.width, box.y + 40)
    }
    await point(22, 3, 60)
    await page.getByText('offsets 20 to 26 (7): done above a gap').waitFor()
    await point(27, 3, 60)
    await page.getByText('offsets 27 to 28 (2): running').waitFor()
    await ribbon.focus()
    await page.keyboard.press('+')
    await page.locator('.ends span', { hasText: /^15$/ }).waitFor()
    await page.getByRole('button', { name: 'whole' }).click()
    await page.locator('.ends span', { hasText: /^3$/ }).waitFor()
  })

  it('the ribbon draws each state in the colour of its legend', limits, async (t) => {
    const page = await openPlace(t, browser, await start(t), place)
    await page.getByRole('slider').waitFor()
    await page.waitForFunction('document.querySelector("canvas").width > 300')
    const pixels = await page.evaluate<Record<'running' | 'queued' | 'committed', number[]>>(`(() => {
      const canvas = document.querySelector('canvas')
      const at = (offset) => [
        ...canvas
          .getContext('2d')
          .getImageData(Math.round(((offset + 0.5 - 3) / 57) * canvas.width), canvas.height - 3, 1, 1)
          .data.slice(0, 3),
      ]
      return { running: at(27), queued: at(40), committed: at(7) }
    })()`)
    const legend = async (state: string) => {
      const color = `getComputedStyle(document.querySelector('.legend .of-${state}')).color`
      return ((await page.evaluate<string>(color)).match(/[\d.]+/g) ?? []).slice(0, 3).map(Number)
    }
    assert.deepEqual(pixels.running, await legend('in-flight'))
    assert.deepEqual(pixels.queued, await legend('queued'))
    assert.deepEqual(pixels.committed, await legend('committed'))
  })

  it('the page asks the stream for the opened partition, and shows what that tells', limits, async (t) => {
    const server = await start(t)
    const page = await openPlace(t, browser, server, place)
    await page.getByText('A crash now would run 9 records again.').waitFor()
    const asks = () => server.asked.some((each) => decodeURIComponent(each).includes('shop/orders.created/2'))
    while (!asks()) await page.waitForTimeout(20)
    server.push('delta', { at: Date.now(), partitions: [partitionView({ runsAgain: 0, epoch: 1 })] })
    await page.getByText('A crash now would run nothing again.').waitFor()
  })

  it('the ribbon draws 2,000 runs of 10,000 waiting records, and says that there are more', limits, async (t) => {
    const runs = Array.from({ length: 2_000 }, (_, index): RunRow => {
      const from = index * 10
      return index % 2 === 0 ? ['waiting', from, from + 10, 0] : ['done-above-gap', from, from + 10]
    })
    const page = await openPlace(t, browser, await start(t, partitionView({ runs, cutAt: 20_000 })), place)
    await page.getByText('There is more above offset 20,000').waitFor()
    await page.getByRole('slider').focus()
    await page.keyboard.press('End')
    assert.equal(
      await page.getByRole('slider').getAttribute('aria-valuetext'),
      'offsets 19,990 to 19,999 (10): done above a gap',
    )
  })

  it('the list draws of 1,000 partitions those that are in view, and finds one by its name', limits, async (t) => {
    const partitions = Array.from({ length: 1_000 }, (_, partition) => partitionRow({ partition }))
    const server = await start(t, partitionView(), partitions)
    const page = await openPlace(t, browser, server, '#/partitions')
    await page.getByRole('link', { name: 'orders.created[0]' }).waitFor()
    assert.ok((await page.locator('.virtual li').count()) < 40)
    await page.evaluate('scrollTo(0, document.body.scrollHeight)')
    await page.getByRole('link', { name: 'orders.created[999]' }).waitFor()
    assert.ok((await page.locator('.virtual li').count()) < 40)
    const asks = () => server.asked.some((each) => decodeURIComponent(each).includes('shop/orders.created/999'))
    while (!asks()) await page.waitForTimeout(20)
    await page.getByLabel('Find').fill('[512]')
    await page.getByRole('link', { name: 'orders.created[512]' }).click()
    await page.getByText('A crash now would run').waitFor()
  })

  it('the page says where a partition is that is not here', limits, async (t) => {
    const server = await startScriptedConsole(snapshotFrame())
    t.after(() => server.close())
    const page = await openPlace(t, browser, server, place)
    await page.getByText('This partition is not assigned to this process').waitFor()
  })

  it('partitions are usable wide and narrow, light and dark', limits, async (t) => {
    const page = await openPlace(t, browser, await start(t), place)
    await page.getByText('What holds the position').waitFor()
    await assertUsable(page, 'partition')
    await page.goto(`${new URL(page.url()).origin}/#/partitions`)
    await page.getByRole('link', { name: 'orders.created[2]' }).waitFor()
    await assertUsable(page, 'partitions')
  })
})
