/** `pyrallel build`: what it refuses before it reads a handler. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { main } from '../../../../cli/main.ts'
import { projectFolder, testIo } from '../test-io.ts'

describe('pyrallel build', () => {
  it("refuses a project that Yarn has installed as Plug'n'Play, in a workspace too, and says what to write", async () => {
    const config = "export default { group: 'shop' }\n"
    const root = projectFolder({
      '.pnp.cjs': '',
      'pyrallel.config.ts': config,
      'services/a/pyrallel.config.ts': config,
    })
    for (const folder of [root, join(root, 'services/a')]) {
      const io = testIo(folder)
      assert.equal(await main(['build'], io), 2)
      assert.match(io.err(), /PYR_USAGE/)
      assert.ok(io.err().includes(join(root, '.pnp.cjs')) && io.err().includes('nodeLinker: node-modules'), io.err())
    }
  })
})
