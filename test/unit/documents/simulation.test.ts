/** The examples of docs/developing.md that simulate handlers do what the page says. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { checkout, codeBlocks, textOf } from './pages.ts'

for (const [name, what] of [
  ['charge-order.test', 'handlers'],
  ['invoice.test', 'handlers with exactlyOnce'],
] as const) {
  it(`the ${what} that docs/developing.md simulates fail and pass as it says`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'pyrallel-simulated-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const block = codeBlocks(textOf('docs/developing.md')).find(({ code }) => code.startsWith(`// test/${name}.ts`))
    assert.ok(block)
    const file = join(folder, `${name}.mts`)
    writeFileSync(file, block.code)
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      ['--import', 'tsx', '--test', '--test-reporter', 'tap', file],
      {
        cwd: checkout,
        encoding: 'utf8',
        env: { ...env, TSX_TSCONFIG_PATH: join(checkout, 'tsconfig.json') },
        timeout: 60_000,
      },
    )
    assert.equal(status, 0, stdout + stderr)
    assert.match(stdout, /# pass 2\n# fail 0/)
  })
}
