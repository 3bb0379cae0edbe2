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
  #isExplaining = false
  #hasFailed = false

  private constructor(rules: PatternRules) {
    this.#rules = rules
  }

  /** The schema with its patterns guarded, and how to ask for an explanation. Where it has no pattern, it is returned as it is. */
  static in(schema: TSchema, rules: PatternRules): { readonly schema: TSchema; readonly patterns?: GuardedPatterns } {
    const patterns = new GuardedPatterns(rules)
    const guarded = patterns.#copy(schema, []) as TSchema
    return patterns.#patterns.length === 0 ? { schema } : { schema: guarded, patterns }
  }

  /** Why the value that was just checked is wrong: by what its check has found out, without running a pattern again. */
  explain<T>(why: () => T): T {
    this.#isExplaining = true
    try {
      return why()
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
    if (tookMs > SLOW_CHECK_MS) this.#rules.onSlow({ path: pattern.path, tookMs: Math.round(tookMs) })
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
