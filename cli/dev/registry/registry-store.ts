/** What the registry of a dev session knows: schemas by id, and the versions of subjects. In memory; checks no compatibility. */
import type { PulledSchema } from '../../../framework/api/format.ts'
import { PyrallelError } from '../../../framework/model/errors.ts'
import { harmless } from '../../../framework/model/plain-text.ts'

export type SchemaType = 'AVRO' | 'PROTOBUF' | 'JSON'

export interface StoredReference {
  readonly name: string
  readonly subject: string
  readonly version: number
}

export interface StoredSchema {
  readonly type: SchemaType
  readonly text: string
  readonly references: readonly StoredReference[]
}

export interface StoredVersion {
  readonly subject: string
  readonly version: number
  readonly id: number
  readonly schema: StoredSchema
}

const types: Readonly<Record<PulledSchema<unknown>['format'], SchemaType>> = {
  avro: 'AVRO',
  protobuf: 'PROTOBUF',
  'json-schema': 'JSON',
}

export class RegistryStore {
  readonly #schemas = new Map<number, StoredSchema>()
  readonly #subjects = new Map<string, StoredVersion[]>()

  /**
   * Under the id that it has in the registry it was pulled from: so it stands in front of values.
   * @throws PyrallelError PYR_SCHEMA_REFUSED when another schema has that id
   */
  addPulled({ subject, id, format, text, references = [] }: PulledSchema<unknown>): void {
    const schema = {
      type: types[format],
      text,
      references: references.map(({ name, subject: of, version }) => ({ name, subject: of, version })),
    }
    const known = this.#schemas.get(id)
    if (known !== undefined && !isSame(known, schema)) {
      const other = this.versionsOf(id)[0]?.subject ?? 'another'
      if (other === subject) {
        throw new PyrallelError(
          'PYR_SCHEMA_REFUSED',
          `The schema of ${harmless(subject)} has changed, and its id ${id} has not: values of this session were written with the one before. Start \`pyrallel dev\` again; if the file was edited, pull it again before.`,
        )
      }
      throw new PyrallelError(
        'PYR_SCHEMA_REFUSED',
        `The schemas of ${harmless(subject)} and ${harmless(other)} differ, and both have id ${id}: they come from two registries, or the one was registered in this session. Pull both from one, and start \`pyrallel dev\` again.`,
      )
    }
    for (const each of references) {
      this.#place(each.subject, each.version, this.#freeId(), { type: types[format], text: each.text, references: [] })
    }
    this.#schemas.set(id, schema)
    const versions = this.versions(subject)
    if (versions.every((each) => each.id !== id)) this.#place(subject, versions.length + 1, id, schema)
  }

  /** A schema that is there already keeps its id, and its version in the subject. @returns the id */
  register(subject: string, schema: StoredSchema): number {
    const known = this.lookUp(subject, schema)
    if (known !== undefined) return known.id
    const [id = this.#freeId()] = [...this.#schemas].find(([, each]) => isSame(each, schema)) ?? []
    this.#place(subject, (this.versions(subject).at(-1)?.version ?? 0) + 1, id, schema)
    return id
  }

  lookUp(subject: string, schema: StoredSchema): StoredVersion | undefined {
    return this.versions(subject).find((each) => isSame(each.schema, schema))
  }

  byId(id: number): StoredSchema | undefined {
    return this.#schemas.get(id)
  }

  subjects(): readonly string[] {
    return [...this.#subjects.keys()].sort()
  }

  /** By their numbers. */
  versions(subject: string): readonly StoredVersion[] {
    return this.#subjects.get(subject) ?? []
  }

  versionsOf(id: number): readonly StoredVersion[] {
    return this.subjects().flatMap((subject) => this.versions(subject).filter((each) => each.id === id))
  }

  #place(subject: string, version: number, id: number, schema: StoredSchema): void {
    const versions = this.#subjects.get(subject) ?? []
    if (versions.some((each) => each.version === version)) return
    this.#schemas.set(id, schema)
    versions.push({ subject, version, id, schema })
    versions.sort((a, b) => a.version - b.version)
    this.#subjects.set(subject, versions)
  }

  /** Above all that are known: what is pulled later has the id that it has. */
  #freeId(): number {
    return Math.max(1_000_000, ...this.#schemas.keys()) + 1
  }
}

function isSame(a: StoredSchema, b: StoredSchema): boolean {
  return a.type === b.type && a.text === b.text && JSON.stringify(a.references) === JSON.stringify(b.references)
}
