/** Several tabs of one browser on one console: they share a stream, as a browser has six connections to an address. */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { openChromium } from './chromium.ts'
import { limits, openPage } from './open-page.ts'
import { partitionView } from './records-script.ts'
import { type ScriptedConsole, scriptedToken, snapshotFrame, startScriptedConsole } from './scripted-console.ts'

const answers = { '/api/partitions/{group}/{topic}/{partition}': partitionView({ partition: 3 }) }

/** Rejects after 20 s. */
async function until(isSo: () => boolean): Promise<void> {
  const endsAt = Date.now() + 20_000
  while (!isSo()) {
    assert.ok(Date.now() < endsAt, `not within 20 s: ${isSo}`)
    await setTimeout(20)
  }
}

type Script = Parameters<BrowserContext['addInitScript']>[0]

describe('tabs of one browser', { timeout: 300_000 }, () => {
  let browser: Browser
  before(async () => {
    browser = await openChromium()
  })
  after(() => browser.close())

  async function serve(t: TestContext, frame = snapshotFrame(), port = 0): Promise<ScriptedConsole> {
    const server = await startScriptedConsole(frame, answers, port)
    t.after(() => server.close())
    return server
  }

  /** @param script runs in each tab before the page does */
  async function newBrowser(t: TestContext, script?: Script): Promise<BrowserContext> {
    const context = await browser.newContext()
    t.after(() => context.close())
    if (script !== undefined) await context.addInitScript(script)
    return context
  }

  async function tab(t: TestContext, server: ScriptedConsole, context: BrowserContext): Promise<Page> {
    const page = await openPage(t, browser, `${server.url}/#${scriptedToken}`, context)
    await page.getByText('live', { exact: true }).waitFor()
    await page.getByRole('heading', { name: 'Healthy' }).waitFor()
    return page
  }

  async function tabs(t: TestContext, server: ScriptedConsole, count: number, script?: Script): Promise<Page[]> {
    const context = await newBrowser(t, script)
    const pages: Page[] = []
    for (let index = 0; index < count; index++) pages.push(await tab(t, server, context))
    return pages
  }

  /** One tab has given the stream up, and another one reads. */
  async function handedOver(server: ScriptedConsole): Promise<void> {
    const opened = () => server.asked.filter((each) => each.startsWith('GET /api/stream')).length
    await until(() => opened() === 2 && server.streams() === 1)
  }

  const catchingUp = (backlog: number) => {
    const { verdict } = snapshotFrame({ verdict: { kind: 'catching-up', backlog } })
    return { at: Date.now(), verdict }
  }

  it('live by one stream, seven of them, and each can ask for something besides', limits, async (t) => {
    const server = await serve(t)
    const pages = await tabs(t, server, 7)
    // It is opened anew when other partitions are in sight.
    await until(() => server.streams() === 1)
    server.push('delta', catchingUp(12_300))
    for (const page of pages) {
      await page.getByText('12,300 records not done').waitFor()
      await page.getByRole('button', { name: 'Pause' }).click()
      await page.getByText('Paused: ship').waitFor()
    }
    assert.equal(server.paused.length, 7)
    await until(() => server.streams() === 1)
  })

  it('are asked for together: the stream tells of the partitions that any of them shows', limits, async (t) => {
    const server = await serve(t)
    const [first, second] = await tabs(t, server, 2)
    assert.ok(first !== undefined && second !== undefined)
    const named = () => server.asked.filter((each) => each.startsWith('GET /api/stream')).at(-1) ?? ''
    await second.goto(`${server.url}/#/p/shop/orders.created/3`)
    await until(() => named().endsWith(encodeURIComponent('shop/orders.created/3')))
    await first.goto(`${server.url}/#/p/shop/orders.created/2`)
    await until(() => named().endsWith(encodeURIComponent('shop/orders.created/2,shop/orders.created/3')))
    server.push('delta', { at: Date.now(), partitions: [partitionView({ partition: 3, runsAgain: 77 })] })
    await second.getByText('A crash now would run 77 records again.').waitFor()
    // What one has heard already, the other one gets as well.
    await first.goto(`${server.url}/#/p/shop/orders.created/3`)
    await first.getByText('A crash now would run 77 records again.').waitFor()
    await second.close()
    await first.goto(`${server.url}/#/`)
    // The one before it ends a moment later.
    await until(() => named() === 'GET /api/stream?' && server.streams() === 1)
  })

  it('go on when the one that reads the stream closes', limits, async (t) => {
    const server = await serve(t)
    const [first, ...others] = await tabs(t, server, 3)
    await first?.close()
    await handedOver(server)
    server.push('delta', catchingUp(4_500))
    for (const page of others) await page.getByText('4,500 records not done').waitFor()
  })

  it('take the stream over from one that has fallen silent, and it hears from them', limits, async (t) => {
    const server = await serve(t)
    const [first, second] = await tabs(t, server, 2)
    assert.ok(first !== undefined && second !== undefined)
    await first.evaluate(() => {
      BroadcastChannel.prototype.postMessage = () => {}
    })
    await handedOver(server)
    server.push('delta', catchingUp(700))
    await second.getByText('700 records not done').waitFor()
    await first.getByText('700 records not done').waitFor()
  })

  it('all say that the server is lost, and all show the next one', limits, async (t) => {
    const server = await serve(t)
    const pages = await tabs(t, server, 3)
    const { port } = new URL(server.url)
    await server.close()
    for (const page of pages) await page.getByRole('alert').getByText('Not connected').waitFor()
    const next = await serve(t, snapshotFrame({ verdict: { kind: 'catching-up', backlog: 88 } }), Number(port))
    for (const page of pages) await page.getByText('88 records not done').waitFor()
    await until(() => next.streams() === 1)
  })

  it('never tell the token to each other, nor by the names that they meet under', limits, async (t) => {
    const server = await serve(t)
    const pages = await tabs(t, server, 2, () => {
      const told: unknown[] = []
      Object.assign(globalThis, { told })
      globalThis.BroadcastChannel = class extends BroadcastChannel {
        constructor(name: string) {
          super(name)
          told.push(name)
        }
        override postMessage(message: unknown): void {
          told.push(message)
          super.postMessage(message)
        }
      }
    })
    server.push('delta', catchingUp(9))
    const told: string[] = []
    for (const page of pages) {
      await page.getByText('9 records not done').waitFor()
      told.push(await page.evaluate('JSON.stringify([told, navigator.locks])'))
      told.push(await page.evaluate('navigator.locks.query().then((all) => JSON.stringify(all))'))
    }
    assert.match(told.join(), /"kind":"event"/)
    assert.ok(!told.join().includes(scriptedToken))
    // Every page of the address may list the locks: their names must not lead to the channel.
    const [names, locks = ''] = [JSON.parse(told[0] ?? '')[0][0] as string, told[1]]
    assert.match(names, /^[0-9a-f]{64}$/)
    assert.ok(locks.includes('"mode":"exclusive"') && !locks.includes(names))
  })

  it('have a stream each where the browser has no locks', limits, async (t) => {
    const server = await serve(t)
    const pages = await tabs(t, server, 2, 'delete Navigator.prototype.locks')
    assert.equal(server.streams(), 2)
    server.push('delta', catchingUp(31))
    for (const page of pages) await page.getByText('31 records not done').waitFor()
  })
})
