/** Which packages of a project count as ones with machine code, by their manifests. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nativePackages } from '../../../../cli/bundle/native-packages.ts'
import { projectFolder } from '../test-io.ts'

const manifest = (fields: object) => JSON.stringify({ version: '1.0.0', ...fields })

describe('packages with machine code', () => {
  it('are told from those whose manifest says that nothing can be imported of them', () => {
    const root = projectFolder({
      'package.json': JSON.stringify({ dependencies: { types: '*', odd: '*', addon: '*' } }),
      // As dunder-proto and math-intrinsics have it.
      'node_modules/types/package.json': manifest({ name: 'types', main: false }),
      'node_modules/odd/package.json': manifest({ name: 'odd', main: { index: 'index.node' } }),
      'node_modules/addon/package.json': manifest({ name: 'addon', main: 'lib/addon.node' }),
    })
    assert.deepEqual(
      nativePackages(root).map(({ name }) => name),
      ['addon'],
    )
  })
})
