/** The test that the console writes of a record: it runs as it is, and fails as the record failed. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { testOf } from '../../framework/console/record-copies.ts'
import { commandFile, installPackage } from '../source-package.ts'
import { emptyFolder } from '../unit/cli/test-io.ts'
import { project } from './shop-project.ts'

const bytes = (text: string) => Buffer.from(text)

/** Values of the shop's `{ total: number }`, and what the test of each must say: undefined where it passes. */
const values: readonly (readonly [name: string, value: Buffer | null, says: RegExp | undefined])[] = [
  ['handled', bytes('{"total":5}'), undefined],
  ['thrown', bytes('{"total":2000}'), /RangeError: no fee is known[\s\S]*fees\.ts:3/],
  ['refused', bytes('{"total":-1}'), /DeadLetter: a negative total/],
  ['misfit', bytes('{"total":"5"}'), /total/],
  ['undecodable', Buffer.from([0xff, 0x7b]), /JSON/],
]

describe('the test that the console writes of a record', { timeout: 120_000 }, () => {
  it('runs as it is in a project, and fails as the record failed', () => {
    const root = emptyFolder()
    for (const [file, text] of Object.entries({ ...project, 'package.json': '{ "name": "shop", "type": "module" }' })) {
      mkdirSync(join(root, file, '..'), { recursive: true })
      writeFileSync(join(root, file), text)
    }
    installPackage(root, ['typebox', 'tsx'])
    const generated = spawnSync(process.execPath, [commandFile, 'generate'], { cwd: root, encoding: 'utf8' })
    assert.equal(generated.status, 0, generated.stderr)
    mkdirSync(join(root, 'test'))
    for (const [index, [name, value]] of values.entries()) {
      const headers = [
        ['source', bytes("it's\n")],
        ['empty', null],
      ] as const
      const record = { topic: 'orders', partition: 2, offset: index, timestamp: 5, key: bytes('c1'), headers, value }
      writeFileSync(join(root, `test/${name}.test.ts`), testOf(record, { handlerId: 'pay', group: 'shop' }, 2))
    }
    const { NODE_TEST_CONTEXT: _t, NODE_OPTIONS: _o, ...env } = process.env
    const flags = ['--import', 'tsx', '--test', '--test-reporter', 'tap']
    const files = values.map(([name]) => `test/${name}.test.ts`)
    const run = spawnSync(process.execPath, [...flags, ...files], { cwd: root, env, encoding: 'utf8' })
    for (const [index, [name, , says]] of values.entries()) {
      const found = new RegExp(
        `^ *(ok|not ok) \\d+ - pay handles orders\\[2\\]@${index}\\n *---\\n([^]*?)\\n *\\.\\.\\.$`,
        'm',
      )
      const [, verdict, facts = ''] = found.exec(run.stdout) ?? assert.fail(`${name}\n${run.stdout}${run.stderr}`)
      assert.equal(verdict, says === undefined ? 'ok' : 'not ok', name)
      if (says !== undefined) assert.match(facts, says, name)
    }
  })
})
