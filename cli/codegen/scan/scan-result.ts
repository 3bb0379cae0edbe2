/** What comes out of the scanner: plain data, so that the compiler behind it can be changed. */
import type { PulledSchema } from '../../../framework/api/format.ts'
import type { EngineKind, Ordering } from '../../../framework/model/work.ts'
import type { Diagnostic } from '../../diagnostics/diagnostic.ts'
import type { SchemaExpression } from '../schema/schema-expression.ts'
import type { SchemaDefinition } from '../schema/schema-node.ts'

/** What can be read of one handler without running it. One of several topics comes once for each of them, in the order of its list. */
export interface ScannedHandler {
  readonly id: string
  readonly file: string
  readonly topic: string
  /** `null`: the config's group. */
  readonly group: string | null
  /** `null`: the config's ordering. */
  readonly ordering: Ordering | null
  readonly engine: EngineKind
  readonly schema: ValueSchema
  /** What its file, and the files of the project that it imports, publish to in so many words. Sorted. */
  readonly publishes: readonly string[]
  readonly deadLetter: ScannedDeadLetter
  /** Of the worker engine, where they are written as a number; `undefined`: as many as the machine has cores, or only running the code could tell. */
  readonly threads: number | undefined
}

/** Where its records go that cannot be handled. */
export type ScannedDeadLetter =
  /** To the topic that follows from its topic and group. */
  | { readonly kind: 'default' }
  | { readonly kind: 'topic'; readonly name: string }
  /** They are dropped. */
  | { readonly kind: 'none' }
  /** Only running the code could tell. */
  | { readonly kind: 'unknown' }

/** What the values of a topic must be. */
export type ValueSchema =
  /** By a TypeScript type, whose schema is defined under this name. */
  | { readonly kind: 'derived'; readonly name: string }
  /** By a TypeBox schema of the user's; `undefined` where only running the code could tell it. */
  | { readonly kind: 'explicit'; readonly expression: SchemaExpression | undefined }
  | FormatSchema
  /** Nobody says. */
  | { readonly kind: 'none' }

/** By a schema that was pulled from a registry. `fingerprint`: `null` where only running the code could tell it. */
export interface FormatSchema {
  readonly kind: 'pulled'
  readonly format: PulledSchema<unknown>['format']
  /** How a published value, or key, names its schema. */
  readonly framing: 'id' | 'guid' | 'header'
  readonly subjects?: 'topic' | 'record' | 'topic-record'
  readonly tombstones?: true
  /** What has the schema, for generated files to import; undefined where that has been refused. */
  readonly constant?: PulledConstant
  readonly subject: string | null
  readonly fingerprint: string | null
  /** Of Protobuf: the schema, and which of its messages they are. */
  readonly protobuf?: { readonly text: string; readonly message: string }
}

/** An exported constant that `schemas pull` has written. */
export interface PulledConstant {
  /** Relative to the project. */
  readonly file: string
  readonly name: string
}

/** A topic that is declared, read, or published to. */
export interface ScannedTopic {
  readonly name: string
  readonly schema: ValueSchema
  /** Somebody declares that nothing reads or writes its values. They may have a format all the same: for another, who wants to see their bytes. */
  readonly areBytes?: true
  /** Of its keys; undefined where they are text. */
  readonly keySchema?: FormatSchema
}

export interface ScanResult {
  /** Sorted by id; topics of one handler in the order of its list. */
  readonly handlers: readonly ScannedHandler[]
  /** Sorted by name. */
  readonly topics: readonly ScannedTopic[]
  /** Sorted by name. */
  readonly definitions: readonly SchemaDefinition[]
  /** Sorted by file, line and column. Not empty: nothing may be generated. */
  readonly diagnostics: readonly Diagnostic[]
  /** In the same order. What they name is generated all the same. */
  readonly warnings: readonly Diagnostic[]
  /** The same for what handlers publish past their context: a mistake with `commit.exactlyOnce` only. */
  readonly outside: readonly Diagnostic[]
}
