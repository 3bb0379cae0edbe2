/** Reads the options of a `.proto` file: those that change how values are read, written or typed. Others, and custom ones, are passed over. */
import type { ProtoOptions } from './proto-file.ts'
import { type ProtoReader, wholeOf } from './proto-reader.ts'

/** What stands in the brackets behind a field. */
export interface FieldSettings {
  readonly options: ProtoOptions
  readonly jsonName?: string
  /** As descriptors have it: numbers in decimal digits, bytes with escapes. */
  readonly defaultValue?: string
}

type Constant =
  | { readonly kind: 'word' | 'number'; readonly text: string }
  /** One character for each byte. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'block' }

const booleans = ['deprecated', 'packed', 'allow_alias', 'map_entry', 'message_set_wire_format'] as const
const camelNames = {
  allow_alias: 'allowAlias',
  map_entry: 'mapEntry',
  deprecated: 'deprecated',
  packed: 'packed',
} as const
const jsTypes: readonly string[] = ['JS_NORMAL', 'JS_STRING', 'JS_NUMBER']

const features: Readonly<Record<string, readonly [property: string, values: Readonly<Record<string, number>>]>> = {
  field_presence: ['fieldPresence', { EXPLICIT: 1, IMPLICIT: 2, LEGACY_REQUIRED: 3 }],
  enum_type: ['enumType', { OPEN: 1, CLOSED: 2 }],
  repeated_field_encoding: ['repeatedFieldEncoding', { PACKED: 1, EXPANDED: 2 }],
  utf8_validation: ['utf8Validation', { VERIFY: 2, NONE: 3 }],
  message_encoding: ['messageEncoding', { LENGTH_PREFIXED: 1, DELIMITED: 2 }],
  json_format: ['jsonFormat', { ALLOW: 1, LEGACY_BEST_EFFORT: 2 }],
}
/** They say how names are to be written, and who may use them. */
const otherFeatures: readonly string[] = ['enforce_naming_style', 'default_symbol_visibility']

export function plainOptions(): ProtoOptions {
  return {}
}

/** `name = value`, of a statement. */
export function readOption(reader: ProtoReader, options: ProtoOptions): void {
  const { name, value } = nameAndValue(reader)
  set(reader, options, name, value)
}

/** `[name = value, ...]`, or nothing. */
export function readOptionList(reader: ProtoReader): FieldSettings {
  const settings: { options: ProtoOptions; jsonName?: string; defaultValue?: string } = { options: {} }
  if (!reader.takes('[')) return settings
  do {
    const { name, value } = nameAndValue(reader)
    if (name === 'json_name' && value.kind === 'text') settings.jsonName = utf8(value.text)
    else if (name === 'default') settings.defaultValue = defaultOf(reader, value)
    else set(reader, settings.options, name, value)
  } while (reader.takes(','))
  reader.must(']')
  return settings
}

function nameAndValue(reader: ProtoReader): { readonly name: string; readonly value: Constant } {
  let name = ''
  do {
    if (name !== '') name += '.'
    if (reader.takes('(')) {
      name += `(${reader.dottedName('the name of an option')})`
      reader.must(')')
    } else name += reader.name('the name of an option')
  } while (reader.takes('.'))
  reader.must('=')
  return { name, value: constant(reader) }
}

function constant(reader: ProtoReader): Constant {
  if (reader.takes('{')) {
    reader.skipBlock()
    return { kind: 'block' }
  }
  if (reader.next.kind === 'text') return { kind: 'text', text: reader.bytes('a text') }
  const sign = reader.takes('-') ? '-' : ''
  if (sign === '') reader.takes('+')
  const { kind, text } = reader.take()
  if (kind !== 'name' && kind !== 'number') throw reader.fault('an option has no value')
  return { kind: kind === 'name' && sign === '' ? 'word' : 'number', text: `${sign}${text}` }
}

function set(reader: ProtoReader, options: ProtoOptions, name: string, value: Constant): void {
  const known = booleans.find((each) => each === name)
  if (known !== undefined) {
    const said = value.kind === 'word' ? value.text : ''
    if (said !== 'true' && said !== 'false') throw reader.fault(`${name} is true or false`)
    if (known === 'message_set_wire_format') {
      if (said === 'true') throw reader.fault(`option ${name} is not read here`)
    } else options[camelNames[known]] = said === 'true'
  } else if (name === 'jstype') options.jstype = jsTypes.indexOf(value.kind === 'word' ? value.text : '')
  else if (name === 'features')
    throw reader.fault('features are written one by one: features.field_presence = IMPLICIT')
  else if (name.startsWith('features.') && !name.includes('(')) setFeature(reader, options, name.slice(9), value)
}

function setFeature(reader: ProtoReader, options: ProtoOptions, name: string, value: Constant): void {
  if (otherFeatures.includes(name) || name.startsWith('enforce_naming_style.')) return
  const [property, values] = (Object.hasOwn(features, name) ? features[name] : undefined) ?? ['', {}]
  const said = value.kind === 'word' ? value.text : ''
  const number = Object.hasOwn(values, said) ? values[said] : undefined
  if (number === undefined) throw reader.fault(`feature ${name} is not read here`)
  options.features = { ...options.features, [property]: number }
}

function defaultOf(reader: ProtoReader, value: Constant): string {
  switch (value.kind) {
    case 'block':
      throw reader.fault('a default is no block')
    case 'text':
      return value.text
    case 'word':
      return value.text
    case 'number': {
      const isNegative = value.text.startsWith('-')
      const whole = wholeOf(isNegative ? value.text.slice(1) : value.text)
      return whole === undefined ? floatText(value.text) : String(isNegative ? -whole : whole)
    }
  }
}

/** `inf` and `nan` stay as they are. */
function floatText(text: string): string {
  const value = Number(text.replace(/[fF]$/, ''))
  return Number.isNaN(value) ? text : String(value)
}

function utf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
