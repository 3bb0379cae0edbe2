/** The console's page in a real browser, with the policy and the guards that the real server has. */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { assertUsable } from './accessibility.ts'
import { openChromium } from './chromium.ts'
import { limits, openPage } from './open-page.ts'
import {
  handlerRow,
  partitionRow,
  type ScriptedConsole,
  scriptedToken,
  snapshotFrame,
  startScriptedConsole,
} from './scripted-console.ts'

const markup = '<img src=x onerror="document.title=\'run\'"><b>bold</b>'
const blocked = {
  verdict: { kind: 'blocked', place: { topic: 'orders.created', partition: 2, offset: 19 }, key: markup } as const,
  handlers: [handlerRow({ handlerId: markup })],
  partitions: [
    partitionRow({
      blocking: {
        offset: 19,
        key: markup,
        state: 'waiting',
        attempt: 3,
        ageMs: 65_000,
        unpausedMs: 65_000,
        lastError: { reason: 'error', name: 'Error', message: markup } as never,
      },
    }),
  ],
}
const place = { topic: 'orders.dlq', partition: 2, offset: 18 }
const bytesView = (text: string) => ({ text, bytes: text.length, isCut: false, isMasked: false })
const letter = {
  place,
  writtenAt: 0,
  key: bytesView('\ufffd\u0007key\u202egnp'),
  source: null,
  handlerId: 'ship',
  attempts: 5,
  error: { reason: null, name: 'Error', message: markup, stack: markup, attempt: null, source: null },
  fingerprint: 'f1',
  replays: 0,
  hasPayload: true,
}
const letterAnswers = {
  '/api/dead-letters': { topics: [{ topic: 'orders.dlq', handlerIds: ['ship'] }] },
  '/api/dead-letters/{topic}': {
    topic: 'orders.dlq',
    groups: [{ fingerprint: 'f1', handlerId: 'ship', error: markup, count: 1, firstAt: 0, lastAt: 0 }],
    letters: [letter],
    cursor: null,
    looked: 1,
    isCut: false,
  },
  '/api/dead-letters/{topic}/{partition}/{offset}': {
    letter: {
      ...letter,
      value: bytesView(markup.repeat(1_000_000 / markup.length)),
      headers: [[markup, bytesView(markup)]],
    },
    passesToday: false,
    misfits: [markup],
  },
  '/api/threads': {
    handlers: [
      {
        ...{ handlerId: 'score', group: 'shop', running: 2, restarts: 0, batches: 5, boundaryMs: 1 },
        each: [
          {
            ...{ threadId: 7, state: 'open', isApart: false, waiting: 12, heapUsedBytes: null, runningCount: 7 },
            running: [19, 20, 21, 22, 23, 24].map((offset) => ({
              ...{ topic: 'orders.created', partition: 2, offset, attempt: 2, startedAt: Date.now() - 65_000 },
              records: offset - 18,
              key: bytesView(markup),
            })),
          },
          {
            ...{ threadId: 8, state: 'starting', isApart: true, waiting: 0, heapUsedBytes: 9_000_000 },
            ...{ runningCount: 0, running: [] },
          },
        ],
      },
    ],
    process: { rssBytes: 1, heapUsedBytes: 1, heapLimitBytes: 2 },
  },
  '/api/topology': { handlers: [] },
}

describe('the page of the console', limits, () => {
  let browser: Browser
  before(async () => {
    browser = await openChromium()
  })
  after(() => browser.close())

  async function open(t: TestContext, server: ScriptedConsole, hash = `#${scriptedToken}`): Promise<Page> {
    return openPage(t, browser, `${server.url}/${hash}`)
  }

  async function start(t: TestContext, frame = snapshotFrame(), port = 0): Promise<ScriptedConsole> {
    const server = await startScriptedConsole(frame, letterAnswers, port)
    t.after(() => server.close())
    return server
  }

  it('shows verdict, handlers and partitions, and wipes the token out of the address', limits, async (t) => {
    const page = await open(t, await start(t))
    await page.getByRole('heading', { name: 'Healthy' }).waitFor()
    await page.getByText('orders.created[2]').waitFor()
    assert.equal(new URL(page.url()).hash, '')
    await page.reload()
    await page.getByRole('heading', { name: 'Healthy' }).waitFor()
  })

  it('asks for a token when it has none, and opens with the right one', limits, async (t) => {
    const page = await open(t, await start(t), '')
    await page.getByLabel('Token').fill(scriptedToken)
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByRole('heading', { name: 'Healthy' }).waitFor()
  })

  it('shows markup in keys, errors, values and headers as text', limits, async (t) => {
    const page = await open(t, await start(t, snapshotFrame(blocked)))
    await page.getByRole('heading', { name: 'Blocked by orders.created[2]@19' }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('d')
    await page.getByRole('link', { name: 'orders.dlq[2]@18' }).click()
    await page.getByText('does not satisfy the schema of today').waitFor()
    assert.equal(await page.locator('img, main b b').count(), 0)
    assert.equal(await page.title(), 'Pyrallel')
    assert.ok((await page.getByLabel('Value').innerText()).startsWith(markup))
    assert.equal(await page.locator('article .escape').first().innerText(), '\ufffd\\x07')
    assert.ok((await page.locator('article').innerText()).includes('\\u202egnp'))
  })

  it('shows what each thread runs, for how long, and leads to the record', limits, async (t) => {
    const page = await open(t, await start(t))
    await page.keyboard.press('g')
    await page.keyboard.press('t')
    const threads = page.getByRole('group', { name: 'Threads of score' })
    const rows = threads.locator('tbody tr')
    await rows.nth(1).waitFor()
    assert.equal(await rows.count(), 2)
    const first = await rows.nth(0).innerText()
    assert.match(first, /7\s+takes records\s+orders\.created\[2\]@19/)
    assert.match(first, /@20 .*and 1 more of its batch · attempt 2 · for 1 min/)
    assert.match(first, /@23[^@]*and 2 more\s+12\s+–/)
    assert.match(await rows.nth(1).innerText(), /8\s+starting · for records that run apart\s+nothing\s+0\s+9/)
    await threads.getByRole('link', { name: 'orders.created[2]@19' }).click()
    await page.waitForURL(/orders\.created\/2\/19/)
  })

  it('pauses a handler, and says what is paused', limits, async (t) => {
    const server = await start(t)
    const page = await open(t, server)
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByText('Paused: ship.').waitFor()
    assert.deepEqual(server.paused, ['ship'])
  })

  it('says that the server is lost, and goes on when it is back', limits, async (t) => {
    const server = await start(t)
    const page = await open(t, server)
    await page.getByText('live', { exact: true }).waitFor()
    const { port } = new URL(server.url)
    await server.close()
    await page.getByRole('alert').getByText('Not connected').waitFor()
    await start(t, snapshotFrame({ verdict: { kind: 'catching-up', backlog: 12_300 } }), Number(port))
    await page.getByRole('heading', { name: 'Catching up' }).waitFor()
    await page.getByText('12,300 records not done').waitFor()
  })

  it('has no serious finding of accessibility, dark or light, wide or narrow', limits, async (t) => {
    const page = await open(t, await start(t, snapshotFrame(blocked)))
    await page.getByRole('heading', { name: 'Blocked' }).waitFor()
    for (const [hash, heading] of [
      ['#/', 'Handlers'],
      ['#/dead-letters', 'Dead letters'],
      ['#/threads', 'Process'],
      ['#/topology', 'Topology'],
    ] as const) {
      await page.goto(`${new URL(page.url()).origin}/${hash}`)
      await page.getByRole('heading', { name: heading, exact: true }).first().waitFor()
      await assertUsable(page, hash === '#/' ? 'overview' : hash.slice(2))
    }
  })
})
