/**
 * Runs the patterns of a schema with care, since a pattern that goes back and forth over a text may take seconds, and nothing can stop it: not on
 * a text that is too long for it, never a second time for the text of an error, and with a word about those that are slow.
 */
import type { TSchema } from 'typebox'

/** A text whose schema has no `maxLength` is given to its pattern up to this length. Characters. */
export const MAX_UNBOUNDED = 10_000
/** A check that takes longer is told. Milliseconds. */
export const SLOW_CHECK_MS = 100

export interface SlowCheck {
  /** Where in the values, by the names in the schema; a star for all elements: `lines / * / sku`, without the spaces. */
  readonly path: string
  readonly tookMs: number
}

export interface PatternRules {
  /** Milliseconds. */
  readonly now: () => number
  readonly onSlow: (check: SlowCheck) => void
}

/** What stands behind these is a value, whatever its properties are called. */
const ofValues: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples'])

/** The patterns of one schema. */
export class GuardedPatterns {
  readonly #patterns: GuardedPattern[] = []
  readonly #rules: PatternRules
  /** Where names of properties are matched by patterns: TypeBox makes its own regular expressions of those, so the whole check is guarded. */
  #namesAt: string | undefined
  #isExplaining = false
  #hasFailed = false
  #hasTold = false
  /** Why the value that was just checked is wrong, where TypeBox is not asked. */
  #refusal: string | undefined

  private constructor(rules: PatternRules) {
    this.#rules = rules
  }

  /** The schema with its patterns guarded, and how to ask for an explanation. Where it has no pattern, it is returned as it is. */
  static in(schema: TSchema, rules: PatternRules): { readonly schema: TSchema; readonly patterns?: GuardedPatterns } {
    const patterns = new GuardedPatterns(rules)
    const guarded = patterns.#copy(schema, []) as TSchema
    const isFree = patterns.#patterns.length === 0 && patterns.#namesAt === undefined
    return isFree ? { schema } : { schema: guarded, patterns }
  }

  check(value: unknown, validator: { Check(value: unknown): boolean }): boolean {
    if (this.#namesAt === undefined) return validator.Check(value)
    this.#hasTold = false
    this.#refusal = hasLongName(value)
      ? `a property has a name of more than ${MAX_UNBOUNDED} characters, and the schema has patterns for names`
      : undefined
    if (this.#refusal !== undefined) return false
    const startedAt = this.#rules.now()
    const verdict = validator.Check(value)
    const tookMs = Math.round(this.#rules.now() - startedAt)
    if (tookMs <= SLOW_CHECK_MS) return verdict
    if (!this.#hasTold) this.#rules.onSlow({ path: this.#namesAt, tookMs })
    if (!verdict) this.#refusal = `to find that out took ${tookMs} ms, so where is not looked for`
    return verdict
  }

  /** Why the value that was just checked is wrong: by what its check has found out, without running a pattern of a text again. */
  explain(why: () => string): string {
    const refusal = this.#refusal
    this.#refusal = undefined
    this.#isExplaining = true
    try {
      return refusal ?? why()
    } finally {
      this.#isExplaining = false
      this.forget()
    }
  }

  /** Call it after each check: what has failed is kept for an explanation only. */
  forget(): void {
    if (!this.#hasFailed) return
    this.#hasFailed = false
    for (const pattern of this.#patterns) pattern.forget()
  }

  run(pattern: GuardedPattern, text: string): boolean {
    if (this.#isExplaining) return !pattern.hasFailed(text)
    if (text.length > pattern.longest) return this.#fail(pattern, text)
    const startedAt = this.#rules.now()
    const isMatch = pattern.matches(text)
    const tookMs = this.#rules.now() - startedAt
    if (tookMs > SLOW_CHECK_MS) {
      this.#hasTold = true
      this.#rules.onSlow({ path: pattern.path, tookMs: Math.round(tookMs) })
    }
    return isMatch || this.#fail(pattern, text)
  }

  #fail(pattern: GuardedPattern, text: string): false {
    this.#hasFailed = true
    pattern.fail(text)
    return false
  }

  /** Copies what a pattern stands below, with all that TypeBox hides in it; shares the rest. */
  #copy(node: unknown, path: readonly string[]): unknown {
    if (typeof node !== 'object' || node === null) return node
    if (Array.isArray(node)) return node.map((each: unknown) => this.#copy(each, path))
    const copy: PropertyDescriptorMap = {}
    for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(node))) {
      const { value } = descriptor
      copy[key] = 'value' in descriptor ? { ...descriptor, value: this.#copyOf(key, value, node, path) } : descriptor
    }
    return Object.create(Object.getPrototypeOf(node) as object | null, copy)
  }

  #copyOf(key: string, value: unknown, schema: object, path: readonly string[]): unknown {
    if (key === 'pattern' && (typeof value === 'string' || value instanceof RegExp)) {
      const { maxLength } = schema as { readonly maxLength?: unknown }
      const pattern = new GuardedPattern(value, {
        group: this,
        path: path.join('/'),
        longest: typeof maxLength === 'number' ? maxLength : MAX_UNBOUNDED,
      })
      this.#patterns.push(pattern)
      return pattern
    }
    if (ofValues.has(key)) return value
    if (key === 'properties') return this.#copyEach(value, path)
    if (key === 'patternProperties' && hasWrittenPattern(value)) this.#namesAt ??= [...path, '*'].join('/')
    const isOfElements = key === 'items' || key === 'patternProperties' || key === 'additionalProperties'
    return this.#copy(value, isOfElements ? [...path, '*'] : path)
  }

  /** Names of properties are no keywords: one may be called `pattern`. */
  #copyEach(properties: unknown, path: readonly string[]): unknown {
    if (typeof properties !== 'object' || properties === null) return properties
    const copy: PropertyDescriptorMap = {}
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(properties))) {
      copy[name] = { ...descriptor, value: this.#copy(descriptor.value, [...path, name]) }
    }
    return Object.create(Object.getPrototypeOf(properties) as object | null, copy)
  }
}

/** What TypeBox writes for `Record<string, ...>` and records by number: a pattern that does not go back. */
const plainNames: ReadonlySet<string> = new Set([
  '^.*$',
  '^-?(?:0|[1-9][0-9]*)$',
  '^-?(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?$',
])

function hasWrittenPattern(patterns: unknown): boolean {
  return typeof patterns === 'object' && patterns !== null && Object.keys(patterns).some((key) => !plainNames.has(key))
}

/** Without recursion: it is asked before anything has looked how deep the value is. */
function hasLongName(value: unknown): boolean {
  const waiting: unknown[] = [value]
  while (waiting.length > 0) {
    const each = waiting.pop()
    if (typeof each !== 'object' || each === null) continue
    if (Array.isArray(each)) {
      for (const element of each) waiting.push(element)
      continue
    }
    for (const name of Object.keys(each)) {
      if (name.length > MAX_UNBOUNDED) return true
      waiting.push((each as Readonly<Record<string, unknown>>)[name])
    }
  }
  return false
}

interface GuardedPatternOptions {
  readonly group: GuardedPatterns
  readonly path: string
  readonly longest: number
}

/** TypeBox takes a regular expression where it takes a pattern's text, and calls `test`. */
class GuardedPattern extends RegExp {
  readonly #options: GuardedPatternOptions
  /** V8 runs a subclass a dozen times slower. */
  readonly #plain: RegExp
  readonly #failed = new Set<string>()
  #hasRefusedLong = false

  constructor(pattern: string | RegExp, options: GuardedPatternOptions) {
    super(pattern, typeof pattern === 'string' ? 'u' : pattern.flags.replace(/[gy]/g, ''))
    this.#plain = new RegExp(this.source, this.flags)
    this.#options = options
  }

  get path(): string {
    return this.#options.path
  }

  get longest(): number {
    return this.#options.longest
  }

  override test(text: string): boolean {
    return this.#options.group.run(this, text)
  }

  matches(text: string): boolean {
    return this.#plain.test(text)
  }

  fail(text: string): void {
    this.#failed.add(text)
    this.#hasRefusedLong ||= text.length > this.longest
  }

  hasFailed(text: string): boolean {
    return this.#failed.has(text)
  }

  forget(): void {
    this.#failed.clear()
    this.#hasRefusedLong = false
  }

  /** In the words of an error. */
  override toString(): string {
    const cap = `" and have at most ${MAX_UNBOUNDED} characters, as its schema has a pattern and no maxLength`
    return this.#hasRefusedLong && this.longest === MAX_UNBOUNDED ? `${this.source}${cap}` : this.source
  }
}
