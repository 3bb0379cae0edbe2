/** A derived schema accepts exactly the JSON values that TypeScript would assign to the type: random types, random values, judged by `tsc`. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import fc from 'fast-check'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { generate, writeFiles } from '../../../../cli/codegen/generate.ts'
import { diagnosticText } from '../../../../cli/diagnostics/diagnostic.ts'
import { exampleProject } from './example-project.ts'
import { projectOnDisk } from './project-on-disk.ts'
import { type Json, mutated, type RandomType, randomTypes, typeOfValue } from './random-types.ts'

const checkout = fileURLToPath(new URL('../../../..', import.meta.url))
const TYPES = 300
const VALUES = 12

interface Case {
  readonly type: number
  readonly value: Json
  readonly isAccepted: boolean
}

describe('a derived schema', () => {
  // PROPERTY_SEED=n tries other types.
  const seed = Number(process.env.PROPERTY_SEED ?? 20_261_123)

  it(`accepts what TypeScript assigns to the type, and nothing else (seed ${seed})`, async () => {
    const [types = []] = fc.sample(randomTypes(TYPES), { numRuns: 1, seed })
    const validators = await derived(types)
    const cases = types.flatMap((type, index) =>
      casesOf(type, index, seed).map((value): Case => {
        return { type: index, value, isAccepted: validators[index]?.Check(value) === true }
      }),
    )
    const accepted = cases.filter(({ isAccepted }) => isAccepted).length
    assert.ok(accepted > cases.length / 4 && accepted < (cases.length * 3) / 4, `${accepted} of ${cases.length}`)
    assert.deepEqual(judged(types, cases), [])
  })
})

/** Values of the type, values that nearly are, and values of another type. */
function casesOf(type: RandomType, index: number, seed: number): readonly Json[] {
  const some = fc.oneof(
    { weight: 1, arbitrary: type.values(3) },
    { weight: 2, arbitrary: type.values(3).chain(mutated) },
  )
  return fc.sample(some, { numRuns: VALUES, seed: seed + index })
}

const declarations = (types: readonly RandomType[]) =>
  ['export enum Level { Low, High = 5 }', ...types.map(({ text }, index) => `export type T${index} = ${text}`)].join(
    '\n',
  )

/** What the generated schemas.ts holds for each type. */
async function derived(types: readonly RandomType[]) {
  const topics = types.map((_, index) => `export const t${index} = topic<T${index}>('t${index}')`)
  const root = projectOnDisk({
    'handlers/_types.ts': `import { topic } from 'pyrallel'\n${declarations(types)}\n${topics.join('\n')}\n`,
    'handlers/a.ts':
      "import { handler } from 'pyrallel'\nimport { t0 } from './_types.ts'\nexport default handler(t0, () => {})\n",
  })
  const { files, diagnostics } = await generate(root, 'shop')
  assert.deepEqual(diagnostics.map(diagnosticText), [])
  const schemas = files.find(({ path }) => path === 'generated/schemas.ts')?.content ?? ''
  const file = join(root, 'schemas.ts')
  writeFileSync(file, schemas.replace("'pyrallel'", `'${import.meta.resolve('typebox')}'`))
  const { topicSchemas } = (await import(pathToFileURL(file).href)) as {
    readonly topicSchemas: Readonly<Record<string, TSchema>>
  }
  return types.map((_, index) => {
    const schema = topicSchemas[`t${index}`]
    return schema === undefined ? undefined : Compile(schema)
  })
}

/** The cases that TypeScript judges otherwise. */
function judged(types: readonly RandomType[], cases: readonly Case[]): readonly string[] {
  const lines = cases.map(
    ({ type, value, isAccepted }, index) =>
      `export const c${index}: Is<${typeOfValue(value)}, T${type}> = ${isAccepted}`,
  )
  const head = `${declarations(types)}\nexport type Is<V, T> = [V] extends [T] ? true : false\n`
  const root = projectOnDisk({ 'cases.ts': `${head}${lines.join('\n')}\n` })
  const errors = tsc(
    root,
    { strict: true, exactOptionalPropertyTypes: true, module: 'nodenext', target: 'es2023', noEmit: true },
    ['cases.ts'],
  )
  const first = head.split('\n').length
  return errors.map((error) => {
    const line = Number(/^cases\.ts\((\d+),/.exec(error)?.[1] ?? 0)
    const found = cases[line - first]
    if (found === undefined) return error
    return `${found.isAccepted ? 'accepted' : 'refused'}: ${JSON.stringify(found.value)} for ${types[found.type]?.text}`
  })
}

describe('generated files', () => {
  it("compile under the user's strict tsc", async () => {
    const root = projectOnDisk({ ...exampleProject, 'package.json': '{ "type": "module" }' })
    const { files } = await generate(root, 'shop')
    writeFiles(root, files)
    const options = {
      target: 'es2023',
      lib: ['es2023', 'esnext.disposable'],
      module: 'nodenext',
      types: ['node'],
      typeRoots: [join(checkout, 'node_modules/@types')],
      paths: {
        pyrallel: [join(checkout, 'framework/index.ts')],
        'pyrallel/worker': [join(checkout, 'framework/execution-plane/worker/thread/worker-main.ts')],
      },
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      noImplicitOverride: true,
      noUnusedLocals: true,
      noUnusedParameters: true,
      verbatimModuleSyntax: true,
      isolatedModules: true,
      erasableSyntaxOnly: true,
      allowImportingTsExtensions: true,
      skipLibCheck: true,
      noEmit: true,
    }
    assert.deepEqual(tsc(root, options, ['generated', 'handlers']), [])
  })
})

/** @returns the errors, a line each */
function tsc(root: string, compilerOptions: object, include: readonly string[]): readonly string[] {
  writeFileSync(join(root, 'tsconfig.json'), JSON.stringify({ compilerOptions, include }))
  try {
    execFileSync(process.execPath, [join(checkout, 'node_modules/typescript/bin/tsc'), '-p', root], {
      cwd: root,
      encoding: 'utf8',
      stdio: 'pipe',
    })
    return []
  } catch (thrown) {
    const { stdout } = thrown as { readonly stdout: string }
    return stdout.split('\n').filter((line) => line.includes('error TS'))
  }
}
