/** Looks for fields that proto2 requires in a value that was read: the library leaves out what was not written. */
import type { DescField, DescMessage } from '@bufbuild/protobuf'

type Check = (value: unknown) => void
type Part = (message: Readonly<Record<string, unknown>>) => void

const REQUIRED = 3

/** @returns `undefined` where nothing in the message, and in what it contains, is required. It throws an Error with the field */
export function requiredCheck(desc: DescMessage): Check | undefined {
  return hasRequired(desc, new Set()) ? checkOf(desc, new Map()) : undefined
}

function hasRequired(desc: DescMessage, seen: Set<DescMessage>): boolean {
  if (seen.has(desc)) return false
  seen.add(desc)
  return desc.fields.some(
    ({ presence, message }) => presence === REQUIRED || (message !== undefined && hasRequired(message, seen)),
  )
}

function checkOf(desc: DescMessage, known: Map<DescMessage, Check>): Check {
  const begun = known.get(desc)
  if (begun !== undefined) return begun
  const parts: Part[] = []
  const check: Check = (value) => {
    const message = value as Readonly<Record<string, unknown>>
    for (const part of parts) part(message)
  }
  known.set(desc, check)
  for (const field of desc.fields) parts.push(...partsOf(field, known))
  return check
}

function partsOf(field: DescField, known: Map<DescMessage, Check>): readonly Part[] {
  const { localName, presence, message: inner } = field
  const parts: Part[] = []
  if (presence === REQUIRED) {
    parts.push((message) => {
      if (!Object.hasOwn(message, localName))
        throw new Error(`${field.parent.typeName}.${field.name} is required and missing`)
    })
  }
  if (inner === undefined || !hasRequired(inner, new Set())) return parts
  const check = checkOf(inner, known)
  parts.push((message) => {
    for (const each of innerValues(field, message)) check(each)
  })
  return parts
}

function innerValues(field: DescField, message: Readonly<Record<string, unknown>>): readonly unknown[] {
  const { localName, oneof, fieldKind } = field
  if (oneof !== undefined) {
    const chosen = message[oneof.localName] as { readonly case?: string; readonly value?: unknown }
    return chosen.case === localName ? [chosen.value] : []
  }
  const value = message[localName]
  if (fieldKind === 'list') return value as readonly unknown[]
  if (fieldKind === 'map') return Object.values(value as object)
  return value === undefined ? [] : [value]
}
