/** The types that are defined once and referred to, by type and variant. Derives nothing. */
import type { ts } from 'ts-morph'
import type { RawDefinition } from '../schema/name-schemas.ts'
import type { SchemaNode } from '../schema/schema-node.ts'

type Definition = Omit<RawDefinition, 'key' | 'node'>

export interface Entry {
  readonly key: string
  definition: Definition
  /** Set when the type was met again inside itself. */
  isRecursive: boolean
  /** Undefined while it is being derived. */
  node: SchemaNode | undefined
}

export class Definitions {
  /** By type, and by how its arguments are written where that constrains. */
  readonly #entries = new Map<ts.Type, Map<string, Entry>>()
  readonly #anonymous: RawDefinition[] = []
  #lastKey = 0

  get all(): readonly RawDefinition[] {
    const named = [...this.#each()].flatMap(({ key, definition, node }) =>
      node === undefined ? [] : [{ ...definition, key, node }],
    )
    return [...named, ...this.#anonymous]
  }

  /** @returns the key of a definition that no type stands for */
  addAnonymous(definition: Omit<RawDefinition, 'key'>): string {
    const key = this.#key()
    this.#anonymous.push({ key, ...definition })
    return key
  }

  known(type: ts.Type, variant: string): Entry | undefined {
    return this.#entries.get(type)?.get(variant)
  }

  begin(type: ts.Type, variant: string, definition: Definition): Entry {
    const entry: Entry = { key: this.#key(), definition, isRecursive: false, node: undefined }
    const variants = this.#entries.get(type) ?? new Map<string, Entry>()
    this.#entries.set(type, variants.set(variant, entry))
    return entry
  }

  /** It stands where it is used, and not by itself. */
  forget(type: ts.Type, variant: string): void {
    this.#entries.get(type)?.delete(variant)
  }

  nodeOf(key: string): SchemaNode | undefined {
    for (const entry of this.#each()) if (entry.key === key) return entry.node
    return undefined
  }

  *#each(): Iterable<Entry> {
    for (const variants of this.#entries.values()) yield* variants.values()
  }

  #key(): string {
    this.#lastKey++
    return `#${this.#lastKey}`
  }
}
