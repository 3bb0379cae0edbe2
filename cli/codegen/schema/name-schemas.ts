/** Gives derived schemas their names, makes one of those that are the same, and sorts what the compiler does not keep in order. Pure. */
import { createHash } from 'node:crypto'
import { mapChildren, renameReferences, type SchemaDefinition, type SchemaNode } from './schema-node.ts'

/** Names that generated files use themselves. */
const reservedNames: ReadonlySet<string> = new Set(['Type', 'topicSchemas', 'topicFormats'])

/** A schema that others refer to by `key`, which means nothing beyond one run. */
export interface RawDefinition {
  readonly key: string
  /** What its constant would be called if nobody else were called so. */
  readonly baseName: string
  /** Where the type is declared, relative to the project; only to order those of one name. */
  readonly file: string
  readonly position: number
  readonly node: SchemaNode
}

export interface NamedSchemas {
  /** Sorted by name. */
  readonly definitions: readonly SchemaDefinition[]
  nameOf(key: string): string
}

export function nameSchemas(raw: readonly RawDefinition[]): NamedSchemas {
  const fingerprints = fingerprintsOf(raw)
  const first = new Map<string, RawDefinition>()
  for (const each of [...raw].sort(byPlace)) {
    const fingerprint = fingerprints.get(each.key) ?? each.key
    if (!first.has(fingerprint)) first.set(fingerprint, each)
  }
  const taken = new Set(reservedNames)
  const names = new Map<string, string>()
  for (const [fingerprint, { baseName }] of first) {
    let name = baseName
    for (let number = 2; taken.has(name); number++) name = `${baseName}${number}`
    taken.add(name)
    names.set(fingerprint, name)
  }
  const nameOf = (key: string) => names.get(fingerprints.get(key) ?? key) ?? key
  const definitions = [...first.values()].map(({ key, node }) => ({
    name: nameOf(key),
    node: sortUnions(renameReferences(node, nameOf)),
  }))
  return { definitions: definitions.sort((a, b) => (a.name < b.name ? -1 : 1)), nameOf }
}

function byPlace(a: RawDefinition, b: RawDefinition): number {
  if (a.baseName !== b.baseName) return a.baseName < b.baseName ? -1 : 1
  if (a.file !== b.file) return a.file < b.file ? -1 : 1
  return a.position - b.position
}

/** Equal for schemas of one name that say the same. A schema that leads back to itself is like no other. */
function fingerprintsOf(raw: readonly RawDefinition[]): ReadonlyMap<string, string> {
  const byKey = new Map(raw.map((each) => [each.key, each]))
  const known = new Map<string, string>()
  const open = new Set<string>()
  const cyclic = new Set<string>()
  const fingerprint = (key: string): string => {
    const definition = byKey.get(key)
    const found = known.get(key)
    if (found !== undefined || definition === undefined) return found ?? key
    if (open.has(key)) {
      for (const each of [...open].slice([...open].indexOf(key))) cyclic.add(each)
      return key
    }
    open.add(key)
    const text = JSON.stringify(sortUnions(renameReferences(definition.node, fingerprint)))
    open.delete(key)
    const own = cyclic.has(key) ? key : createHash('sha256').update(`${definition.baseName} ${text}`).digest('base64')
    known.set(key, own)
    return own
  }
  for (const { key } of raw) fingerprint(key)
  return known
}

/** The compiler orders the members of a union by when it first met them, which depends on what else it has read. */
function sortUnions(node: SchemaNode): SchemaNode {
  const sorted = mapChildren(node, sortUnions)
  if (sorted.kind !== 'union') return sorted
  const members = sorted.members.map((member) => ({ member, text: `${rank(member)}${JSON.stringify(member)}` }))
  members.sort((a, b) => (a.text < b.text ? -1 : 1))
  return { ...sorted, members: members.map(({ member }) => member) }
}

/** Names first, `null` last. */
function rank({ kind }: SchemaNode): number {
  if (kind === 'reference') return 0
  return kind === 'null' ? 2 : 1
}
