/**
 * Makes the pictures of docs/operating.md from a running console: a `pyrallel dev` of the example app, with traffic. Into another folder it puts every
 * view, light and dark, wide and narrow, for somebody to look at.
 *
 *   node --import tsx test/browser/pictures.ts [folder]
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openChromium } from './chromium.ts'
import { startDev } from './running-dev.ts'

/** Name, place in the page, and a heading that is there. */
const views = [
  ['overview', '#/', 'Partitions'],
  ['partition', '#/p/billing/orders.created/0', 'orders.created[0]'],
  ['record', '#/orders.created/0/1', 'orders.created[0]@1'],
  ['history', '#/history', 'The last hour'],
  ['dead-letters', '#/dead-letters', 'Dead letters'],
  ['group', '#/group', 'Group'],
  ['topology', '#/topology', 'Topology'],
  ['try-out', '#/dev', 'Send a record'],
] as const
const looks = [
  ['light', 1_440],
  ['dark', 1_440],
  ['light', 320],
  ['dark', 320],
] as const
const inDocs = ['overview-light-1440', 'dead-letters-dark-1440']

const [argument] = process.argv.slice(2)
const folder = argument ?? fileURLToPath(new URL('../../docs/pictures', import.meta.url))
mkdirSync(folder, { recursive: true })
const dev = await startDev(200)
const browser = await openChromium()
try {
  const page = await browser.newPage()
  await page.goto(dev.url)
  await page.getByText('live', { exact: true }).waitFor()
  // A minute of traffic: for rates, percentiles and dead letters.
  await page.waitForTimeout(60_000)
  for (const [name, hash, heading] of views) {
    for (const [colorScheme, width] of looks) {
      const file = `${name}-${colorScheme}-${width}`
      if (argument === undefined && !inDocs.includes(file)) continue
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize({ width, height: 720 })
      await page.goto(`${new URL(dev.url).origin}/${hash}`)
      await page.getByRole('heading', { name: heading }).first().waitFor()
      await page.waitForTimeout(1_500)
      await page.screenshot({ path: join(folder, `${file}.png`) })
    }
  }
} finally {
  await browser.close()
  await dev.stop()
}
