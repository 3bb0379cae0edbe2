/** The example of docs/developing.md that simulates a handler does what the page says. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { checkout, codeBlocks, textOf } from './pages.ts'

it('the handlers that docs/developing.md simulates fail and pass as it says', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'pyrallel-simulated-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const block = codeBlocks(textOf('docs/developing.md')).find(({ code }) =>
    code.startsWith('// test/charge-order.test.ts'),
  )
  assert.ok(block)
  const file = join(folder, 'charge-order.test.mts')
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
