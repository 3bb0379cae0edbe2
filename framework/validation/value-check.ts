/** Whether a value is what a schema says, and why not: for each way on which values are checked. Never tells the payload itself. */
import type { TSchema } from 'typebox'
import { bug } from '../model/errors.ts'
import { exactSchema } from './exact-schema.ts'
import { GuardedPatterns, type PatternRules } from './guarded-patterns.ts'
import { type Check, type Misfit, Misfits } from './misfits.ts'
import { namedPath } from './value-path.ts'

const loadTools = () => Promise.all([import('typebox/compile'), import('typebox/value')])
/** An `import` of what is there already still takes turns of the event loop, and each schema would wait for them. */
let tools: ReturnType<typeof loadTools> | undefined
/** The same, once they are there. */
let loaded: Awaited<ReturnType<typeof loadTools>> | undefined

/** TypeBox's compiler, which is loaded only when it is asked for: that is slow. */
export function compilerTools(): ReturnType<typeof loadTools> {
  tools ??= loadTools().then((both) => {
    loaded = both
    return both
  })
  return tools
}

export function areToolsLoaded(): boolean {
  return loaded !== undefined
}

export class ValueCheck {
  readonly #schema: TSchema
  readonly #compiled: Check
  readonly #patterns: GuardedPatterns | undefined
  readonly #misfits: Misfits

  private constructor(schema: TSchema, compiled: Check, patterns: GuardedPatterns | undefined, misfits: Misfits) {
    this.#schema = schema
    this.#compiled = compiled
    this.#patterns = patterns
    this.#misfits = misfits
  }

  /**
   * Compiles the schema.
   * @param rules for its patterns. Without them, these run as often as they are asked, and on every text.
   * @throws whatever TypeBox throws at a schema that it cannot compile
   */
  static async of(schema: TSchema, rules?: PatternRules): Promise<ValueCheck> {
    await compilerTools()
    return ValueCheck.made(schema, rules)
  }

  /** The same where `compilerTools` has been waited for. */
  static made(schema: TSchema, rules?: PatternRules): ValueCheck {
    if (loaded === undefined) throw bug('ValueCheck', "TypeBox's compiler is not loaded")
    const [{ Compile }, { Errors }] = loaded
    const exact = exactSchema(schema)
    const guarded = rules === undefined ? { schema: exact } : GuardedPatterns.in(exact, rules)
    const misfits = new Misfits(guarded.schema, { Compile, Errors })
    return new ValueCheck(guarded.schema, Compile(guarded.schema), guarded.patterns, misfits)
  }

  /** @throws RangeError where the value is nested deeper than the stack allows */
  accepts(value: unknown): boolean {
    const patterns = this.#patterns
    if (patterns === undefined) return this.#compiled.Check(value)
    if (!patterns.check(value, this.#compiled)) return false
    patterns.forget()
    return true
  }

  /**
   * Where the value that was just refused goes wrong first.
   * @param characters of its JSON
   * @throws RangeError where that is nested too deeply to be found
   */
  misfits(value: unknown, characters: number): readonly Misfit[] {
    return this.#misfits.in(value, characters)
  }

  /**
   * The same in words.
   * @param words makes a text of it
   */
  explain(value: unknown, characters: number, words: (misfits: readonly Misfit[]) => string): string {
    const why = () => words(this.misfits(value, characters))
    return this.#patterns === undefined ? why() : this.#patterns.explain(why)
  }

  /** A place in a value, by the names of the schema. */
  namedPath(value: unknown, instancePath: string): string {
    return namedPath(this.#schema, value, instancePath)
  }
}
