/** What stays outside of a bundle because it looks beside its own file. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BoundPackages } from '../../../../cli/build/bound-packages.ts'
import { projectFolder } from '../test-io.ts'

const manifest = (name: string) => JSON.stringify({ name, version: '1.0.0' })

/** A project whose handler imports the package, the file of which looks beside itself. */
function boundCode(name: string, file: string) {
  const path = `node_modules/${name}/${file}`
  const root = projectFolder({
    'package.json': JSON.stringify({ dependencies: { [name]: '1.0.0' } }),
    [`node_modules/${name}/package.json`]: manifest(name),
    [path]: 'export const here = import.meta.url\n',
  })
  const inputs = new Map([
    ['handlers/a.ts', [path]],
    [path, []],
  ])
  return new BoundPackages(root).of({ uses: [{ input: path, what: 'import.meta.url' }], inputs })
}

describe('a package whose code looks beside its own file', () => {
  it('stays outside of the bundle', () => {
    const { outside, warnings } = boundCode('looks-around', 'index.js')
    assert.deepEqual([outside.map(({ name }) => name), warnings], [['looks-around'], []])
  })

  it('is bundled without a word where it is Pyrallel, as a registry has it', () => {
    const { outside, warnings } = boundCode('pyrallel', 'dist/framework/pool-thread.js')
    assert.deepEqual([outside.map(({ name }) => name), warnings], [[], []])
  })
})
