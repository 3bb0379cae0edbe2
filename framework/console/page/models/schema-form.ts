/**
 * A form for values of a JSON Schema: one field for each property, also of objects within. What is no text, number, flag or choice is a field of JSON.
 * Values are kept as they are typed, so that whole numbers above 2^53 stay what they are.
 */

/** The parts of JSON Schema that decide what a field looks like. */
interface Node {
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Node[]
  readonly properties?: Readonly<Record<string, Node>>
  readonly required?: readonly string[]
  readonly additionalProperties?: unknown
  readonly patternProperties?: unknown
}

export interface Field {
  readonly path: readonly string[]
  /** `address.city`; empty: the whole value. */
  readonly label: string
  readonly kind: 'text' | 'number' | 'choice' | 'json'
  /** Of `choice`: JSON texts. */
  readonly options: readonly string[]
  /** Left out where nothing is typed. */
  readonly isOptional: boolean
}

/** By label, as typed. */
export type Texts = Readonly<Record<string, string>>

const deepest = 4

export function fieldsOf(schema: object, path: readonly string[] = [], isOptional = false): readonly Field[] {
  const node: Node = schema
  const { properties, required = [] } = node
  const isPlain = node.additionalProperties === undefined || node.additionalProperties === false
  if (node.type === 'object' && properties !== undefined && isPlain && !isOptional && path.length < deepest) {
    return Object.entries(properties).flatMap(([name, each]) =>
      fieldsOf(each, [...path, name], !required.includes(name)),
    )
  }
  const options = optionsOf(node)
  const kind = options.length > 0 ? 'choice' : kindOf(node)
  return [{ path, label: path.join('.'), kind, options, isOptional }]
}

function optionsOf(node: Node): readonly string[] {
  if (node.type === 'boolean') return ['true', 'false']
  const values = node.enum ?? (node.const !== undefined ? [node.const] : constantsOf(node.anyOf))
  return values.map((value) => JSON.stringify(value))
}

function constantsOf(nodes: readonly Node[] = []): readonly unknown[] {
  return nodes.every((each) => each.const !== undefined) ? nodes.map((each) => each.const) : []
}

function kindOf({ type }: Node): Field['kind'] {
  if (type === 'string') return 'text'
  return type === 'number' || type === 'integer' ? 'number' : 'json'
}

/** What is typed in at first: a value that the schema accepts. */
export function textsOf(fields: readonly Field[], value: unknown): Texts {
  return Object.fromEntries(
    fields.map((field) => {
      const found = field.path.reduce<unknown>(within, value)
      if (found === undefined) return [field.label, '']
      return [field.label, field.kind === 'text' ? String(found) : JSON.stringify(found)]
    }),
  )
}

function within(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined
}

/** The value as JSON. What is typed into a field of JSON or of a number is taken as it is, though it be none. */
export function jsonOf(fields: readonly Field[], texts: Texts): string {
  const typed = fields.filter(({ label, isOptional }) => !(isOptional && (texts[label] ?? '') === ''))
  return objectText(typed, texts, 0)
}

function objectText(fields: readonly Field[], texts: Texts, depth: number): string {
  const [first] = fields
  if (first !== undefined && first.path.length === depth) return fieldText(first, texts[first.label] ?? '')
  const names = [...new Set(fields.map(({ path }) => path[depth] ?? ''))]
  const members = names.map((name) => {
    const own = fields.filter(({ path }) => path[depth] === name)
    return `${JSON.stringify(name)}:${objectText(own, texts, depth + 1)}`
  })
  return `{${members.join(',')}}`
}

function fieldText({ kind }: Field, text: string): string {
  if (kind === 'text') return JSON.stringify(text)
  return text.trim() === '' ? 'null' : text.trim()
}

/** Headers as they are typed, `name: value` on a line each. */
export function headersOf(text: string): readonly (readonly [name: string, value: string])[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const colon = line.indexOf(':')
      return colon < 0
        ? ([line.trim(), ''] as const)
        : ([line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const)
    })
}
