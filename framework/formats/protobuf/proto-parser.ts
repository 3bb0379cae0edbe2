/** Reads the text of one `.proto` file. Says what stands in it; what its names mean is found elsewhere. Language: https://protobuf.com/docs/language-spec */
import {
  fieldType,
  label,
  type ProtoEnum,
  type ProtoField,
  type ProtoFile,
  type ProtoMessage,
  type ProtoOptions,
  type ProtoRange,
  scalarType,
} from './proto-file.ts'
import { type FieldSettings, plainOptions, readOption, readOptionList } from './proto-options.ts'
import { ProtoReader } from './proto-reader.ts'
import type { ProtoToken } from './proto-tokens.ts'

/** Deeper than anybody writes, and far from the end of the stack. */
const MAX_DEPTH = 100
const MAX_NUMBER = 2 ** 29 - 1
const MIN_INT = -(2 ** 31)
const MAX_INT = 2 ** 31 - 1
/** Texts of registries are far below it. Characters. */
const MAX_TEXT = 4 * 1024 * 1024
const editions: Readonly<Record<string, number>> = { '2023': 1000, '2024': 1001 }

/**
 * Services and extensions are passed over: values have none of the first, and what is written with the second is kept as unknown fields.
 * @param name by which other files import it
 * @throws Error with the line, in words that go on after "the schema cannot be used:"
 */
export function parseProto(name: string, source: string): ProtoFile {
  if (source.length > MAX_TEXT) throw new Error(`it has ${source.length} characters, and ${MAX_TEXT} are read`)
  return new ProtoParser(name, source).file()
}

/** What a message is put together from, and where its comments are told. */
interface Place {
  readonly messages: ProtoMessage[]
  readonly enums: ProtoEnum[]
  readonly path: readonly number[]
  /** What descriptors call these lists: 4 and 5 in a file, 3 and 4 in a message. */
  readonly lists: { readonly messages: number; readonly enums: number }
  readonly depth: number
}

class ProtoParser {
  readonly #in: ProtoReader
  readonly #file: ProtoFile

  constructor(name: string, source: string) {
    this.#in = new ProtoReader(source)
    this.#file = {
      name,
      package: '',
      syntax: 'proto2',
      dependency: [],
      publicDependency: [],
      messageType: [],
      enumType: [],
      options: {},
      sourceCodeInfo: { location: [] },
    }
  }

  file(): ProtoFile {
    const file = this.#file
    this.#syntax()
    const { messageType: messages, enumType: enums } = file
    const place: Place = { messages, enums, path: [], lists: { messages: 4, enums: 5 }, depth: 0 }
    while (!this.#in.isAtEnd) {
      if (this.#common(place)) continue
      const word = this.#in.name('a statement')
      if (word === 'package') file.package = this.#in.dottedName('the name of a package')
      else if (word === 'import') this.#import()
      else if (word === 'option') readOption(this.#in, file.options)
      else throw this.#in.fault(`${JSON.stringify(word)} begins no statement of a file`)
      this.#in.must(';')
    }
    return file
  }

  #syntax(): void {
    const word = ['syntax', 'edition'].find((each) => this.#in.takes(each))
    if (word === undefined) return
    this.#in.must('=')
    const said = this.#in.text(`the name of a ${word}`)
    this.#in.must(';')
    if (word === 'edition') {
      const edition = Object.hasOwn(editions, said) ? editions[said] : undefined
      if (edition === undefined) {
        const taken = Object.keys(editions).join(' and ')
        throw this.#in.fault(`edition ${JSON.stringify(said)} is not read here: ${taken} are`)
      }
      this.#file.syntax = 'editions'
      this.#file.edition = edition
    } else if (said === 'proto2' || said === 'proto3') this.#file.syntax = said
    else throw this.#in.fault(`syntax ${JSON.stringify(said)} is not read here: proto2 and proto3 are`)
  }

  #import(): void {
    // `import option` brings what options are written with, and no type.
    const isOption = this.#in.takes('option')
    const isPublic = this.#in.takes('public')
    if (!isPublic) this.#in.takes('weak')
    const name = this.#in.text('the name of a file')
    if (isOption) return
    if (isPublic) this.#file.publicDependency.push(this.#file.dependency.length)
    this.#file.dependency.push(name)
  }

  /** What a file and a message can have. */
  #common(place: Place): boolean {
    if (this.#in.takes(';')) return true
    const first = this.#in.next
    if (first.kind !== 'name' || this.#in.isFollowedBy('.')) return false
    if ((this.#file.edition ?? 0) >= 1001 && (first.text === 'export' || first.text === 'local')) {
      this.#in.take()
    }
    switch (this.#in.next.text) {
      case 'message':
        this.#in.take()
        this.#message(place, first)
        return true
      case 'enum':
        this.#in.take()
        this.#enum(place, first)
        return true
      case 'extend':
        this.#in.take()
        this.#in.dottedName('the name of a message')
        this.#in.must('{')
        this.#in.skipBlock()
        return true
      case 'service':
        if (place.depth > 0) return false
        this.#in.take()
        this.#in.name('the name of a service')
        this.#in.must('{')
        this.#in.skipBlock()
        return true
      default:
        return false
    }
  }

  #message(place: Place, first: ProtoToken): void {
    const message = messageNamed(this.#in.name('the name of a message'))
    const path = [...place.path, place.lists.messages, place.messages.length]
    place.messages.push(message)
    this.#in.must('{')
    this.#comment(path, first)
    this.#body(message, path, place.depth + 1)
  }

  #body(message: ProtoMessage, path: readonly number[], depth: number): void {
    if (depth > MAX_DEPTH) throw this.#in.fault(`messages stand more than ${MAX_DEPTH} deep in each other`)
    const { nestedType: messages, enumType: enums } = message
    const place: Place = { messages, enums, path, lists: { messages: 3, enums: 4 }, depth }
    while (!this.#in.takes('}')) {
      if (this.#common(place)) continue
      const first = this.#in.next
      const isWord = first.kind === 'name' && !this.#in.isFollowedBy('.')
      const word = isWord ? first.text : ''
      if (word === 'option') {
        this.#in.take()
        readOption(this.#in, message.options)
        this.#in.must(';')
      } else if (word === 'oneof') {
        this.#in.take()
        this.#oneof(message, place, first)
      } else if (word === 'reserved') {
        this.#in.take()
        this.#reserved(message)
      } else if (word === 'extensions') {
        this.#in.take()
        message.extensionRange.push(...this.#ranges(1, MAX_NUMBER))
        readOptionList(this.#in)
        this.#in.must(';')
      } else if (word === 'map' && this.#in.isFollowedBy('<')) {
        this.#in.take()
        this.#map(message, place, first)
      } else this.#labelled(message, place, first)
    }
    if (message.options.mapEntry === true && !isEntry(message)) {
      throw this.#in.fault(`message ${message.name} has option map_entry, and is no entry of a map`)
    }
    if (this.#file.syntax === 'proto3') namePresence(message)
  }

  #labelled(message: ProtoMessage, place: Place, first: ProtoToken): void {
    // Also where a dot follows: what has it is the type, `repeated .shop.Line lines = 1;`.
    const word = (['optional', 'required', 'repeated'] as const).find((each) => this.#in.takes(each))
    const { syntax } = this.#file
    if (word === undefined && syntax === 'proto2') {
      throw this.#in.fault('a field of proto2 begins with optional, required or repeated')
    }
    if ((word === 'required' && syntax !== 'proto2') || (word === 'optional' && syntax === 'editions')) {
      throw this.#in.fault(`${word} is not of this syntax`)
    }
    const isExplicit = word === 'optional' && syntax === 'proto3'
    this.#field(message, place, first, label[word ?? 'optional'], isExplicit ? { proto3Optional: true } : {})
  }

  #field(
    message: ProtoMessage,
    place: Place,
    first: ProtoToken,
    labelled: number,
    more: Pick<ProtoField, 'proto3Optional' | 'oneofIndex'>,
  ): void {
    const { syntax } = this.#file
    if (syntax === 'proto2' && this.#in.next.text === 'group' && !this.#in.isFollowedBy('.')) {
      this.#group(message, place, first, labelled, more)
      return
    }
    const written = this.#in.dottedName('the type of a field')
    const name = this.#in.name('the name of a field')
    this.#in.must('=')
    const number = this.#number()
    const settings = readOptionList(this.#in)
    this.#in.must(';')
    const path = [...place.path, 2, message.field.length]
    message.field.push({
      ...fieldNamed(name, number, withDefault(scalarType(written), settings)),
      label: labelled,
      ...typed(written),
      ...more,
    })
    this.#comment(path, first)
  }

  /** A field and its message in one. Its name is that of the message, in small letters. */
  #group(
    message: ProtoMessage,
    place: Place,
    first: ProtoToken,
    labelled: number,
    more: Pick<ProtoField, 'oneofIndex'>,
  ): void {
    this.#in.take()
    const named = this.#in.name('the name of a group')
    this.#in.must('=')
    const number = this.#number()
    const settings = readOptionList(this.#in)
    const group = messageNamed(named)
    const path = [...place.path, place.lists.messages, place.messages.length]
    this.#comment([...place.path, 2, message.field.length], first)
    message.field.push({
      ...fieldNamed(named.toLowerCase(), number, settings),
      label: labelled,
      type: fieldType.group,
      typeName: named,
      ...more,
    })
    place.messages.push(group)
    this.#in.must('{')
    this.#body(group, path, place.depth + 1)
  }

  #map(message: ProtoMessage, place: Place, first: ProtoToken): void {
    this.#in.must('<')
    const key = scalarType(this.#in.name('the type of the keys'))
    const isKey = key !== undefined && !noKeys.includes(key)
    if (!isKey) throw this.#in.fault('the keys of a map are whole numbers, booleans or texts')
    this.#in.must(',')
    const written = this.#in.dottedName('the type of the values')
    this.#in.must('>')
    const name = this.#in.name('the name of a field')
    this.#in.must('=')
    const number = this.#number()
    const settings = readOptionList(this.#in)
    this.#in.must(';')
    const entry = messageNamed(entryName(name))
    const common = { label: label.optional, options: entryOptions(settings.options) }
    entry.field.push(
      { name: 'key', jsonName: 'key', number: 1, type: key, ...common },
      {
        name: 'value',
        jsonName: 'value',
        number: 2,
        ...typed(written),
        ...common,
      },
    )
    entry.options.mapEntry = true
    const field = fieldNamed(name, number, settings)
    this.#comment([...place.path, 2, message.field.length], first)
    message.field.push({ ...field, label: label.repeated, type: fieldType.message, typeName: entry.name })
    message.nestedType.push(entry)
  }

  #oneof(message: ProtoMessage, place: Place, first: ProtoToken): void {
    const oneofIndex = message.oneofDecl.length
    const oneof = { name: this.#in.name('the name of a oneof'), options: plainOptions() }
    message.oneofDecl.push(oneof)
    const before = message.field.length
    this.#in.must('{')
    this.#comment([...place.path, 8, oneofIndex], first)
    while (!this.#in.takes('}')) {
      if (this.#in.takes(';')) continue
      const next = this.#in.next
      if (next.text === 'option' && !this.#in.isFollowedBy('.')) {
        this.#in.take()
        readOption(this.#in, oneof.options)
        this.#in.must(';')
      } else this.#field(message, place, next, label.optional, { oneofIndex })
    }
    // Not by a look at all fields: a schema may have as many oneofs, and each would look at all.
    if (message.field.length === before) {
      throw this.#in.fault(`oneof ${oneof.name} has no field`)
    }
  }

  #enum(place: Place, first: ProtoToken): void {
    const defined: ProtoEnum = { name: this.#in.name('the name of an enum'), value: [], options: {} }
    const path = [...place.path, place.lists.enums, place.enums.length]
    place.enums.push(defined)
    this.#in.must('{')
    this.#comment(path, first)
    while (!this.#in.takes('}')) {
      if (this.#in.takes(';')) continue
      const token = this.#in.next
      const name = this.#in.name('the name of a value')
      // A value may have the name of a word.
      if (this.#in.takes('=')) {
        const number = this.#in.whole('number of a value', MIN_INT, MAX_INT)
        const { options } = readOptionList(this.#in)
        this.#in.must(';')
        this.#comment([...path, 2, defined.value.length], token)
        defined.value.push({ name, number, options })
        continue
      }
      if (name === 'option') readOption(this.#in, defined.options)
      else if (name === 'reserved') this.#reservedWords() ?? this.#ranges(MIN_INT, MAX_INT)
      else throw this.#in.fault(`${JSON.stringify(name)} has no number`)
      this.#in.must(';')
    }
    if (defined.value.length === 0) throw this.#in.fault(`enum ${defined.name} has no value`)
  }

  #reserved(message: ProtoMessage): void {
    const words = this.#reservedWords()
    if (words === undefined) message.reservedRange.push(...this.#ranges(1, MAX_NUMBER))
    else message.reservedName.push(...words)
    this.#in.must(';')
  }

  #reservedWords(): readonly string[] | undefined {
    const { kind } = this.#in.next
    if (kind !== 'text' && kind !== 'name') return undefined
    const words: string[] = []
    do words.push(kind === 'text' ? this.#in.text('a name') : this.#in.name('a name'))
    while (this.#in.takes(','))
    return words
  }

  #ranges(min: number, max: number): readonly ProtoRange[] {
    const ranges: ProtoRange[] = []
    do {
      const start = this.#in.whole('number', min, max)
      const end = !this.#in.takes('to') ? start : this.#in.takes('max') ? max : this.#in.whole('number', start, max)
      ranges.push({ start, end: end + 1 })
    } while (this.#in.takes(','))
    return ranges
  }

  #number(): number {
    const number = this.#in.whole('number of a field', 1, MAX_NUMBER)
    if (number >= 19_000 && number <= 19_999) throw this.#in.fault(`${number} is a number of Protobuf's own`)
    return number
  }

  /** Called when the last token of what it is said of was taken. */
  #comment(path: readonly number[], first: ProtoToken): void {
    const leadingComments = first.above
    const trailingComments = this.#in.last.behind
    if (leadingComments === '' && trailingComments === '') return
    this.#file.sourceCodeInfo.location.push({ path, leadingComments, trailingComments })
  }
}

/** Libraries that write schemas out of descriptors write an entry as the message that it is. */
function isEntry({ field: fields }: ProtoMessage): boolean {
  const [key, value, ...others] = fields
  const isKey = key?.number === 1 && key.typeName === undefined && !noKeys.includes(key.type ?? 0)
  return isKey && value?.number === 2 && others.length === 0 && fields.every((each) => each.label === label.optional)
}

const noKeys: readonly number[] = [fieldType.double, fieldType.float, fieldType.bytes]

function messageNamed(name: string): ProtoMessage {
  return {
    name,
    field: [],
    nestedType: [],
    enumType: [],
    oneofDecl: [],
    extensionRange: [],
    reservedRange: [],
    reservedName: [],
    options: {},
  }
}

function fieldNamed(
  name: string,
  number: number,
  { options, jsonName = camelCase(name), defaultValue }: FieldSettings,
): Pick<ProtoField, 'name' | 'number' | 'jsonName' | 'options' | 'defaultValue'> {
  return { name, number, jsonName, options, ...(defaultValue === undefined ? {} : { defaultValue }) }
}

function typed(written: string): Pick<ProtoField, 'type' | 'typeName'> {
  const type = scalarType(written)
  return type === undefined ? { type: 0, typeName: written } : { type }
}

/** As descriptors have it: texts as they are, bytes with escapes. */
function withDefault(type: number | undefined, settings: FieldSettings): FieldSettings {
  const { defaultValue: bytes } = settings
  if (bytes === undefined) return settings
  if (type === fieldType.string) return { ...settings, defaultValue: Buffer.from(bytes, 'latin1').toString('utf8') }
  if (type !== fieldType.bytes) return settings
  const escaped = bytes.replace(/[^ -~]|["'\\]/g, (each) =>
    each >= ' ' && each <= '~' ? `\\${each}` : `\\${each.charCodeAt(0).toString(8).padStart(3, '0')}`,
  )
  return { ...settings, defaultValue: escaped }
}

/** What is said of a map is true of its entries. */
function entryOptions({ features }: ProtoOptions): ProtoOptions {
  return features === undefined ? {} : { features }
}

/** As descriptors have it: each `optional` of proto3 has a oneof of its own, behind all others. */
function namePresence(message: ProtoMessage): void {
  const taken = new Set([...message.oneofDecl, ...message.field].map(({ name }) => name))
  for (const field of message.field) {
    if (field.proto3Optional !== true) continue
    let name = `_${field.name.replace(/^_/, '')}`
    while (taken.has(name)) name = `X${name}`
    taken.add(name)
    field.oneofIndex = message.oneofDecl.length
    message.oneofDecl.push({ name, options: {} })
  }
}

/** `order_lines` is `OrderLinesEntry`. */
function entryName(name: string): string {
  const camel = camelCase(name)
  return `${camel.slice(0, 1).toUpperCase()}${camel.slice(1)}Entry`
}

/** The name of a field in JSON, as all of Protobuf makes it. */
export function camelCase(name: string): string {
  return name.replace(/_+(.?)/g, (_, next: string) => next.toUpperCase())
}
