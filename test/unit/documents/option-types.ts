/** The types of a handler's options, made from their schema: an option that is described there cannot be forgotten where users write it. */
import { type TObject, type TSchema, Type } from 'typebox'
import { handlerSchema } from '../../../framework/config/config.ts'
import { type OptionDoc, show } from '../../../framework/config/option-schema.ts'

/** Sections that have a name of their own. */
const names: Readonly<Record<string, { readonly name: string; readonly what: string }>> = {
  retry: { name: 'RetryOptions', what: 'When a failed record is tried again, and how often.' },
  worker: { name: 'WorkerOptions', what: "For `engine: 'worker'`." },
  adaptive: { name: 'AdaptiveOptions', what: 'Finds the limit on attempts in flight by itself.' },
  poison: { name: 'PoisonOptions', what: 'Keeps records of a key from running behind those that were given up.' },
  batch: { name: 'BatchOptions', what: 'Which records make a batch.' },
  deadLetter: { name: 'DeadLetterOptions', what: 'Where records go that cannot be handled, and what of them.' },
}
/** Written by hand, as their types have the type of the value in them; or only of batch handlers. */
const elsewhere = ['accept', 'notBefore', 'filter', 'tick', 'batch']
const WIDTH = 116

interface Described extends TSchema {
  readonly default?: unknown
  readonly doc?: OptionDoc
  readonly duration?: unknown
  readonly anyOf?: readonly TSchema[]
}

export function optionTypes(): string {
  const sections = Object.entries(handlerSchema.properties).flatMap(([key, schema]) => {
    const [named, inner] = [names[key], objectIn(schema)]
    return named === undefined || inner === undefined ? [] : [interfaceOf(named.name, named.what, inner)]
  })
  const kept = Object.entries(handlerSchema.properties).filter(([key]) => !elsewhere.includes(key))
  const own = interfaceOf('SchemaOptions', 'What a handler may set.', Type.Object(Object.fromEntries(kept)))
  return [...sections, own].join('\n\n')
}

/** The object among what is allowed. */
function objectIn(schema: TSchema): TObject | undefined {
  if (Type.IsObject(schema)) return schema
  return (schema as Described).anyOf?.find((each) => Type.IsObject(each)) as TObject | undefined
}

function interfaceOf(name: string, what: string, schema: TObject): string {
  return `/** ${what} */\nexport interface ${name} ${membersOf(schema, '')}`
}

function membersOf({ properties }: TObject, indent: string): string {
  const members = Object.entries(properties).map(([key, schema]) => {
    const inner = `${indent}  `
    const comment = commentOf(key, schema as Described, inner)
    return `${comment}${inner}readonly ${key}?: ${typeOf(key, schema as Described, inner)}`
  })
  return `{\n${members.join('\n')}\n${indent}}`
}

function commentOf(key: string, schema: Described, indent: string): string {
  const { doc, default: standard } = schema
  if (doc === undefined) return names[key] === undefined ? '' : `${indent}/** ${names[key].what} */\n`
  const isSaid = doc.type !== undefined || Type.IsBoolean(schema) || /^one of /.test(doc.range)
  const range = !isSaid ? ` ${doc.range.charAt(0).toUpperCase()}${doc.range.slice(1)}.` : ''
  const text = `${doc.what}${standard === undefined ? '' : ` Default ${show(standard)}.`}${range} ${doc.worse}`
  const lines = wrapped(text, WIDTH - indent.length)
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}\n`).join('')}${indent} */\n`
}

function wrapped(text: string, width: number): readonly string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? ''
    if (last !== '' && last.length + word.length + 1 > width) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines
}

function typeOf(key: string, schema: Described, indent: string): string {
  const { doc, duration, anyOf } = schema
  if (doc?.type !== undefined) return doc.type
  if (duration !== undefined) return 'Duration'
  if (Type.IsInteger(schema) || Type.IsNumber(schema)) return 'number'
  if (Type.IsBoolean(schema)) return 'boolean'
  if (Type.IsString(schema)) return 'string'
  if (Type.IsLiteral(schema)) return typeof schema.const === 'string' ? `'${schema.const}'` : String(schema.const)
  if (Type.IsObject(schema)) return names[key]?.name ?? membersOf(schema, indent)
  if (anyOf !== undefined) return anyOf.map((each) => typeOf(key, each as Described, indent)).join(' | ')
  throw new Error(`There is no type for the option ${key}: describe it with doc.type.`)
}
