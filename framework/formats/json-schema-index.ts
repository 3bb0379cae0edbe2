/** Finds what the references of a JSON Schema lead to: by address, by name in the registry, by pointer and by anchor. Reads no keyword that checks values. */
import { harmless } from '../model/plain-text.ts'
import { allSubschemas, isObject, type Schema } from './json-schema-keywords.ts'
import type { NamedText } from './named-text.ts'

/** A schema with an address of its own, and what stands in it. */
export interface Resource {
  readonly schema: unknown
  /** References in it are resolved against this. */
  readonly base: string
  /** From draft 2019-09 on, keywords beside `$ref` count. */
  readonly readsBesideReference: boolean
  readonly isDraft4: boolean
  readonly anchors: Map<string, unknown>
}

/** Deeper than anybody writes, and far from the end of the stack. */
const MAX_DEPTH = 200
/** Where a schema has no address: nobody can write it. */
const NOWHERE = 'pyrallel-schema://registry/'

const drafts: readonly (readonly [form: RegExp, draft: number])[] = [
  [/^https?:\/\/json-schema\.org\/draft-04\/schema#?$/, 4],
  [/^https?:\/\/json-schema\.org\/draft-06\/schema#?$/, 6],
  [/^https?:\/\/json-schema\.org\/draft-07\/schema#?$/, 7],
  [/^https?:\/\/json-schema\.org\/draft\/2019-09\/schema#?$/, 2019],
  [/^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/, 2020],
]
/** Of a schema that does not say it: as Confluent's serializers take it. */
const STANDARD_DRAFT = 7

export class SchemaIndex {
  readonly root: Resource
  readonly #byAddress = new Map<string, Resource>()
  readonly #byName = new Map<string, Resource>()
  readonly #resources = new Map<object, Resource>()

  /** @throws Error in words that go on after "the schema cannot be used:" */
  constructor(text: string, references: readonly NamedText[]) {
    this.root = this.#document('the schema', text, NOWHERE)
    for (const { name, text: of } of references) {
      const document = this.#document(harmless(name), of, resolved(name, this.root.base) ?? NOWHERE)
      this.#byName.set(name, document)
      const address = resolved(name, this.root.base)
      if (address !== undefined && !this.#byAddress.has(address)) this.#byAddress.set(address, document)
    }
  }

  /** The resource in which a schema stands, where it is known: what a pointer leads to may stand anywhere. */
  resourceOf(schema: Schema): Resource | undefined {
    return this.#resources.get(schema)
  }

  /** @throws Error in words, beginning with the path, where it leads nowhere */
  find(reference: string, from: Resource, path: string): { readonly schema: unknown; readonly resource: Resource } {
    const [address = '', fragment = ''] = reference.split('#')
    const resource = address === '' ? from : this.#at(address, from)
    if (resource === undefined) {
      throw new Error(`${path} names ${harmless(address)}, which is not among its references`)
    }
    const missing = () => new Error(`${path} names ${harmless(reference)}, which is not there`)
    if (fragment === '') return { schema: resource.schema, resource }
    if (!fragment.startsWith('/')) {
      if (!resource.anchors.has(fragment)) throw missing()
      return { schema: resource.anchors.get(fragment), resource }
    }
    let schema: unknown = resource.schema
    let inside = resource
    for (const step of fragment.slice(1).split('/').map(unescaped)) {
      if (typeof schema !== 'object' || schema === null || !Object.hasOwn(schema, step)) throw missing()
      schema = (schema as Schema)[step]
      if (isObject(schema)) inside = this.#resources.get(schema) ?? inside
    }
    return { schema, resource: inside }
  }

  #at(address: string, from: Resource): Resource | undefined {
    const whole = resolved(address, from.base)
    const found = whole === undefined ? undefined : this.#byAddress.get(whole)
    return found ?? this.#byAddress.get(address) ?? this.#byName.get(address)
  }

  #document(what: string, text: string, base: string): Resource {
    let schema: unknown
    try {
      schema = JSON.parse(text)
    } catch {
      throw new Error(`${what} is no JSON`)
    }
    const draft = draftOf(schema, what)
    const resource: Resource = {
      schema,
      base: addressIn(schema, base, draft === 4) ?? base,
      readsBesideReference: draft >= 2019,
      isDraft4: draft === 4,
      anchors: new Map(),
    }
    this.#byAddress.set(resource.base, resource)
    this.#enter(schema, resource, 0)
    return resource
  }

  #enter(schema: unknown, around: Resource, depth: number): void {
    if (!isObject(schema)) return
    if (depth > MAX_DEPTH) throw new Error(`the schema is more than ${MAX_DEPTH} levels deep`)
    // Up to draft 7, nothing counts beside a reference: neither an address nor an anchor.
    const isReference = typeof schema.$ref === 'string' && !around.readsBesideReference
    const address = depth === 0 || isReference ? undefined : addressIn(schema, around.base, around.isDraft4)
    const resource = address === undefined ? around : { ...around, schema, base: address, anchors: new Map() }
    if (address !== undefined) this.#byAddress.set(address, resource)
    this.#resources.set(schema, resource)
    for (const anchor of isReference ? [] : anchorsOf(schema)) resource.anchors.set(anchor, schema)
    for (const { schema: each } of allSubschemas(schema)) this.#enter(each, resource, depth + 1)
  }
}

function draftOf(schema: unknown, what: string): number {
  const dialect = isObject(schema) ? schema.$schema : undefined
  if (dialect === undefined) return STANDARD_DRAFT
  const found = drafts.find(([form]) => typeof dialect === 'string' && form.test(dialect))
  if (found !== undefined) return found[1]
  const named = harmless(typeof dialect === 'string' ? dialect : JSON.stringify(dialect))
  throw new Error(`${what} is one of ${named}: drafts 4, 6, 7, 2019-09 and 2020-12 of json-schema.org are read`)
}

/** Where the schema gives itself one. A mere fragment is an anchor. */
function addressIn(schema: unknown, base: string, isDraft4: boolean): string | undefined {
  if (!isObject(schema)) return undefined
  const id = isDraft4 ? schema.id : schema.$id
  if (typeof id !== 'string' || id.startsWith('#')) return undefined
  return resolved(id.split('#')[0] ?? '', base)
}

function anchorsOf({ $anchor, $dynamicAnchor, $id, id }: Schema): readonly string[] {
  const named = [$anchor, $dynamicAnchor].filter((each) => typeof each === 'string')
  const fragments = [$id, id].filter((each) => typeof each === 'string' && /^#./.test(each)) as readonly string[]
  return [...named, ...fragments.map((each) => each.slice(1))]
}

function resolved(address: string, base: string): string | undefined {
  return URL.canParse(address, base) ? new URL(address, base).href : undefined
}

/** RFC 6901, as it stands in a URI. */
export function unescaped(step: string): string {
  let text = step
  try {
    text = decodeURIComponent(step)
  } catch {
    // A % that is one.
  }
  return text.replaceAll('~1', '/').replaceAll('~0', '~')
}
