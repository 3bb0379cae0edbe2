import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isProtobufMissing, refuseProtobuf } from '../../../../cli/build/format-libraries.ts'
import { projectFolder } from '../test-io.ts'

describe('a build without the library of Protobuf', () => {
  it('looks for it where the package itself does', () => {
    assert.equal(isProtobufMissing(), false)
    assert.equal(isProtobufMissing(projectFolder()), true)
    const manifest = { 'node_modules/@bufbuild/protobuf/package.json': '{}' }
    assert.equal(isProtobufMissing(projectFolder(manifest)), false)
  })

  it('is refused with the next step where a schema of Protobuf is in it, and only there', () => {
    const file = 'generated/registry/orders-value.ts'
    const pulled = (format: string) =>
      `export const ordersValue = {\n  kind: 'pyrallel.schema',\n  format: '${format}',\n}\n`
    const inputs = ['handlers/orders.ts', file]
    refuseProtobuf(projectFolder({ [file]: pulled('avro') }), inputs)
    const root = projectFolder({ [file]: pulled('protobuf') })
    refuseProtobuf(root, ['handlers/orders.ts'])
    assert.throws(() => refuseProtobuf(root, inputs), {
      code: 'PYR_HANDLER_OPTION',
      message:
        'generated/registry/orders-value.ts is a schema of Protobuf, and the package @bufbuild/protobuf is not installed, so that it cannot be bundled. Run `npm install --save-exact @bufbuild/protobuf@2.17.0` in the project, then build again.',
    })
  })
})
