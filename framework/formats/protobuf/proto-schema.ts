/** From the text of a `.proto` file, and of those that it imports, to the descriptors of its messages. */
import type { DescEnum, DescFile, DescMessage } from '@bufbuild/protobuf'
import type { FileDescriptorProto } from '@bufbuild/protobuf/wkt'
import { harmless } from '../../model/plain-text.ts'
import { knownProtoFile } from './known-proto-files.ts'
import type { ProtoFile } from './proto-file.ts'
import { type NamedKind, namesOf, type ProtoNames, resolveNames } from './proto-names.ts'
import { parseProto } from './proto-parser.ts'
import { type ProtobufLibrary, protobufLibrary } from './protobuf-library.ts'

/** What `import` names, with its text. */
export interface NamedProto {
  readonly name: string
  readonly text: string
}

/** What the text itself is called: a registry has no name for it. */
const OWN_NAME = 'schema.proto'
const MOST_FILES = 1_000

/**
 * Wait for `loadProtobuf` first. Google's own types (google/protobuf/timestamp.proto, ...) need not be among the references, nor files of which no type is used.
 * @param text as a registry has it: the language of `.proto`, or a FileDescriptorProto in base64
 * @throws Error in words that go on after "the schema cannot be used:"
 */
export function readProtoSchema(text: string, references: readonly NamedProto[]): DescFile {
  return new ProtoLinker(references).file(text)
}

/** By its full name, `shop.Order.Line`; without a name the first of the file. @throws Error where there is none */
export function messageOf(file: DescFile, name?: string): DescMessage {
  if (name === undefined) {
    const [first] = file.messages
    if (first === undefined) throw new Error('it defines no message')
    return first
  }
  const found = allMessages(file).find((each) => each.typeName === name)
  if (found === undefined) throw new Error(`it defines no message ${JSON.stringify(harmless(name))}`)
  return found
}

/** With those that stand in others, behind them. */
export function allMessages(file: DescFile): readonly DescMessage[] {
  const inner = (message: DescMessage): readonly DescMessage[] => [message, ...message.nestedMessages.flatMap(inner)]
  return file.messages.flatMap(inner)
}

/**
 * What stands above something in the file, and behind it.
 * @param path as descriptors have it: `4, 0, 2, 1` is the second field of the first message
 */
export function commentsOf(file: DescFile, path: readonly number[]): readonly [above: string, behind: string] {
  const known = comments.get(file) ?? commentsByPath(file)
  comments.set(file, known)
  return known.get(path.join()) ?? ['', '']
}

const comments = new WeakMap<DescFile, ReadonlyMap<string, readonly [above: string, behind: string]>>()

function commentsByPath({ proto }: DescFile): ReadonlyMap<string, readonly [above: string, behind: string]> {
  const locations = proto.sourceCodeInfo?.location ?? []
  return new Map(
    locations.map(({ path, leadingComments, trailingComments }) => [path.join(), [leadingComments, trailingComments]]),
  )
}

class ProtoLinker {
  readonly #library: ProtobufLibrary = protobufLibrary()
  readonly #texts: ReadonlyMap<string, string>
  readonly #files = new Map<string, DescFile>()
  readonly #open = new Set<string>()
  /** Which file defines a type. The library would take the last one. */
  readonly #owners = new Map<string, DescFile>()

  constructor(references: readonly NamedProto[]) {
    if (references.length > MOST_FILES) throw new Error(`it has ${references.length} references`)
    this.#texts = textsByName(references)
    for (const file of wellKnown(this.#library)) this.#files.set(file.proto.name, file)
  }

  file(text: string): DescFile {
    let name = OWN_NAME
    while (this.#texts.has(name)) name = `_${name}`
    return this.#linked(name, text)
  }

  #linked(name: string, text: string): DescFile {
    try {
      return isBase64(text) ? this.#described(name, text) : this.#parsed(name, text)
    } catch (thrown) {
      if (name.endsWith(OWN_NAME) || !(thrown instanceof Error) || thrown instanceof OfImport) throw thrown
      throw new OfImport(`in ${JSON.stringify(harmless(name))}, ${thrown.message}`, { cause: thrown })
    }
  }

  #parsed(name: string, text: string): DescFile {
    const file = parseProto(name, text)
    const own = namesOf(file)
    const { found, missing } = this.#imports(file.dependency)
    const visible = new Map<string, NamedKind>(found.flatMap((each) => [...visibleOf(each)]))
    resolveNames(file, own, visible, missing)
    return this.#descriptor(file, found)
  }

  #descriptor(file: ProtoFile, imports: readonly DescFile[]): DescFile {
    const { create } = this.#library.core
    const { FileDescriptorProtoSchema } = this.#library.wkt
    const names = imports.map((each) => each.proto.name)
    const isPublic = new Set(file.publicDependency.map((index) => file.dependency[index]))
    const proto = create(FileDescriptorProtoSchema, {
      ...file,
      dependency: names,
      publicDependency: names.flatMap((name, index) => (isPublic.has(name) ? [index] : [])),
      syntax: file.syntax,
      sourceCodeInfo: {
        location: file.sourceCodeInfo.location.map((each) => ({ ...each, path: [...each.path] })),
      },
    })
    return this.#built(proto, imports)
  }

  /** As serializers for JavaScript register it. */
  #described(name: string, text: string): DescFile {
    const { core, wkt } = this.#library
    const proto = core.fromBinary(wkt.FileDescriptorProtoSchema, Buffer.from(text, 'base64'))
    proto.name = name
    const { found, missing } = this.#imports(proto.dependency)
    if (missing.length > 0) {
      throw new Error(
        `it imports ${missing.map((each) => JSON.stringify(harmless(each))).join(', ')}, and no reference has that name`,
      )
    }
    return this.#built(proto, found)
  }

  #built(proto: FileDescriptorProto, imports: readonly DescFile[]): DescFile {
    const byName = new Map(imports.map((each) => [each.proto.name, each]))
    const file = this.#library.core.createFileRegistry(proto, (name) => byName.get(name)).getFile(proto.name)
    if (file === undefined) throw new Error('it cannot be made a descriptor')
    this.#claim(file)
    return file
  }

  #imports(names: readonly string[]): { readonly found: readonly DescFile[]; readonly missing: readonly string[] } {
    const found: DescFile[] = []
    const missing: string[] = []
    for (const name of new Set(names)) {
      const file = this.#imported(name)
      if (file === undefined) missing.push(name)
      else found.push(file)
    }
    for (const each of found) this.#claim(each)
    return { found, missing }
  }

  #claim(file: DescFile): void {
    for (const name of definedBy(file).keys()) {
      if ((this.#owners.get(name) ?? file) !== file) throw new Error(`${name} is defined twice`)
      this.#owners.set(name, file)
    }
  }

  #imported(name: string): DescFile | undefined {
    const known = this.#files.get(name)
    if (known !== undefined) return known
    const text = this.#texts.get(name) ?? knownProtoFile(name)
    if (text === undefined) return undefined
    if (this.#open.has(name)) throw new Error(`${JSON.stringify(harmless(name))} imports itself`)
    this.#open.add(name)
    const file = this.#linked(name, text)
    this.#open.delete(name)
    this.#files.set(name, file)
    return file
  }
}

/** It says where it is. */
class OfImport extends Error {}

function wellKnown({ wkt }: ProtobufLibrary): readonly DescFile[] {
  return [
    wkt.file_google_protobuf_any,
    wkt.file_google_protobuf_api,
    wkt.file_google_protobuf_descriptor,
    wkt.file_google_protobuf_duration,
    wkt.file_google_protobuf_empty,
    wkt.file_google_protobuf_field_mask,
    wkt.file_google_protobuf_source_context,
    wkt.file_google_protobuf_struct,
    wkt.file_google_protobuf_timestamp,
    wkt.file_google_protobuf_type,
    wkt.file_google_protobuf_wrappers,
  ]
}

/** Of two versions under one name, one would be read for the other. */
function textsByName(references: readonly NamedProto[]): ReadonlyMap<string, string> {
  const texts = new Map<string, string>()
  for (const { name, text } of references) {
    if ((texts.get(name) ?? text) !== text) {
      throw new Error(`two references are named ${JSON.stringify(harmless(name))}, and differ`)
    }
    texts.set(name, text)
  }
  return texts
}

function visibleOf(file: DescFile): ProtoNames {
  const names = definedBy(file)
  const isPublic = new Set(file.proto.publicDependency.map((index) => file.proto.dependency[index]))
  for (const each of file.dependencies) {
    if (isPublic.has(each.proto.name)) for (const [name, kind] of visibleOf(each)) names.set(name, kind)
  }
  return names
}

function definedBy(file: DescFile): Map<string, NamedKind> {
  const names = new Map<string, NamedKind>()
  const add = (each: DescMessage | DescEnum) => names.set(each.typeName, each.kind)
  for (const each of allMessages(file)) {
    add(each)
    each.nestedEnums.forEach(add)
  }
  file.enums.forEach(add)
  return names
}

/** A text of the language has a space, or a sign that base64 has not. */
export function isBase64(text: string): boolean {
  return text.length > 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text.trim())
}
