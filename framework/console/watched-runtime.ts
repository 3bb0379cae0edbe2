/** What the console needs of a runtime. One that is being started again is no runtime for that long: the console outlives it. */
import type { TSchema } from 'typebox'
import type { Format } from '../api/format.ts'
import type { ReadValue, SchemaReader } from '../formats/read-value.ts'
import type { SchemaRef } from '../formats/value-frame.ts'
import type { KafkaRecord } from '../model/record.ts'
import type { Route } from '../model/settings.ts'
import type { SystemMetrics } from '../model/snapshot.ts'
import type { Inspection, RecordActions } from '../runtime/inspection.ts'

export interface WatchedHandler {
  readonly route: Route
  readonly group: string
  /** Relative to the project. */
  readonly file: string
  /** Undefined: it runs on the event loop. */
  readonly worker?: object | undefined
  /** Topics, as the generator has read them. Undefined: nobody has written them down. */
  readonly publishes?: readonly string[] | undefined
  /** Its topic, with the schema or the formats of today. */
  readonly definition?:
    | {
        readonly topic: {
          readonly schema?: TSchema | undefined
          readonly format?: Format<unknown> | undefined
          readonly keyFormat?: Format<unknown> | undefined
        }
      }
    | undefined
}

/** What values of a registry's formats say, for who looks at them. All may take as long as the registry does. */
export interface ValueLooks {
  /** Never rejects. */
  read(record: Pick<KafkaRecord, 'value' | 'headers'>): Promise<ReadValue>
  /** Of keys. @throws Error where the schema cannot be had, or not be read */
  readerOf(ref: SchemaRef): Promise<SchemaReader>
  /** As the handler would get it: the value, a `RejectedValue`, or an `UnreadyValue`. */
  decode(record: Pick<KafkaRecord, 'value' | 'headers'>, format: Format<unknown>, handlerId: string): Promise<unknown>
}

export interface WatchedRuntime extends RecordActions {
  readonly inspection: Inspection
  readonly values: ValueLooks
  readonly handlers: readonly WatchedHandler[]
  readonly paused: readonly string[]
  snapshot(): SystemMetrics
  /** @throws PyrallelError PYR_USAGE when there is no such handler */
  pause(handlerId: string): void
  resume(handlerId: string): void
}
