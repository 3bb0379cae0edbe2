/** Finds what the names of types in a `.proto` file mean: in the file, and in what it imports. Sets the types of its fields. */
import { harmless } from '../../model/plain-text.ts'
import { fieldType, type ProtoEnum, type ProtoFile, type ProtoMessage } from './proto-file.ts'

export type NamedKind = 'message' | 'enum'

/** Names without a dot in front. */
export type ProtoNames = ReadonlyMap<string, NamedKind>

/**
 * @param own of the file itself
 * @param visible of all files that it imports, and that those import publicly
 * @param missing files that it imports and that are not here
 * @throws Error when a name means nothing
 */
export function resolveNames(file: ProtoFile, own: ProtoNames, visible: ProtoNames, missing: readonly string[]): void {
  const find = (name: string) => own.get(name) ?? visible.get(name)
  const resolve = (message: ProtoMessage, scope: string): void => {
    const inner = within(scope, message.name)
    for (const field of message.field) {
      if (field.typeName === undefined) continue
      const full = fullName(field.typeName, inner, find)
      if (full === undefined) {
        const facts = `field ${inner}.${field.name} has a type ${shown(field.typeName)} that is defined nowhere`
        const lost = missing.map((each) => shown(each)).join(', ')
        throw new Error(missing.length === 0 ? facts : `${facts}; it imports ${lost}, and no reference has that name`)
      }
      const isMessage = find(full) === 'message'
      if (!isMessage && field.type === fieldType.group) throw new Error(`${full} is no message`)
      if (field.type !== fieldType.group) field.type = isMessage ? fieldType.message : fieldType.enum
      field.typeName = `.${full}`
    }
    for (const each of message.nestedType) resolve(each, inner)
  }
  for (const message of file.messageType) resolve(message, file.package)
}

/** All that a file defines. @throws Error when it defines a name, or a number, twice */
export function namesOf({ package: scope, syntax, messageType, enumType }: ProtoFile): ProtoNames {
  const names = new Map<string, NamedKind>()
  const add = (name: string, kind: NamedKind) => {
    if (names.has(name)) throw new Error(`${name} is defined twice`)
    names.set(name, kind)
  }
  const addMessage = (message: ProtoMessage, outer: string): void => {
    const name = within(outer, message.name)
    add(name, 'message')
    checkFields(name, message)
    for (const each of message.nestedType) addMessage(each, name)
    for (const each of message.enumType) addEnum(each, name)
  }
  const addEnum = (each: ProtoEnum, outer: string): void => {
    const name = within(outer, each.name)
    add(name, 'enum')
    checkValues(name, each)
    if (syntax === 'proto3' && each.value[0]?.number !== 0) {
      throw new Error(`the first value of enum ${name} has not the number 0`)
    }
  }
  for (const each of messageType) addMessage(each, scope)
  for (const each of enumType) addEnum(each, scope)
  return names
}

/** As C++ looks for names: from the inside out. */
function fullName(written: string, scope: string, find: (name: string) => NamedKind | undefined): string | undefined {
  if (written.startsWith('.')) return find(written.slice(1)) === undefined ? undefined : written.slice(1)
  for (let outer = scope; ; outer = outer.slice(0, Math.max(0, outer.lastIndexOf('.')))) {
    const name = within(outer, written)
    if (find(name) !== undefined) return name
    if (outer === '') return undefined
  }
}

function checkFields(name: string, { field: fields, oneofDecl }: ProtoMessage): void {
  const numbers = new Set<number>()
  const names = new Set(oneofDecl.map((each) => each.name))
  if (names.size < oneofDecl.length) throw new Error(`${name} has two oneofs of one name`)
  for (const field of fields) {
    if (numbers.has(field.number)) throw new Error(`${name} has two fields with the number ${field.number}`)
    if (names.has(field.name)) throw new Error(`${name} has ${field.name} twice`)
    numbers.add(field.number)
    names.add(field.name)
  }
}

function checkValues(name: string, { value, options }: ProtoEnum): void {
  if (new Set(value.map((each) => each.name)).size < value.length) {
    throw new Error(`enum ${name} has two values of one name`)
  }
  if (options.allowAlias !== true && new Set(value.map((each) => each.number)).size < value.length) {
    throw new Error(`enum ${name} has two values with one number, and no option allow_alias`)
  }
}

function within(scope: string, name: string): string {
  return scope === '' ? name : `${scope}.${name}`
}

function shown(name: string): string {
  return JSON.stringify(harmless(name))
}
