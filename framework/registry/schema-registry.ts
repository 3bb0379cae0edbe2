/** What is asked of a schema registry, and what it answers. */
import type { PulledReference } from '../api/format.ts'

export type SchemaFormat = 'avro' | 'protobuf' | 'json-schema'

export interface RegisteredSchema {
  readonly format: SchemaFormat
  /** As the registry has it. */
  readonly text: string
  /** All that it names, and all that those name: what is named stands before what names it. */
  readonly references: readonly PulledReference[]
  /** Lower case, with dashes; `null` where the registry gives none. */
  readonly guid: string | null
  /** Names of the rules that it has and that are not disabled: what is written with it may be encrypted, or of another version. */
  readonly rules: readonly string[]
}

export interface SubjectVersion extends RegisteredSchema {
  readonly subject: string
  readonly version: number
  readonly id: number
}

/** What may be registered. */
export interface NewSchema {
  readonly format: SchemaFormat
  readonly text: string
}

export interface SchemaRegistry {
  /** Without user and password. */
  readonly url: string
  /**
   * Schemas that are asked for by id, GUID, or subject and version never change, so the latest 1,000 of them are kept; what is asked for meanwhile is asked once.
   * @throws PyrallelError PYR_SCHEMA_UNKNOWN, PYR_REGISTRY_UNREACHABLE (`retriable`), PYR_REGISTRY_REFUSED, PYR_REGISTRY, and
   * PYR_SCHEMA_REFUSED for a schema of none of the three formats; so do all below
   */
  byId(id: number): Promise<RegisteredSchema>
  /** @throws PyrallelError PYR_SCHEMA_UNKNOWN also where the registry knows no GUIDs */
  byGuid(guid: string): Promise<RegisteredSchema>
  version(subject: string, version: number): Promise<SubjectVersion>
  /** Asked anew each time. */
  latest(subject: string): Promise<SubjectVersion>
  /** Sorted. */
  subjects(): Promise<readonly string[]>
  /** Which version of the subject is this very schema; `undefined` where none is. */
  versionOf(subject: string, schema: NewSchema): Promise<number | undefined>
  /** Why the registry would not take it as the next version, by the compatibility that it asks of the subject; `undefined` where it has no such subject. */
  objections(subject: string, schema: NewSchema): Promise<readonly string[] | undefined>
  /** Registered once more, a schema stays what it is. @returns its id */
  register(subject: string, schema: NewSchema): Promise<number>
  close(): void
}
