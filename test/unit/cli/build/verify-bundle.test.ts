/** What is imported to verify a build cannot connect, sees no secret, and cannot hold the build for ever. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { verifyBundle } from '../../../../cli/build/verify-bundle.ts'
import { projectFolder } from '../test-io.ts'

function verify(files: Readonly<Record<string, string>>, limitMs?: number) {
  const folder = projectFolder(files)
  const request = { folder, shown: 'dist', files: Object.keys(files), outside: [] }
  return verifyBundle(limitMs === undefined ? request : { ...request, limitMs })
}

const messages = (found: readonly { readonly message: string }[]) => found.map(({ message }) => message)

describe('the verification of a build', () => {
  it('is silent where everything can be imported', async () => {
    const found = await verify({ 'app.mjs': "import './chunks/a.mjs'", 'chunks/a.mjs': '', 'workers/b.mjs': '' })
    assert.deepEqual(found, { failures: [], warnings: [] })
  })

  it('connects to nothing, in threads neither, and gives no variable but what Node needs', async () => {
    const code = `import net from 'node:net'
const refused = await new Promise((resolve) => net.connect(9, '127.0.0.1').on('error', (error) => resolve(error.message)))
throw new Error(refused + ' ' + process.env.SHOP_TOKEN)`
    process.env.SHOP_TOKEN = 'secret'
    try {
      const { failures, warnings } = await verify({ 'app.mjs': '', 'chunks/a.mjs': code, 'workers/b.mjs': `${code} ` })
      assert.deepEqual(failures, [])
      assert.equal(warnings.length, 1)
      assert.match(messages(warnings)[0] ?? '', /Error: connect ECONNREFUSED: a build connects to nothing undefined\./)
    } finally {
      delete process.env.SHOP_TOKEN
    }
  })

  it('fails for each way in which something is not there, with the package', async () => {
    const { failures, warnings } = await verify({
      'app.mjs': "import 'not-there'",
      'chunks/a.mjs': 'export const here = __dirname',
      'chunks/b.mjs': "import { nothing } from 'node:fs'\nnothing()",
      'workers/c.mjs': "import './gone.mjs'",
    })
    assert.deepEqual(warnings, [])
    const [app = '', a = '', b = '', c = ''] = messages(failures)
    assert.match(app, /would die at its start: Error: Cannot find package 'not-there'/)
    assert.match(a, /__dirname is not defined/)
    assert.match(b, /does not provide an export named 'nothing'/)
    assert.match(c, /Cannot find module .*gone\.mjs/)
    assert.match(failures[0]?.fix ?? '', /npm install not-there/)
  })

  it('ends what hangs, and tells what ends the process', async () => {
    const hanging = await verify({ 'app.mjs': 'setInterval(() => {}, 1000)\nawait new Promise(() => {})' }, 2_000)
    assert.deepEqual(messages(hanging.warnings), [
      'app.mjs is not imported after 2 s. What comes after it was not tried.',
    ])
    const exiting = await verify({ 'app.mjs': 'process.exit(3)' })
    assert.deepEqual(messages(exiting.warnings), ['app.mjs ended the process (3). What comes after it was not tried.'])
  })
})
