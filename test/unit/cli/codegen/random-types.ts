/** Random TypeScript types as source text, and random JSON values that have them or nearly do. */
import fc from 'fast-check'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/** A type: how it is written, and values of it. `depth` keeps values of recursive types finite. */
export interface RandomType {
  readonly text: string
  readonly values: (depth: number) => fc.Arbitrary<Json>
}

const texts = ['', 'a', 'b', 'x-1', 'x--2.5', 'x-', 'x-1e3', 'a-y', '-y', 'a-b-y', 'true']
const names = ['a', 'b', 'c', 'x-1', 'two words'] as const

const leaf = (text: string, values: fc.Arbitrary<Json>): RandomType => ({ text, values: () => values })
const literal = (value: string | number | boolean) => leaf(JSON.stringify(value), fc.constant(value))
const anyText = fc.constantFrom(...texts)
const anyNumber = fc.constantFrom(0, 1, -1, 2.5, 5, 1e21)
const scalar: fc.Arbitrary<Json> = fc.oneof(anyText, anyNumber, fc.boolean(), fc.constant(null))

const leaves: fc.Arbitrary<RandomType> = fc.constantFrom(
  leaf('string', anyText),
  leaf('number', anyNumber),
  leaf('boolean', fc.boolean()),
  leaf('null', fc.constant(null)),
  leaf('unknown', scalar),
  leaf('Level', fc.constantFrom(0, 5)),
  leaf('`x-${'.concat('number}`'), fc.constantFrom('x-1', 'x--2.5', 'x-1e3')),
  leaf('`${'.concat('string}-y`'), fc.constantFrom('a-y', '-y', 'a-b-y')),
  leaf('`${'.concat("'a' | 'b'}-${", "'y'}`"), fc.constant('a-y')),
  literal('a'),
  literal('b'),
  literal(1),
  literal(true),
)

/** Declared types by number: `T3`. They are objects, and may refer to each other and to themselves. */
export function randomTypes(count: number): fc.Arbitrary<readonly RandomType[]> {
  return fc.array(objectModel(count), { minLength: count, maxLength: count }).map((bodies) => {
    const declared: RandomType[] = []
    for (const model of bodies) declared.push({ text: model.text, values: (depth) => model.values(declared)(depth) })
    return declared
  })
}

/** A type that may refer to declared ones. */
interface Model {
  readonly text: string
  readonly values: (declared: readonly RandomType[]) => RandomType['values']
}

const plain = (type: RandomType): Model => ({ text: type.text, values: () => type.values })

function objectModel(count: number): fc.Arbitrary<Model> {
  const { object } = fc.letrec<{ type: Model; object: Model }>((tie) => ({
    type: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaves.map(plain),
      fc.nat(count - 1).map(reference),
      tie('object'),
      tie('type').map(array),
      fc.array(tie('type'), { minLength: 2, maxLength: 3 }).map(union),
      fc
        .record({ items: fc.array(tie('type'), { maxLength: 3 }), required: fc.nat(3), rest: fc.option(tie('type')) })
        .map(tuple),
      tie('type').map(record),
    ),
    object: fc.oneof(
      { depthSize: 'small' },
      properties(tie('type')).map(objectOf),
      fc.tuple(properties(tie('type')), properties(tie('type'))).map(intersection),
      fc.tuple(fc.constantFrom('Partial', 'Required', 'Readonly'), properties(tie('type'))).map(mapped),
      tie('type').map(open),
    ),
  }))
  return object
}

function reference(index: number): Model {
  return {
    text: `(T${index} | null)`,
    values: (declared) => (depth) => {
      const target = depth <= 0 ? undefined : declared[index]
      return target === undefined
        ? fc.constant(null)
        : fc.oneof(
            fc.constant(null),
            fc.constant(0).chain(() => target.values(depth - 1)),
          )
    },
  }
}

function array(items: Model): Model {
  return {
    text: `readonly (${items.text})[]`,
    values: (declared) => (depth) => fc.array(items.values(declared)(depth), { maxLength: 2 }),
  }
}

function union(members: readonly Model[]): Model {
  return {
    text: members.map(({ text }) => `(${text})`).join(' | '),
    values: (declared) => (depth) => fc.oneof(...members.map((member) => member.values(declared)(depth))),
  }
}

function tuple({ items, required, rest }: { items: readonly Model[]; required: number; rest: Model | null }): Model {
  const least = Math.min(required, items.length)
  const shown = items.map(({ text }, index) => `(${text})${index < least ? '' : '?'}`)
  return {
    text: `[${[...shown, ...(rest === null ? [] : [`...(${rest.text})[]`])].join(', ')}]`,
    values: (declared) => (depth) => {
      const all = fc.tuple(...items.map((item) => item.values(declared)(depth)))
      if (rest === null)
        return fc
          .integer({ min: least, max: items.length })
          .chain((length) => all.map((values) => values.slice(0, length)))
      return fc
        .tuple(all, fc.array(rest.values(declared)(depth), { maxLength: 2 }))
        .map(([values, more]) => [...values, ...more])
    },
  }
}

function record(values: Model): Model {
  return {
    text: `Record<string, ${values.text}>`,
    values: (declared) => (depth) =>
      fc.dictionary(fc.constantFrom(...names), values.values(declared)(depth), { maxKeys: 2 }),
  }
}

interface Property {
  readonly name: string
  readonly model: Model
  readonly isOptional: boolean
}

/** Always with an `id`, so that no type is weak: TypeScript refuses values that share nothing with a type of optional properties only. */
function properties(type: fc.Arbitrary<Model>): fc.Arbitrary<readonly Property[]> {
  const id: Property = { name: 'id', model: plain(leaf('number', anyNumber)), isOptional: false }
  const others = fc.uniqueArray(fc.record({ name: fc.constantFrom(...names), model: type, isOptional: fc.boolean() }), {
    selector: ({ name }) => name,
    maxLength: 3,
  })
  return others.map((found) => [id, ...found])
}

const body = (found: readonly Property[]) =>
  `{ ${found.map(({ name, model, isOptional }) => `readonly ${JSON.stringify(name)}${isOptional ? '?' : ''}: ${model.text}`).join('; ')} }`

function objectValues(found: readonly Property[]): Model['values'] {
  return (declared) => (depth) =>
    fc.record(Object.fromEntries(found.map(({ name, model }) => [name, model.values(declared)(depth)])), {
      requiredKeys: found.filter(({ isOptional }) => !isOptional).map(({ name }) => name),
    })
}

function objectOf(found: readonly Property[]): Model {
  return { text: body(found), values: objectValues(found) }
}

/** The right side has names of its own: two types for one name could exclude each other, which is refused. */
function intersection([left, right]: readonly [readonly Property[], readonly Property[]]): Model {
  const taken = new Set(left.map(({ name }) => name))
  const own = right.filter(({ name }) => !taken.has(name))
  return {
    text: own.length === 0 ? body(left) : `${body(left)} & ${body(own)}`,
    values: objectValues([...left, ...own]),
  }
}

function mapped([helper, found]: readonly [string, readonly Property[]]): Model {
  const inside = found.filter(({ name }) => name !== 'id')
  const isOptional = helper === 'Readonly' ? undefined : helper === 'Partial'
  const seen = inside.map((each) => ({ ...each, isOptional: isOptional ?? each.isOptional }))
  const [id] = found
  return {
    text: inside.length === 0 ? body(found) : `${helper}<${body(inside)}> & ${body(id === undefined ? [] : [id])}`,
    values: objectValues(id === undefined ? seen : [id, ...seen]),
  }
}

/** An index signature that all properties satisfy. */
function open(others: Model): Model {
  const id: Property = { name: 'id', model: plain(leaf('number', anyNumber)), isOptional: false }
  const all = `{ readonly id: number; readonly [name: string]: number | (${others.text}) }`
  return {
    text: all,
    values: (declared) => (depth) =>
      fc
        .tuple(
          objectValues([id])(declared)(depth),
          fc.dictionary(fc.constantFrom(...names), others.values(declared)(depth), { maxKeys: 2 }),
        )
        .map(([own, more]) => ({ ...(more as object), ...(own as object) }) as Json),
  }
}

/** The same value with something else in one place, or without something. */
export function mutated(value: Json): fc.Arbitrary<Json> {
  if (Array.isArray(value) && value.length > 0) {
    const items = value as readonly Json[]
    return fc.nat(items.length - 1).chain((index) =>
      fc.oneof(
        fc.constant(items.toSpliced(index, 1)),
        fc.constant([...items, items[index] ?? null]),
        mutated(items[index] ?? null).map((item) => items.with(index, item)),
      ),
    )
  }
  if (typeof value === 'object' && value !== null && Object.keys(value).length > 0) {
    const entries = Object.entries(value as { readonly [name: string]: Json })
    return fc.nat(entries.length - 1).chain((index) =>
      fc.oneof(
        fc.constant(Object.fromEntries(entries.toSpliced(index, 1))),
        scalar.map((extra) => ({ ...value, c: extra }) as Json),
        mutated(entries[index]?.[1] ?? null).map((item) => ({ ...value, [entries[index]?.[0] ?? '']: item }) as Json),
      ),
    )
  }
  return fc.oneof(scalar, fc.constant([]), fc.constant({}))
}

/** A value as the narrowest type that it has. */
export function typeOfValue(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(typeOfValue).join(', ')}]`
  return `{ ${Object.entries(value)
    .map(([name, each]) => `${JSON.stringify(name)}: ${typeOfValue(each)}`)
    .join('; ')} }`
}
