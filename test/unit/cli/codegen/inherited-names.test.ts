/** Names that every object in JavaScript has without anybody having given them: as topics, types, tags, options. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { generate } from '../../../../cli/codegen/generate.ts'
import { readDocTags } from '../../../../cli/codegen/schema/doc-tags.ts'
import { diagnosticText } from '../../../../cli/diagnostics/diagnostic.ts'
import { resolveConfig } from '../../../../framework/config/resolve-config.ts'
import { ownProperty } from '../../../../framework/model/own-property.ts'
import { projectOnDisk } from './project-on-disk.ts'

const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']

describe('names of Object.prototype', () => {
  it('are topics like any other: each has its schema in generated/, and none that it was not given', async () => {
    const topics = names.map((name, index) => `export const t${index} = topic<{ n${index}: string }>('${name}')`)
    const root = projectOnDisk({
      'handlers/a.ts': `import { handler, topic } from 'pyrallel'\n${topics.join('\n')}\nexport default handler(t0, () => {})\n`,
    })
    const { files, diagnostics } = await generate(root, 'shop')
    assert.deepEqual(diagnostics.map(diagnosticText), [])
    const text = files.find(({ path }) => path === 'generated/schemas.ts')?.content ?? ''
    const file = join(root, 'schemas.ts')
    writeFileSync(file, text.replace("'pyrallel'", `'${import.meta.resolve('typebox')}'`))
    const { topicSchemas } = (await import(pathToFileURL(file).href)) as {
      readonly topicSchemas: Readonly<Record<string, { readonly properties: object }>>
    }
    for (const [index, name] of names.entries()) {
      assert.deepEqual(Object.keys(ownProperty(topicSchemas, name)?.properties ?? {}), [`n${index}`], name)
    }
    assert.equal(ownProperty(topicSchemas, 'isPrototypeOf'), undefined)
  })

  it('are properties like any other, which may be missing or not', async () => {
    const root = projectOnDisk({
      'handlers/a.ts': `import { handler, topic } from 'pyrallel'
interface Value { toString: string; constructor?: string; valueOf?: number; hasOwnProperty: string | undefined }
export default handler(topic<Value>('values'), () => {})
`,
    })
    const { files, diagnostics } = await generate(root, 'shop')
    assert.deepEqual(diagnostics.map(diagnosticText), [])
    const text = files.find(({ path }) => path === 'generated/schemas.ts')?.content ?? ''
    for (const property of [
      'toString: Type.String()',
      'valueOf: Type.Optional(Type.Number())',
      'hasOwnProperty: Type.Optional(Type.String())',
    ]) {
      assert.ok(text.includes(property), `${property} is not in ${text}`)
    }
  })

  it('are no constraints when they stand in a comment', () => {
    const { constraints, mistakes } = readDocTags(
      '/** What it is.\n * @constructor\n * @toString now\n * @minLength 1 */',
    )
    assert.deepEqual([constraints, mistakes], [{ minLength: 1 }, []])
  })

  it('are unknown options in a config, and change no object', () => {
    for (const name of names) {
      const config = JSON.parse(`{ "group": "shop", "limits": { "${name}": { "maxRecords": 7 } } }`)
      assert.throws(() => resolveConfig(config, 'the test'), { message: new RegExp(`no option limits.${name}`) }, name)
    }
  })
})
