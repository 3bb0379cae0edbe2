/** Opens the console's page for a test, and fails it for whatever the page does that it may not: an error, or what its policy refuses. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { type ScriptedConsole, scriptedToken } from './scripted-console.ts'

export const limits = { timeout: 60_000 }

/** @param url with the token behind the #, or without */
export async function openPage(t: TestContext, browser: Browser, url: string, within?: BrowserContext): Promise<Page> {
  const context = within ?? (await browser.newContext())
  if (within === undefined) t.after(() => context.close())
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  const wrong: string[] = []
  page.on('pageerror', (error) => wrong.push(error.message))
  page.on('console', (line) => {
    if (/policy|trusted/i.test(line.text())) wrong.push(line.text())
  })
  t.after(() => assert.deepEqual(wrong, []))
  await page.goto(url)
  return page
}

/** The console with its token, live, and then a place in it: `#/orders/2/19`. */
export async function openPlace(
  t: TestContext,
  browser: Browser,
  server: ScriptedConsole,
  hash: string,
): Promise<Page> {
  const page = await openPage(t, browser, `${server.url}/#${scriptedToken}`)
  await page.getByText('live', { exact: true }).waitFor()
  await page.goto(`${server.url}/${hash}`)
  return page
}
