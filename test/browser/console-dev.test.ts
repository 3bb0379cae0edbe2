/** A night with the page, on a real `pyrallel dev`: see records, find what blocks a key and why, help it on, and publish a dead letter again. */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { aProject, command } from '../integration/command-process.ts'
import { openChromium } from './chromium.ts'
import { openPage } from './open-page.ts'

const limits = { timeout: 180_000 }
const files = {
  'pyrallel.config.ts': `import { defineConfig } from 'pyrallel'
export default defineConfig({ group: 'shop', handlers: { retry: { attempts: 9, min: '10m', max: '1h' } } })
`,
  'handlers/ship.ts': `import { existsSync } from 'node:fs'
import { DeadLetter, handler } from 'pyrallel'
interface Order { readonly id: string; readonly total: number }
export default handler<Order>('orders', async (record) => {
  if (existsSync('gateway-is-down')) throw new Error('the gateway is down')
  if (record.value.total < 0) throw new DeadLetter('a negative total')
})
`,
}

describe('the page on pyrallel dev', limits, () => {
  let browser: Browser
  before(async () => {
    browser = await openChromium()
  })
  after(() => browser.close())

  it(
    'shows what blocks a key and why, retries it, pauses its handler, and publishes a dead letter again',
    limits,
    async (t) => {
      const root = aProject(files)
      const dev = command(root, ['dev', '--broker', 'memory'])
      const out = await dev.seen(/console http:\S+/)
      const url = /console (http:\S+)/.exec(out)?.[1] ?? ''
      await dev.seen(/assigned orders/)
      const page = await openPage(t, browser, url)
      page.setDefaultTimeout(40_000)
      await page.getByRole('heading', { name: 'Healthy' }).waitFor()

      // Records: one that is done, and one whose handler fails.
      await page.getByRole('link', { name: 'Try out' }).click()
      const send = async (id: string, total: string) => {
        await page.getByLabel('id', { exact: true }).fill(id)
        await page.getByLabel('total', { exact: true }).fill(total)
        await page.getByLabel('Key').fill(id)
        await page.getByRole('button', { name: 'Send' }).click()
        await page.getByText(`Sent to orders, key ${id}.`).waitFor()
      }
      await send('good', '1')
      // Sent is not done: the handler looks for the file only once it runs.
      await dev.seen(/✓ orders\[\d\]@0\s+good\b/)
      writeFileSync(join(root, 'gateway-is-down'), '')
      await send('stuck', '2')

      // The verdict leads to the record, and that says why it waits.
      await page.getByRole('link', { name: /^Blocked by orders\[\d\]@0$/ }).click()
      await page.getByText('the gateway is down').first().waitFor()
      await page.getByText('Its next attempt is due in').waitFor()
      rmSync(join(root, 'gateway-is-down'))
      await page.getByRole('button', { name: 'Retry now' }).click()
      await page.getByRole('heading', { name: 'Healthy' }).waitFor()

      await page.getByRole('link', { name: 'Overview' }).click()
      await page.getByRole('button', { name: 'Pause' }).click()
      await page.getByRole('heading', { name: 'Paused by hand: ship' }).waitFor()
      await page.getByRole('button', { name: 'Resume' }).click()
      await page.getByRole('heading', { name: 'Healthy' }).waitFor()

      await page.getByRole('link', { name: 'Try out' }).click()
      await send('bad', '-1')
      await dev.seen(/a negative total/)
      await page.getByRole('link', { name: 'Dead letters' }).click()
      await page.getByRole('link', { name: /orders\.shop\.dlq\[\d\]@0/ }).click()
      await page.getByText('Its value satisfies the schema of today.').waitFor()
      await page.getByRole('button', { name: 'Publish this letter again…' }).click()
      await page.getByRole('button', { name: 'Preview' }).click()
      await page.getByRole('button', { name: 'Publish 1 letter now' }).click()
      await page.getByText('Published: 1 of 1 letter').waitFor()

      // Faults on demand, and nothing is lost.
      await page.getByRole('link', { name: 'Try out' }).click()
      await page.getByRole('button', { name: 'Rebalance' }).click()
      await page.getByText('Lost 0').waitFor()
      await send('later', '3')
      await page.getByText('1 record written: 1 done, 0 dead letters, 0 not done yet').waitFor()

      dev.signal('SIGINT')
      await page.getByRole('alert').getByText('Not connected').waitFor()
      assert.equal((await dev.ended).end, 0)
    },
  )
})
