/** Lays the sources of the config over each other: the file, its section for the mode, the environment. Knows where each value comes from. Of files, it reads those that hold secrets. */
import { type TObject, Type } from 'typebox'
import { ownProperty } from '../model/own-property.ts'
import { isMode, type Mode, modes } from './mode.ts'
import { type Environment, readVariables } from './option-variables.ts'
import type { PassedOver } from './service-variables.ts'

/** What counts beside the file. */
export interface ConfigSurroundings {
  /** Which of the file's sections `development`, `production` and `test` counts. */
  readonly mode: Mode
  /** Where the `PYRALLEL_*` variables are. */
  readonly env: Environment
  /** The file that a variable was read from; without an entry, it is of the environment itself. */
  readonly envFiles?: ReadonlyMap<string, string>
}

/** Values as one writes them, and where each was written. */
export interface LayeredConfig {
  readonly values: unknown
  /** By option: `limits.maxRecords`. Without an entry, it is a default. */
  readonly places: ReadonlyMap<string, string>
  /** Variables that look like options, and were set by nobody who meant one. */
  readonly passedOver: readonly PassedOver[]
}

type Values = Readonly<Record<string, unknown>>

/** Lowest first: the file, its section for the mode, the environment. */
export function layered(schema: TObject, file: unknown, place: string, around: ConfigSurroundings): LayeredConfig {
  if (!isValues(file)) return { values: file, places: new Map(), passedOver: [] }
  const places = new Map<string, string>()
  const ofMode = file[around.mode]
  const rest = Object.fromEntries(Object.entries(file).filter(([key]) => !isMode(key)))
  let values: Values = lay(schema, {}, rest, '', (option) => places.set(option, place))
  if (ofMode !== undefined) {
    const modePlace = placeOfMode(place, around.mode)
    if (!isValues(ofMode)) values = { ...values, [around.mode]: ofMode }
    else values = lay(schema, values, ofMode, '', (option) => places.set(option, modePlace))
  }
  const variables = readVariables(schema, around.env)
  for (const { variable, option, value } of variables.values) {
    const from = around.envFiles?.get(variable)
    values = withOption(values, option.split('.'), value)
    places.set(option, from === undefined ? variable : `${variable} in ${from}`)
  }
  return { values, places, passedOver: variables.passedOver }
}

/** The sections of other modes that the file has: they must be right too, or the first deployment would find out. */
export function otherModes(file: unknown, mode: Mode): readonly Mode[] {
  return isValues(file) ? modes.filter((each) => each !== mode && file[each] !== undefined) : []
}

export function placeOfMode(place: string, mode: Mode): string {
  return `${place} (${mode})`
}

/** Options replace options, sections are merged, and so are the entries of an option that is a record. */
function lay(schema: TObject, under: Values, over: Values, path: string, onOption: (option: string) => void): Values {
  const result = new Map<string, unknown>(Object.entries(under))
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue
    const property = ownProperty(schema.properties, key)
    const below = result.get(key)
    if (property !== undefined && Type.IsObject(property) && isValues(value)) {
      result.set(key, lay(property, isValues(below) ? below : {}, value, `${path}${key}.`, onOption))
      continue
    }
    const isMerged = property !== undefined && Type.IsRecord(property) && isValues(value) && isValues(below)
    result.set(key, isMerged ? { ...below, ...value } : value)
    onOption(`${path}${key}`)
  }
  return Object.fromEntries(result)
}

function withOption(values: Values, [key = '', ...rest]: readonly string[], value: unknown): Values {
  if (rest.length === 0) return { ...values, [key]: value }
  const below = values[key]
  return { ...values, [key]: withOption(isValues(below) ? below : {}, rest, value) }
}

function isValues(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
