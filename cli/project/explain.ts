/** The config as a list: each option's value, where it was written, and how else it can be set. Shows no secret. Pure. */
import { type TObject, type TSchema, Type } from 'typebox'
import { configSchema } from '../../framework/config/config.ts'
import type { ConfigSurroundings } from '../../framework/config/config-layers.ts'
import { durationText, type OptionDoc, show } from '../../framework/config/option-schema.ts'
import { variableOf } from '../../framework/config/option-variables.ts'
import type { TracedConfig } from '../../framework/config/resolve-config.ts'
import { exactlyOnceNote } from './exactly-once-note.ts'
import { retryNote } from './retry-note.ts'

export interface ExplainedOption {
  /** `limits.maxRecords` */
  readonly option: string
  /** As one writes it; `(hidden)` for a secret; `null` for one that is not set. */
  readonly value: string | null
  /** `default`, the file, the file with the mode, or the variable with the file it was read from. */
  readonly source: string
  /** It was written in a `.env` file, and counts in production: `start` reads no such file. */
  readonly isUnreadByStart: boolean
  /** `PYRALLEL_LIMITS_MAX_RECORDS` */
  readonly variable: string
  readonly what: string
  readonly range: string
  /** What follows from this value and others together; `null` where nothing does. */
  readonly note: string | null
}

type Described = TSchema & { readonly doc?: OptionDoc; readonly secret?: boolean; readonly duration?: object }

/**
 * Every option, in the order of its declaration.
 * @param around what the config was resolved with
 */
export function explainConfig(
  { config, places }: Pick<TracedConfig, 'config' | 'places'>,
  { mode, envFiles }: Pick<ConfigSurroundings, 'mode' | 'envFiles'>,
): readonly ExplainedOption[] {
  const notes = new Map([
    ['handlers.retry.attempts', retryNote(config.handlers.retry)],
    ['commit.exactlyOnce', exactlyOnceNote(config)],
  ])
  return explain(configSchema, config, '', places).map((each) => ({
    ...each,
    note: notes.get(each.option) ?? null,
    isUnreadByStart: mode === 'production' && envFiles?.has(each.variable) === true,
  }))
}

function explain(
  schema: TObject,
  values: object,
  path: string,
  places: TracedConfig['places'],
): readonly Omit<ExplainedOption, 'isUnreadByStart' | 'note'>[] {
  return Object.entries(schema.properties).flatMap(([key, property]) => {
    const option = `${path}${key}`
    const described: Described = property
    const value: unknown = Reflect.get(values, described.duration === undefined ? key : `${key}Ms`)
    if (Type.IsObject(property)) return explain(property, value as object, `${option}.`, places)
    const { what = '', range = '' } = described.doc ?? {}
    const source = places.get(option) ?? 'default'
    return [{ option, value: valueText(value, described), source, variable: variableOf(option), what, range }]
  })
}

function valueText(value: unknown, { secret, duration }: Described): string | null {
  if (value === undefined) return null
  if (secret === true) return '(hidden)'
  return duration !== undefined && typeof value === 'number' ? `'${durationText(value)}'` : show(value)
}
