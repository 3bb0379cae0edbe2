/** The process ends behind an open page of production, and another one takes its place: real runtimes, on the in-memory cluster. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { observe, produce, until } from '../integration/observed-runtime.ts'
import { openChromium } from './chromium.ts'
import { limits, openPage } from './open-page.ts'

const token = 'token-of-sixteen-characters'

describe('a page whose process is restarted', limits, () => {
  let browser: Browser
  before(async () => {
    browser = await openChromium()
  })
  after(() => browser.close())

  it(
    'says that it is not connected, and shows the next process as soon as it is there, and nothing of the first',
    limits,
    async (t) => {
      let page: Page | undefined
      let port = 0
      const process = (records: number, look: (page: Page) => Promise<void>) =>
        observe(
          { run: () => {}, http: { port, token, console: { enabled: true } } },
          async ({ cluster, runtime, url }) => {
            for (let i = 0; i < records; i += 1) produce(cluster, `k${i}`, i)
            await until(runtime, ({ groups }) => groups[0]?.partitions[0]?.committedPosition === records)
            port = Number(new URL(url()).port)
            page ??= await openPage(t, browser, `${url()}/#${token}`)
            await page.getByRole('heading', { name: 'Healthy' }).waitFor()
            await look(page)
          },
        )
      const hasDone = (records: number) => (shown: Page) =>
        shown.getByText(`position ${records}`, { exact: true }).waitFor()
      await process(7, hasDone(7))
      assert.ok(page !== undefined)
      await page.getByRole('alert').getByText('Not connected').waitFor()
      await process(3, async (shown) => {
        await shown.getByRole('alert').waitFor({ state: 'hidden' })
        await shown.getByText('live', { exact: true }).waitFor()
        await hasDone(3)(shown)
      })
    },
  )
})
