/** Where the library of Protobuf is not installed: everything else works, and a value in Protobuf says what to install. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { PROTOBUF_VERSION } from '../../../framework/formats/protobuf/protobuf-library.ts'

const url = (path: string) => new URL(path, import.meta.url)

describe('the library of Protobuf', { timeout: 60_000 }, () => {
  it('is asked for by the first value that needs it, with the command that installs it', () => {
    const script = `import { avro, handler } from ${JSON.stringify(url('../../../framework/index.ts').href)}
import { loadCodec } from ${JSON.stringify(url('../../../framework/formats/value-codec.ts').href)}
if (typeof avro !== 'function' || typeof handler !== 'function') throw new Error('nothing works')
await loadCodec({ format: 'protobuf' }).catch(({ code, message }) => console.log(code, message))`
    const blocked = fileURLToPath(url('no-protobuf.mjs'))
    const argv = ['--import', 'tsx', '--import', blocked, '--input-type=module', '--eval', script]
    const said = execFileSync(process.execPath, argv, { encoding: 'utf8' })
    assert.match(
      said,
      /^PYR_HANDLER_OPTION Values in Protobuf need the package @bufbuild\/protobuf, which cannot be loaded: /,
    )
    assert.match(said, /Run `npm install --save-exact @bufbuild\/protobuf@2\.17\.0` in the project\.\n$/)
  })

  it('has the version that package.json names', () => {
    const { optionalDependencies } = JSON.parse(readFileSync(url('../../../package.json'), 'utf8'))
    assert.equal(optionalDependencies['@bufbuild/protobuf'], PROTOBUF_VERSION)
  })
})
