/** What shuts people out of a page: what axe-core finds, and what does not fit on a small window. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Serious and critical findings, one line each. Evaluated, as the page's policy refuses any script tag. */
async function seriousFindings(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe)
  return await page.evaluate(async () => {
    const { violations } = await (
      globalThis as never as { axe: { run(): Promise<{ violations: Finding[] }> } }
    ).axe.run()
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
  })
}

/**
 * Looks at the page light and dark, each wide and narrow: no serious finding, and nothing wider than the window.
 * With `PYRALLEL_TEST_PICTURES`, a folder, it leaves a picture of each there.
 */
export async function assertUsable(page: Page, name: string): Promise<void> {
  for (const [colorScheme, width] of [
    ['light', 1_440],
    ['dark', 1_440],
    ['dark', 320],
    ['light', 320],
  ] as const) {
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height: 900 })
    const pictures = process.env.PYRALLEL_TEST_PICTURES
    if (pictures !== undefined) await page.screenshot({ path: `${pictures}/${name}-${colorScheme}-${width}.png` })
    assert.deepEqual(await seriousFindings(page), [], `${name} ${colorScheme} ${width}`)
    const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
    assert.ok(overflow <= 0, `${name} is ${overflow} px too wide at ${width}`)
  }
}

interface Finding {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly html: string }[]
}
