import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

const audit = fileURLToPath(new URL('../../.ci/audit.mjs', import.meta.url))

/** Runs the audit with an npm that answers with `answer`, and tells what that npm was asked. */
function auditWith(t: TestContext, answer: string): { code: number | null; output: string; asked: string } {
  const folder = mkdtempSync(join(tmpdir(), 'pyrallel-audit-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'answer'), answer)
  const script = `#!/bin/sh\necho "$@" >&2\necho "$@" > '${folder}/asked'\ncat '${folder}/answer'\nexit 1\n`
  writeFileSync(join(folder, 'npm'), script, { mode: 0o755 })
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` }
  const { status, stdout, stderr } = spawnSync(process.execPath, [audit], { encoding: 'utf8', env })
  const asked = readFileSync(join(folder, 'asked'), 'utf8')
  return { code: status, output: stdout + stderr, asked }
}

describe('npm run audit', () => {
  it('fails for each vulnerability that the registry tells, with its name, severity and address', (t) => {
    const { code, output } = auditWith(
      t,
      JSON.stringify({
        vulnerabilities: {
          tar: {
            name: 'tar',
            severity: 'high',
            range: '<7.5.4',
            nodes: ['node_modules/pino'],
            via: [{ title: 'writes outside of its folder', url: 'https://example.org/GHSA-1' }],
          },
          outer: {
            name: 'outer',
            severity: 'moderate',
            range: '*',
            via: ['tar'],
            nodes: ['node_modules/@platformatic/kafka'],
          },
          ours: {
            name: 'ours',
            severity: 'low',
            range: '*',
            via: ['tar'],
            nodes: ['node_modules/@platformatic/wasm-utils'],
          },
          tool: { name: 'tool', severity: 'high', range: '*', via: ['tar'], nodes: ['node_modules/@biomejs/biome'] },
        },
      }),
    )
    assert.equal(code, 1)
    assert.match(output, /high: tar <7\.5\.4: writes outside of its folder, https:\/\/example\.org\/GHSA-1/)
    // An optional dependency that is one of development, too, and what it brings; what is of development alone is nobody's but ours.
    assert.match(output, /moderate: outer \*: by tar/)
    assert.match(output, /low: ours \*: by tar/)
    assert.doesNotMatch(output, /tool/)
    assert.match(output, /audit: 3 production dependencies/)
  })

  it('passes when there is none, and asks about all that the lock has', (t) => {
    const { code, output, asked } = auditWith(t, JSON.stringify({ vulnerabilities: {} }))
    assert.equal(code, 0, output)
    assert.match(output, /audit: 0 production dependencies/)
    assert.match(asked, /^audit --package-lock-only --json/)
  })

  for (const answer of [JSON.stringify({ message: '405 Method Not Allowed' }), '', 'not JSON']) {
    it(`says that it was left out when npm answers ${answer === '' ? 'nothing' : answer}`, (t) => {
      const { code, output } = auditWith(t, answer)
      assert.equal(code, 0, output)
      assert.match(output, /LEFT OUT: .*(405 Method Not Allowed|no answer)/)
    })
  }
})
