/**
 * Describes options: each is one TypeBox schema that carries its documentation and default, so that types, validation,
 * defaults and reference come from one place. Knows no particular option.
 */
import { type Static, type TObject, type TOptional, type TProperties, type TSchema, type TUnsafe, Type } from 'typebox'
import type { Duration } from '../model/duration.ts'
import { groupedDigits } from '../model/grouped-digits.ts'
import { isSecretName } from '../model/secret-names.ts'
import { quoted } from '../model/written-text.ts'

/** The four parts of an option's documentation, less the default, which is a value. */
export interface OptionDoc {
  /** What it decides. */
  readonly what: string
  /** The values that are allowed, in words. */
  readonly range: string
  /** What gets worse when it is set too high, too low or otherwise. */
  readonly worse: string
  /** Its type in TypeScript, where the schema cannot say it. */
  readonly type?: string
}

/** An option that may be left out. With a `default`, its resolved value is always set. */
export type Option<S extends TSchema> = TOptional<S> & { readonly doc: OptionDoc }
export type OptionWithDefault<S extends TSchema> = Option<S> & { readonly default: Static<S> }
export type RequiredOption<S extends TSchema> = S & { readonly doc: OptionDoc }

/** A duration; its resolved value is a number of milliseconds under a name that ends in `Ms`. */
export type DurationSchema = TUnsafe<Duration> & {
  readonly duration: { readonly minMs: number; readonly maxMs: number }
}

/** Options that belong together, as one object that may be left out. */
export type Section<P extends TProperties> = TOptional<TObject<P>>

export function integer(min: number, max: number, standard: number, doc: Omit<OptionDoc, 'range'>) {
  const range = `a whole number from ${groupedDigits(min)} to ${groupedDigits(max)}`
  return withDefault(Type.Integer({ minimum: min, maximum: max, default: standard, doc: { ...doc, range } }))
}

export function duration(minMs: number, maxMs: number, standard: Duration, doc: Omit<OptionDoc, 'range'>) {
  const schema = Type.Unsafe<Duration>(
    Type.Union([Type.Number(), Type.String()], {
      default: standard,
      doc: { ...doc, range: `a duration from ${durationText(minMs)} to ${durationText(maxMs)}` },
      duration: { minMs, maxMs },
    }),
  ) as DurationSchema
  return withDefault(schema)
}

/** Left out, its resolved value is `undefined`. */
export function durationOrNone(minMs: number, maxMs: number, doc: Omit<OptionDoc, 'range'>) {
  const range = `a duration from ${durationText(minMs)} to ${durationText(maxMs)}`
  const schema = Type.Unsafe<Duration>(
    Type.Union([Type.Number(), Type.String()], { doc: { ...doc, range }, duration: { minMs, maxMs } }),
  ) as DurationSchema
  return withoutDefault(schema)
}

export function oneOf<const V extends string>(values: readonly V[], standard: V, doc: Omit<OptionDoc, 'range'>) {
  const schema = Type.Unsafe<V>(
    Type.Union(
      values.map((value) => Type.Literal(value)),
      { default: standard, doc: { ...doc, range: `one of ${values.map((value) => `'${value}'`).join(', ')}` } },
    ),
  )
  return withDefault(schema)
}

export function flag(standard: boolean, doc: Omit<OptionDoc, 'range'>) {
  return withDefault(Type.Boolean({ default: standard, doc: { ...doc, range: 'true or false' } }))
}

/** Gives a schema of any kind its documentation and default. The default must be among the schema's own options already. */
export function withDefault<S extends TSchema>(schema: S): OptionWithDefault<S> {
  return Type.Optional(schema) as unknown as OptionWithDefault<S>
}

export function withoutDefault<S extends TSchema>(schema: S): Option<S> {
  return Type.Optional(schema) as unknown as Option<S>
}

export function section<P extends TProperties>(properties: P): Section<P> {
  return Type.Optional(options(properties)) as unknown as Section<P>
}

/** The outermost object of options. */
export function options<P extends TProperties>(properties: P): TObject<P> {
  return Type.Object(properties, { additionalProperties: false })
}

type Simplify<T> = { readonly [K in keyof T]: T[K] }

/** What options are once every default is in place: durations are milliseconds, and nothing with a default is optional. */
export type ResolvedOptions<P> = Simplify<{
  [K in keyof P as P[K] extends DurationSchema ? `${K & string}Ms` : K]: P[K] extends {
    readonly properties: infer Q
  }
    ? ResolvedOptions<Q>
    : P[K] extends DurationSchema
      ? P[K] extends { readonly default: unknown }
        ? number
        : number | undefined
      : P[K] extends { readonly default: unknown }
        ? ResolvedValue<P[K]>
        : P[K] extends { readonly '~optional': true }
          ? ResolvedValue<P[K]> | undefined
          : ResolvedValue<P[K]>
}>

type ResolvedValue<S> = S extends TSchema ? Static<S> : never

/** One row of the reference that is made from a schema. */
export interface OptionRow extends OptionDoc {
  /** `limits.maxRecords` */
  readonly name: string
  /** The default as one writes it; `required` or `none` when there is no default. */
  readonly standard: string
}

/** Every option of a schema in the order of its declaration. */
export function optionRows(schema: TObject, prefix = ''): readonly OptionRow[] {
  return Object.entries(schema.properties).flatMap(([key, property]) => {
    const name = `${prefix}${key}`
    if (Type.IsObject(property)) return optionRows(property, `${name}.`)
    const { doc, default: standard } = property as Partial<OptionWithDefault<TSchema>>
    if (doc === undefined) return []
    const shown = standard === undefined ? (Type.IsOptional(property) ? 'none' : 'required') : show(standard)
    return [{ name, standard: shown, what: doc.what, range: doc.range, worse: doc.worse }]
  })
}

/** An address with somebody's name before its @, and then perhaps with a password: `https://u:pw@host`, `token@host:9092`. */
const userinfo = /:.*@|@[^@]*:\d+\s*$/s

/** A value as its owner would write it in the file; hidden when the option's name, or its own look, says that it is a secret. */
export function show(value: unknown, name = ''): string {
  if (isSecretName(name) && value !== undefined) return '(hidden)'
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'string') return userinfo.test(value) ? '(hidden)' : quoted(value)
  const hideSecrets = (key: string, inner: unknown) => {
    const isHidden = isSecretName(key) || (typeof inner === 'string' && userinfo.test(inner))
    return isHidden ? '(hidden)' : isBeyondJson(inner) ? String(inner) : inner
  }
  if (isBeyondJson(value)) return String(value)
  return (JSON.stringify(value, hideSecrets) as string | undefined) ?? String(value)
}

/** JSON has no word for it, or the wrong one: `null`. */
function isBeyondJson(value: unknown): boolean {
  return typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))
}

/** What a value is, for one that must not be shown. */
export function kindOf(value: unknown): string {
  if (typeof value === 'string') return 'a text'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object'
  return show(value)
}

export function durationText(ms: number): string {
  for (const [unit, size] of [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ] as const) {
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`
  }
  return `${ms}ms`
}
