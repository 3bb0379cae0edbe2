/** What comments say of values is kept wherever a type is written by name: random types of all forms, judged by what the grammar itself knows. */
import assert from 'node:assert/strict'
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { generate } from '../../../../cli/codegen/generate.ts'
import { schemaText } from '../../../../cli/codegen/render/render-schemas.ts'
import { diagnosticText } from '../../../../cli/diagnostics/diagnostic.ts'
import { projectOnDisk, scan } from './project-on-disk.ts'
import { type Json, mutated } from './random-types.ts'

const TYPES = 400
const VALUES = 12

/** What types are imported from, in each of the ways in which that can be done. */
const elsewhere: Readonly<Record<string, string>> = {
  'tsconfig.json': '{ "compilerOptions": { "module": "nodenext" } }',
  'shared.ts':
    '/** @pattern ^[A-Z]{3}$ */ export type Sku = string\nexport interface Sized { /** @minLength 2 */ readonly size: string }\n',
  'shop.d.ts':
    '/** @minLength 2 */ type ShopName = string\ndeclare namespace Shop { /** @minimum 1 @maximum 5 */ type Count = number }\n',
  'schemas.ts':
    "import { Type } from 'typebox'\nexport const sku = Type.String({ pattern: '^[A-Z]{3}$' })\nexport const sized = Type.Object({ size: Type.String({ minLength: 2 }) })\n",
  'node_modules/goods/package.json': '{ "name": "goods", "version": "1.0.0", "type": "module", "types": "index.d.ts" }',
  'node_modules/goods/index.d.ts': '/** @pattern ^[A-Z]{3}$ */ export type Sku = string\n',
}

const declarations = `
import type { Static } from 'typebox'
import type * as goods from 'goods'
import type * as schemas from '../schemas.ts'
import { sized } from '../schemas.ts'
import type * as shared from '../shared.ts'
/** @pattern ^[A-Z]{3}$ */ type Sku = string
/** @minLength 2 */ type Name = string
/** @minimum 1 @maximum 5 */ type Count = number
type Code = Sku
/** @maxItems 1 */ type Skus = Sku[]
type Branded = Name & { readonly __brand: 'name' }
type Box<T = Sku> = { readonly v: T }
interface Page<T> { /** @maxItems 2 */ readonly items: T[]; readonly next?: T }
interface Leaf<T> extends Page<T> { readonly leaf: T }
type Maybe<T> = T | null
type Same<T> = { [K in keyof T]: T[K] }
type Nulls<T> = { [K in keyof T]: T[K] | null }
type Deep<T> = T extends string | number | null ? T : { readonly [K in keyof T]: Deep<T[K]> }
type Elements<T> = T extends readonly (infer U)[] ? { readonly each: U } : never
`

/** How it is written, what has it, and values that have it. `fields`: of an object, so that others can pick and leave out. */
interface Form {
  readonly text: string
  readonly accepts: (value: Json) => boolean
  readonly values: fc.Arbitrary<Json>
  readonly fields?: readonly Field[]
}

interface Field {
  readonly name: string
  readonly form: Form
  readonly isOptional: boolean
}

const texts = fc.constantFrom('ABC', 'XYZ', 'ab', 'abc', 'a', '')
const numbers = fc.constantFrom(0, 1, 3, 5, 6)
const text = (written: string, accepts: (value: string) => boolean): Form => ({
  text: written,
  accepts: (value) => typeof value === 'string' && accepts(value),
  values: texts.filter(accepts),
})

const isSku = (value: string) => /^[A-Z]{3}$/.test(value)
const sku = text('Sku', isSku)
const leaves: readonly Form[] = [
  sku,
  text('Code', isSku),
  text('Name', (value) => value.length >= 2),
  text('Branded', (value) => value.length >= 2),
  text('string', () => true),
  {
    text: 'Count',
    accepts: (value) => typeof value === 'number' && value >= 1 && value <= 5,
    values: fc.constantFrom(1, 3, 5),
  },
  list('Skus', sku, 1),
  text("Sku & { readonly __brand: 'sku' }", isSku),
  text("import('../shared.ts').Sku", isSku),
  text('shared.Sku', isSku),
  text("shared.Sized['size']", (value) => value.length >= 2),
  text('goods.Sku', isSku),
  text('ShopName', (value) => value.length >= 2),
  {
    text: 'Shop.Count',
    accepts: (value) => typeof value === 'number' && value >= 1 && value <= 5,
    values: fc.constantFrom(1, 5),
  },
  text('Static<typeof schemas.sku>', isSku),
]

function list(written: string, items: Form, most = Number.POSITIVE_INFINITY): Form {
  return {
    text: written,
    accepts: (value) => Array.isArray(value) && value.length <= most && value.every(items.accepts),
    values: fc.array(items.values, { maxLength: Math.min(most, 2) }),
  }
}

function nullable(written: string, form: Form): Form {
  return {
    text: written,
    accepts: (value) => value === null || form.accepts(value),
    values: fc.oneof(form.values, fc.constant(null)),
  }
}

function either(forms: readonly Form[]): Form {
  return {
    text: forms.map((form) => `(${form.text})`).join(' | '),
    accepts: (value) => forms.some((form) => form.accepts(value)),
    values: fc.oneof(...forms.map((form) => form.values)),
  }
}

const isObject = (value: Json): value is { readonly [name: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function record(written: string, form: Form): Form {
  return {
    text: written,
    accepts: (value) => isObject(value) && Object.values(value).every(form.accepts),
    values: fc.dictionary(fc.constantFrom('a', 'b', 'c'), form.values, { maxKeys: 2 }),
  }
}

function tuple(items: readonly Form[], rest: Form | null): Form {
  const more = rest === null ? '' : `, ...(${rest.text})[]`
  const ends = (value: readonly Json[]) =>
    rest === null ? value.length === items.length : value.slice(items.length).every(rest.accepts)
  return {
    text: `[${items.map((item) => item.text).join(', ')}${more}]`,
    accepts: (value) =>
      Array.isArray(value) &&
      value.length >= items.length &&
      items.every((item, index) => item.accepts(value[index] as Json)) &&
      ends(value as readonly Json[]),
    values: fc
      .tuple(
        fc.tuple(...items.map((item) => item.values)),
        rest === null ? fc.constant([]) : fc.array(rest.values, { maxLength: 2 }),
      )
      .map(([first, others]) => [...first, ...others]),
  }
}

/** `[(form)?]` */
function perhaps(form: Form): Form {
  return {
    text: `[(${form.text})?]`,
    accepts: (value) => Array.isArray(value) && value.length <= 1 && value.every(form.accepts),
    values: fc.array(form.values, { maxLength: 1 }),
  }
}

function object(written: string | undefined, fields: readonly Field[]): Form {
  const own = fields.map(({ name, form, isOptional }) => `readonly ${name}${isOptional ? '?' : ''}: ${form.text}`)
  return {
    text: written ?? `{ ${own.join('; ')} }`,
    accepts: (value) =>
      isObject(value) &&
      fields.every(({ name, form, isOptional }) => {
        const found = value[name]
        return found === undefined ? isOptional : form.accepts(found)
      }),
    values: fc.record(Object.fromEntries(fields.map(({ name, form }) => [name, form.values])), {
      requiredKeys: fields.filter(({ isOptional }) => !isOptional).map(({ name }) => name),
    }),
    fields,
  }
}

const size = text('', (value) => value.length >= 2)
const field = (name: string, form: Form, isOptional = false): Field => ({ name, form, isOptional })
const page = (form: Form): readonly Field[] => [field('items', list('', form, 2)), field('next', form, true)]
const required = (form: Form) => form.fields?.find(({ isOptional }) => !isOptional)

const { form: anyForm } = fc.letrec<{ form: Form; object: Form }>((tie) => ({
  form: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(...leaves),
    tie('object'),
    tie('form').map((form) => list(`(${form.text})[]`, form)),
    tie('form').map((form) => list(`ReadonlyArray<${form.text}>`, form)),
    tie('form').map((form) => list(`readonly (${form.text})[]`, form)),
    tie('form').map(perhaps),
    tie('form').map((form) => record(`Record<string, ${form.text}>`, form)),
    tie('form').map((form) => record(`{ readonly [name: string]: ${form.text} }`, form)),
    tie('form').map((form) => nullable(`Maybe<${form.text}>`, form)),
    fc.array(tie('form'), { minLength: 2, maxLength: 3 }).map(either),
    fc
      .tuple(fc.array(tie('form'), { minLength: 1, maxLength: 2 }), fc.option(tie('form')))
      .map(([all, rest]) => tuple(all, rest)),
    // Indexed access, to a property, to the elements of an array, and to an element of a tuple.
    tie('object').map((form) => {
      const found = required(form)
      return found === undefined ? form : { ...found.form, text: `(${form.text})['${found.name}']` }
    }),
    fc.constantFrom(...leaves).map((form) => ({ ...form, text: `(${form.text})[][number]` })),
    fc.constantFrom(...leaves).map((form) => ({ ...form, text: `[${form.text}, null][0]` })),
    // Conditional types.
    fc.constantFrom(...leaves).map((form) => ({ ...form, text: `NonNullable<Maybe<${form.text}>>` })),
    fc.constantFrom(...leaves).map((form) => ({ ...form, text: `Exclude<${form.text} | null, null>` })),
    fc
      .constantFrom(...leaves)
      .map((form) => ({ ...form, text: `Extract<${form.text} | null, string | number | unknown[]>` })),
    tie('form').map((form) => object(`Elements<(${form.text})[]>`, [field('each', form)])),
  ),
  object: fc.oneof(
    { depthSize: 'small' },
    fc
      .uniqueArray(fc.record({ name: fc.constantFrom('a', 'b', 'c'), form: tie('form'), isOptional: fc.boolean() }), {
        selector: ({ name }) => name,
        minLength: 1,
        maxLength: 3,
      })
      .map((fields) => object(undefined, fields)),
    tie('form').map((form) => object(`Box<${form.text}>`, [field('v', form)])),
    fc.constant(object('Box', [field('v', sku)])),
    fc.constantFrom('Static<typeof sized>', 'shared.Sized').map((written) => object(written, [field('size', size)])),
    tie('form').map((form) => object(`Page<${form.text}>`, page(form))),
    tie('form').map((form) => object(`Leaf<${form.text}>`, [...page(form), field('leaf', form)])),
    tie('form').map((form) => object(`Record<'a' | 'b', ${form.text}>`, [field('a', form), field('b', form)])),
    fc
      .tuple(fc.constantFrom('Readonly', 'Same', 'Deep'), tie('object'))
      .map(([helper, form]) => object(`${helper}<${form.text}>`, form.fields ?? [])),
    tie('object').map((form) =>
      object(
        `Nulls<${form.text}>`,
        (form.fields ?? []).map((each) => ({ ...each, form: nullable('', each.form) })),
      ),
    ),
    fc.tuple(fc.constantFrom('Partial', 'Required'), tie('object')).map(([helper, form]) =>
      object(
        `${helper}<${form.text}>`,
        (form.fields ?? []).map((each) => ({ ...each, isOptional: helper === 'Partial' })),
      ),
    ),
    tie('object').map((form) => {
      const [first] = form.fields ?? []
      return first === undefined ? form : object(`Pick<${form.text}, '${first.name}'>`, [first])
    }),
    tie('object').map((form) => {
      const [first, ...others] = form.fields ?? []
      return first === undefined || others.length === 0 ? form : object(`Omit<${form.text}, '${first.name}'>`, others)
    }),
    fc.tuple(tie('object'), tie('form')).map(([form, other]) => {
      // Two types for one name could exclude each other.
      if (form.fields?.some(({ name }) => name === 'more') === true) return form
      return object(`(${form.text}) & { readonly more: ${other.text} }`, [...(form.fields ?? []), field('more', other)])
    }),
  ),
}))

interface Judged {
  readonly form: Form
  readonly schema: TSchema
}

/** What the generator makes of each type. One that it refuses, because it cannot follow how it is written, is left out. */
async function judged(forms: readonly Form[]): Promise<readonly Judged[]> {
  const types = forms.map((form, index) => `export type T${index} = ${form.text}`)
  const topics = forms.map((_, index) => `export const t${index} = topic<T${index}>('t${index}')`)
  const root = projectOnDisk({
    ...elsewhere,
    'handlers/_types.ts': `import { topic } from 'pyrallel'\n${declarations}\n${types.join('\n')}\n${topics.join('\n')}\n`,
    'handlers/a.ts':
      "import { handler } from 'pyrallel'\nimport { t0 } from './_types.ts'\nexport default handler(t0, () => {})\n",
  })
  symlinkSync(join(import.meta.dirname, '../../../../node_modules/typebox'), join(root, 'node_modules/typebox'), 'dir')
  const { files, diagnostics } = await generate(root, 'shop')
  if (diagnostics.length > 0) {
    for (const each of diagnostics) assert.match(each.message, /it would be lost\.$/, diagnosticText(each))
    if (forms.length === 1) return []
    // Those that are named are left out; where others are, half by half.
    const refused = diagnostics.map(({ message }) => Number(/^`T(\d+)\b/.exec(message)?.[1] ?? Number.NaN))
    if (!refused.some(Number.isNaN)) return judged(forms.filter((_, index) => !refused.includes(index)))
    const half = Math.ceil(forms.length / 2)
    return [...(await judged(forms.slice(0, half))), ...(await judged(forms.slice(half)))]
  }
  const schemas = files.find(({ path }) => path === 'generated/schemas.ts')?.content ?? ''
  const file = join(root, 'schemas.ts')
  writeFileSync(file, schemas.replace("'pyrallel'", `'${import.meta.resolve('typebox')}'`))
  const { topicSchemas } = (await import(pathToFileURL(file).href)) as {
    readonly topicSchemas: Readonly<Record<string, TSchema>>
  }
  return forms.map((form, index) => ({ form, schema: topicSchemas[`t${index}`] as TSchema }))
}

describe('constraints', () => {
  // PROPERTY_SEED=n tries other types.
  const seed = Number(process.env.PROPERTY_SEED ?? 20_261_128)

  it(`are kept in every form in which a type can be written by name (seed ${seed})`, async (t) => {
    const began = performance.now()
    const forms = fc.sample(anyForm, { numRuns: TYPES, seed })
    const kept = await judged(forms)
    // Nothing is lost in silence; and what people write is not refused.
    assert.ok(kept.length >= TYPES * 0.98, `${TYPES - kept.length} of ${TYPES} types are refused`)
    let accepted = 0
    const mismatches = kept.flatMap(({ form, schema }, index) => {
      const validator = Compile(schema)
      const some = fc.oneof({ weight: 1, arbitrary: form.values }, { weight: 2, arbitrary: form.values.chain(changed) })
      return fc.sample(some, { numRuns: VALUES, seed: seed + index }).flatMap((value) => {
        const isRight = form.accepts(value)
        if (isRight) accepted++
        const said = `${isRight ? 'refused' : 'accepted'}: ${JSON.stringify(value)} for ${form.text}`
        return validator.Check(value) === isRight ? [] : [said]
      })
    })
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    t.diagnostic(
      `${TYPES} types tried, ${TYPES - kept.length} refused, ${kept.length * VALUES} values, ${mismatches.length} mismatches, ${seconds} s`,
    )
    assert.deepEqual(mismatches, [])
    const share = accepted / (kept.length * VALUES)
    assert.ok(share > 0.25 && share < 0.75, `${share} of the values are right`)
  })

  for (const [type, where] of [
    ['First<[Sku, Name]>; type First<T> = T extends [infer A, ...unknown[]] ? A : never', 'T0'],
    ['{ a: Wrapped<Box<Sku>> }; type Wrapped<T> = T extends { readonly v: infer V } ? V : never', 'T0.a'],
  ] as const) {
    it(`are refused where they cannot be followed, with the place: ${type}`, async () => {
      const [written = '', helper = ''] = type.split('; ')
      const { diagnostics } = await scanned(`${helper}\nexport type T0 = ${written}`)
      assert.deepEqual(
        diagnostics.map(({ code, message }) => `${code} ${message}`),
        [
          `PYR_TYPE \`${where}\` is written with \`Sku\`, whose constraint cannot be followed to here: it would be lost.`,
        ],
      )
    })
  }

  it('of names of a record are kept as a pattern, and refused where they are something else', async () => {
    const { definitions, diagnostics } = await scanned('export type T0 = Record<Sku, Count>')
    assert.deepEqual(diagnostics, [])
    const node = definitions.find(({ name }) => name === 'T0')?.node
    assert.equal(
      node === undefined ? '' : schemaText(node, new Set()).replaceAll(/\s+/g, ' '),
      "Type.Object({}, { patternProperties: { '^[A-Z]{3}$': Type.Number({ minimum: 1, maximum: 5 }), }, additionalProperties: Type.Never(), })",
    )
    const { diagnostics: refused } = await scanned('export type T0 = Record<Name, Count>')
    assert.match(refused[0]?.message ?? '', /^`T0` has names that are written with constraints other than one @pattern/)
  })

  it('of a property and its type add up, and are refused where they exclude each other', async () => {
    const of = async (comment: string) =>
      await scanned(`export interface T0 { /** ${comment} */ readonly count: Count; readonly code: Sku }`)
    const { definitions, diagnostics } = await of('@minimum 0 @maximum 3')
    assert.deepEqual(diagnostics, [])
    const node = definitions.find(({ name }) => name === 'T0')?.node
    assert.match(
      node === undefined ? '' : schemaText(node, new Set()),
      /count: Type.Number\(\{ minimum: 1, maximum: 3 \}\)/,
    )
    const { diagnostics: clash } = await of('@minimum 6')
    assert.match(
      clash[0]?.message ?? '',
      /`T0.count` has @minimum 6 and @maximum 5, from its own comment and that of its type/,
    )
  })

  it('tell two uses of a generic type apart that the compiler takes for one', async () => {
    const { definitions } = await scanned('export type T0 = { readonly a: Page<Sku>; readonly b: Page<string> }')
    assert.deepEqual(
      definitions.map(({ name }) => name),
      ['PageOfSku', 'PageOfString', 'T0'],
    )
  })
})

async function scanned(types: string) {
  return scan({
    ...elsewhere,
    'node_modules/typebox/index.d.ts': 'export declare const Type: never\nexport type Static<T> = never\n',
    'handlers/a.ts': `import { handler, topic } from 'pyrallel'\n${declarations}\n${types}\nexport default handler(topic<T0>('values'), () => {})\n`,
  })
}

/** Another text, number or list in one place: what breaks a constraint, and nothing else. */
function changed(value: Json): fc.Arbitrary<Json> {
  if (typeof value === 'string') return texts
  if (typeof value === 'number') return numbers
  if (Array.isArray(value))
    return fc.oneof(inside(value), fc.constant([...value, ...value, ...value] as Json), mutated(value))
  if (isObject(value) && Object.keys(value).length > 0) return fc.oneof(inside(value), mutated(value))
  return mutated(value)
}

function inside(value: Json): fc.Arbitrary<Json> {
  if (typeof value !== 'object' || value === null) return changed(value)
  const entries = Object.entries(value)
  if (entries.length === 0) return fc.constant(value)
  return fc.nat(entries.length - 1).chain((at) => {
    const [name, part] = entries[at] as [string, Json]
    return changed(part).map((other) => {
      if (Array.isArray(value)) return (value as readonly Json[]).with(at, other)
      return { ...value, [name]: other } as Json
    })
  })
}
