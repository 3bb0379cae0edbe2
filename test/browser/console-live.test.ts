/** Records as they come in the console's page, what became of one, and what is taken along of it. */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { FileAnswer } from '../../framework/console/http/endpoint.ts'
import { ApiFault } from '../../framework/console/http/fault.ts'
import { assertUsable } from './accessibility.ts'
import { openChromium } from './chromium.ts'
import { liveFrame as frame, liveRow as row } from './live-script.ts'
import { limits, openPage, openPlace } from './open-page.ts'
import { markup, recordRow } from './records-script.ts'
import { type ScriptedConsole, scriptedToken, snapshotFrame, startScriptedConsole } from './scripted-console.ts'

const at = '/api/records/{group}/{topic}/{partition}/{offset}'

describe('the page of the console on live records', limits, () => {
  let browser: Browser
  before(async () => {
    browser = await openChromium()
  })
  after(() => browser.close())

  async function start(t: TestContext, more: Readonly<Record<string, unknown>> = {}): Promise<ScriptedConsole> {
    const server = await startScriptedConsole(snapshotFrame(), { [at]: recordRow(), ...more })
    t.after(() => server.close())
    return server
  }

  async function streamNames(page: Page, server: ScriptedConsole, filter: string): Promise<void> {
    while (!server.asked.some((each) => each.includes(`live=${filter}`))) await page.waitForTimeout(20)
  }

  it('records show up when they come, and change where they stand', limits, async (t) => {
    const server = await start(t)
    const page = await openPlace(t, browser, server, '#/live')
    await streamNames(page, server, 'f1')
    await page.getByText('Waiting for records').waitFor()
    server.push('live', frame('f1', [row(1), row(2)]))
    await page.getByRole('cell', { name: 'customer-2' }).waitFor()
    server.push('live', frame('f1', [row(1, { status: 'waiting', error: markup, durationMs: 12 }), row(3)]))
    await page.getByText('waits for a retry').last().waitFor()
    const offsets = await page.locator('.live tbody a').allInnerTexts()
    assert.deepEqual(offsets, ['orders.created[2]@3', 'orders.created[2]@2', 'orders.created[2]@1'])
    assert.equal(await page.locator('main img').count(), 0)
  })

  it(
    'the page says when not all records are shown, and that the list is held while one points at it',
    limits,
    async (t) => {
      const server = await start(t)
      const page = await openPlace(t, browser, server, '#/live')
      await streamNames(page, server, 'f1')
      server.push('live', frame('f1', [row(1)], { every: 25, rate: 5_000 }))
      await page.getByText('5.0k/s arrive. One of 25 is shown.').waitFor()
      await page.getByRole('cell', { name: 'customer-1' }).hover()
      await page.getByText('held', { exact: true }).waitFor()
      server.push('live', frame('f1', [row(2)], { every: 50, rate: 9_000 }))
      await page.getByText('One of 50 is shown.').waitFor()
      assert.equal(await page.getByRole('cell', { name: 'customer-2' }).count(), 0)
      await page.mouse.move(0, 0)
      await page.getByRole('cell', { name: 'customer-2' }).waitFor()
    },
  )

  it('a filter goes out in a body, and another one begins with an empty list', limits, async (t) => {
    const server = await start(t)
    const page = await openPlace(t, browser, server, '#/live')
    await streamNames(page, server, 'f1')
    server.push('live', frame('f1', [row(1)]))
    await page.getByRole('cell', { name: 'customer-1' }).waitFor()
    await page.getByLabel('Key').fill('a&b')
    await page.getByLabel('Header').fill('tenant=north')
    await page.getByRole('button', { name: 'Filter' }).click()
    await page.getByText('Waiting for records').waitFor()
    await streamNames(page, server, 'f2')
    server.push('live', frame('f1', [row(4)]))
    server.push('live', frame('f2', [row(5)]))
    await page.getByRole('cell', { name: 'customer-5' }).waitFor()
    assert.equal(await page.getByRole('cell', { name: 'customer-4' }).count(), 0)
    const posts = server.asked.filter((each) => each.startsWith('POST'))
    assert.deepEqual(posts, [
      'POST /api/live {}',
      'POST /api/live {"key":"a&b","header":{"name":"tenant","value":"north"}}',
    ])
    assert.ok(!server.asked.some((each) => each.startsWith('GET') && /a%26b|north/.test(each)))
    assert.ok(!page.url().includes('north'))
  })

  it('a filter that the process has forgotten is made anew', limits, async (t) => {
    const server = await start(t)
    const page = await openPlace(t, browser, server, '#/live')
    await streamNames(page, server, 'f1')
    const { port } = new URL(server.url)
    await server.close()
    await page.getByRole('alert').getByText('Not connected').waitFor()
    const again = await startScriptedConsole(snapshotFrame(), {}, Number(port))
    t.after(() => again.close())
    await streamNames(page, again, 'f1')
    assert.ok(again.asked.includes('POST /api/live {}'))
    again.push('live', frame('f1', [row(7)]))
    await page.getByRole('cell', { name: 'customer-7' }).waitFor()
  })

  it('tabs that share a stream are each told of the records of their own filter', limits, async (t) => {
    const server = await start(t)
    const first = await openPlace(t, browser, server, '#/live')
    await streamNames(first, server, 'f1')
    const url = `${server.url}/#${scriptedToken}`
    const second = await openPage(t, browser, url, first.context())
    await second.getByText('live', { exact: true }).waitFor()
    await second.goto(`${server.url}/#/live`)
    await streamNames(second, server, 'f1%2Cf2')
    // The one before it ends a moment later. The test's own time limit ends a wait in vain.
    while (server.streams() !== 1) await second.waitForTimeout(20)
    server.push('live', frame('f1', [row(1)]))
    server.push('live', frame('f2', [row(2)]))
    await first.getByRole('cell', { name: 'customer-1' }).waitFor()
    await second.getByRole('cell', { name: 'customer-2' }).waitFor()
    assert.equal(await first.locator('.live tbody tr').count(), 1)
    assert.equal(await second.locator('.live tbody tr').count(), 1)
  })

  it('a filter that is refused says why, and nothing is shown by it', limits, async (t) => {
    const refuse = () => {
      throw new ApiFault('forbidden', 'Headers of orders.created are not shown here.', 'Name the topic.')
    }
    const page = await openPlace(t, browser, await start(t, { 'POST /api/live': refuse }), '#/live')
    await page.getByText('Headers of orders.created are not shown here. Name the topic.').waitFor()
  })

  it('a row opens the timeline of its record', limits, async (t) => {
    const now = Date.now()
    const timeline = {
      writtenAt: now - 90,
      fetchedAt: now - 60,
      attempts: [
        {
          attempt: 1,
          startedAt: now - 50,
          endedAt: now - 40,
          outcome: 'failed',
          error: markup,
          published: [{ at: now - 45, topic: 'invoices.issued' }],
        },
      ],
      doneAt: null,
      committedAt: null,
      leftAt: null,
    } as const
    const server = await start(t, { [at]: recordRow({ timeline }) })
    const page = await openPlace(t, browser, server, '#/live')
    await streamNames(page, server, 'f1')
    server.push('live', frame('f1', [row(19)]))
    await page.getByRole('link', { name: 'orders.created[2]@19' }).click()
    const steps = page.getByRole('list', { name: 'Timeline' })
    await steps.getByText('published to invoices.issued').waitFor()
    await steps.getByText('attempt 1 failed').waitFor()
    assert.equal(await page.locator('main img').count(), 0)
    await assertUsable(page, 'timeline')
  })

  it('a record is taken along as a test and as a command, and its failure leads to an editor', limits, async (t) => {
    const file = (text: string) => new FileAnswer('file', 'text/plain; charset=utf-8', Buffer.from(text))
    const editorUrl = 'vscode://file/app/handlers/ship.ts:12:9'
    const failure = recordRow().failures[0]
    assert.ok(failure !== undefined)
    const failures = [{ ...failure, source: { file: 'handlers/ship.ts', line: 12, column: 9, editorUrl } }]
    const server = await start(t, {
      [at]: recordRow({ failures }),
      [`${at}/test`]: () => file('// a test'),
      [`${at}/send`]: () => file('npx pyrallel send'),
      [`${at}/value`]: () => new FileAnswer('v.bin', 'application/octet-stream', Buffer.from([0, 255, 10])),
    })
    const page = await openPlace(t, browser, server, '#/orders.created/2/19')
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    const copied = () => page.evaluate<string>('navigator.clipboard.readText()')
    await page.getByRole('button', { name: 'Copy as node:test' }).click()
    await page.getByText('Copied: a test that runs').waitFor()
    assert.equal(await copied(), '// a test')
    await page.getByRole('button', { name: 'Copy as pyrallel send' }).click()
    await page.getByText('Copied: a line that sends').waitFor()
    assert.equal(await copied(), 'npx pyrallel send')
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Save the value' }).click()
    const chunks: Buffer[] = []
    for await (const chunk of await (await download).createReadStream()) chunks.push(chunk as Buffer)
    assert.deepEqual([...Buffer.concat(chunks)], [0, 255, 10])
    assert.equal(await page.getByRole('link', { name: 'handlers/ship.ts:12:9' }).getAttribute('href'), editorUrl)
  })

  it('live records are usable wide and narrow, light and dark', limits, async (t) => {
    const server = await start(t)
    const page = await openPlace(t, browser, server, '#/live')
    await streamNames(page, server, 'f1')
    const rows = [row(1, { status: 'done', durationMs: 4 }), row(2), row(3, { status: 'dead', error: 'DeadLetter' })]
    server.push('live', frame('f1', rows, { every: 4, rate: 900 }))
    await page.getByRole('cell', { name: 'customer-3' }).waitFor()
    await assertUsable(page, 'live')
  })
})
