/**
 * The console's page under load, on a real `pyrallel dev` that handles 1,000 records a second: first paint, the longest gap between two frames, and
 * the heaps of page and process over the minutes. With `--broker memory` the process keeps all records, and its heap grows by them.
 * Not a test: figures depend on the machine.
 *
 *   node --import tsx test/browser/console-load.bench.ts --minutes 10
 */
import { parseArgs } from 'node:util'
import type { CDPSession, Page } from 'playwright-core'
import type { ThreadsAnswer } from '../../framework/console/protocol.ts'
import { openChromium } from './chromium.ts'
import { startDev } from './running-dev.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    rate: { type: 'string', default: '1000' },
    broker: { type: 'string', default: 'embedded' },
  },
})
const { broker } = values
if (broker !== 'embedded' && broker !== 'memory') throw new Error(`--broker is '${broker}', not embedded or memory.`)
const minutes = Number(values.minutes)
if (!(minutes > 0)) throw new Error(`--minutes is '${values.minutes}', and must be a number above 0.`)

/** As text: what compiles this file would have its functions call a helper that no page has. */
const watching = `
  globalThis.frameGaps = { last: performance.now(), longest: 0, above: 0 }
  requestAnimationFrame(function next(at) {
    const gap = at - frameGaps.last
    frameGaps.last = at
    if (gap > frameGaps.longest) frameGaps.longest = gap
    if (gap > 50) frameGaps.above += 1
    requestAnimationFrame(next)
  })`

const dev = await startDev(Number(values.rate), broker)
const browser = await openChromium()
try {
  const { url } = dev
  const page = await browser.newPage()
  console.log(`first paint, ms: ${(await firstPaints(page, url, 5)).join(', ')}`)
  await page.getByText('live', { exact: true }).waitFor()
  const session = await page.context().newCDPSession(page)
  await watchFrames(page)
  console.log('minute  page heap MB  process heap MB  DOM nodes  longest gap ms  gaps above 50 ms')
  for (let minute = 0; minute <= minutes; minute++) {
    if (minute > 0) await page.waitForTimeout(60_000)
    const [heap, nodes] = await heapOf(session)
    const { process: at } = await threads(url)
    const [longest, above] = await framesOf(page)
    const row = [minute, heap.toFixed(1), (at.heapUsedBytes / 1e6).toFixed(1), nodes, longest.toFixed(1), above]
    console.log(row.join('  '))
  }
} finally {
  await browser.close()
  await dev.stop()
}

async function firstPaints(page: Page, url: string, times: number): Promise<readonly number[]> {
  const found: number[] = []
  for (let time = 0; time < times; time++) {
    await page.goto('about:blank')
    await page.goto(url)
    await page.getByText('live', { exact: true }).waitFor()
    found.push(
      await page.evaluate<number>("Math.round(performance.getEntriesByName('first-contentful-paint')[0].startTime)"),
    )
  }
  return found
}

async function watchFrames(page: Page): Promise<void> {
  await page.evaluate(watching)
}

/** Since it was last asked. */
async function framesOf(page: Page): Promise<readonly [longest: number, above: number]> {
  return await page.evaluate(
    '((were) => { Object.assign(frameGaps, { longest: 0, above: 0 }); return were })([frameGaps.longest, frameGaps.above])',
  )
}

async function heapOf(session: CDPSession): Promise<readonly [megabytes: number, nodes: number]> {
  await session.send('HeapProfiler.collectGarbage')
  await session.send('Performance.enable')
  const { metrics } = await session.send('Performance.getMetrics')
  const of = (name: string) => metrics.find((each) => each.name === name)?.value ?? 0
  return [of('JSHeapUsedSize') / 1e6, of('Nodes')]
}

async function threads(url: string): Promise<ThreadsAnswer> {
  const { origin, hash } = new URL(url)
  const response = await fetch(`${origin}/api/threads`, { headers: { authorization: `Bearer ${hash.slice(1)}` } })
  return (await response.json()) as ThreadsAnswer
}
