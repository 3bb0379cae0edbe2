/**
 * Says of a pattern whether a text exists that makes it go back and forth: its repetitions can share the same characters in more than one way. Then
 * a text that does not match is tried in all of them, and the time grows with a power of its length, or doubles with every few characters.
 *
 * The pattern becomes the automaton of Glushkov (1961): a state for each of its characters, and a step to each that may come next. Two ways from
 * a state to itself over one text: exponential. A way that stays in one repetition, one that stays in another, and one that crosses from the first
 * to the second, all over one text: polynomial (Weber and Seidl, On the degree of ambiguity of finite automata, 1991).
 */
import { type PatternNode, readPattern, samplesOf } from './pattern-syntax.ts'

export type PatternRisk = 'exponential' | 'polynomial'

/** A pattern with more states is not looked at: generating must stay quick. */
const MAX_STATES = 120
/** Nor is one further than so many pairs and triples of states. */
const MAX_STEPS = 40_000
/** A character that is repeated so often is repeated without a bound, as far as time goes. */
const MANY_CHARACTERS = 1_000
/** The same of a group: each repetition multiplies the ways. */
const MANY_GROUPS = 8

/** Undefined: none was found. @param pattern one that compiles with the flag `u` */
export function patternRisk(pattern: string): PatternRisk | undefined {
  const tree = readPattern(pattern)
  return worst([tree, ...looksIn(tree)].map((part) => new Automaton(pattern, part).risk()))
}

function worst(risks: readonly (PatternRisk | undefined)[]): PatternRisk | undefined {
  return risks.includes('exponential') ? 'exponential' : risks.find((risk) => risk !== undefined)
}

function looksIn(node: PatternNode): readonly PatternNode[] {
  switch (node.kind) {
    case 'look':
      return [node.part, ...looksIn(node.part)]
    case 'repeat':
      return looksIn(node.part)
    case 'sequence':
      return node.parts.flatMap(looksIn)
    case 'choice':
      return node.options.flatMap(looksIn)
    default:
      return []
  }
}

/** A part of the pattern: where it may begin and end, and whether it may be empty. */
interface Fragment {
  readonly first: readonly number[]
  readonly last: readonly number[]
  readonly isEmpty: boolean
}

const empty: Fragment = { first: [], last: [], isEmpty: true }

class Automaton {
  readonly #pattern: string
  /** By state: the characters that lead into it. */
  readonly #samples: ReadonlySet<string>[] = []
  /** By state: those that may come next, and in how many ways. */
  readonly #next: Map<number, number>[] = []
  /** Where the pattern is through, and nothing behind can make it fail. */
  readonly #done: ReadonlySet<number>
  readonly #overlaps = new Map<string, boolean>()
  #steps = 0

  constructor(pattern: string, tree: PatternNode) {
    this.#pattern = pattern
    const { last } = this.#build(tree)
    this.#done = new Set(endsOpen(tree) ? last : [])
  }

  risk(): PatternRisk | undefined {
    if (this.#samples.length > MAX_STATES) return undefined
    if (this.#states().some((state) => this.#comesBackTwice(state))) return 'exponential'
    const looping = this.#states().filter((state) => this.#reaches([state], [state]))
    const crosses = (from: number, to: number) =>
      from !== to && !this.#done.has(to) && this.#reaches([from, from, to], [from, to, to])
    return looping.some((from) => looping.some((to) => crosses(from, to))) ? 'polynomial' : undefined
  }

  #states(): readonly number[] {
    return [...this.#samples.keys()]
  }

  #build(node: PatternNode): Fragment {
    if (this.#samples.length > MAX_STATES) return empty
    switch (node.kind) {
      case 'character': {
        const state = this.#samples.push(samplesOf(node.source, this.#pattern)) - 1
        this.#next.push(new Map())
        return { first: [state], last: [state], isEmpty: false }
      }
      case 'sequence':
        return node.parts.map((part) => this.#build(part)).reduce((left, right) => this.#join(left, right), empty)
      case 'choice': {
        const options = node.options.map((option) => this.#build(option))
        return {
          first: options.flatMap(({ first }) => first),
          last: options.flatMap(({ last }) => last),
          isEmpty: options.some(({ isEmpty }) => isEmpty),
        }
      }
      case 'repeat':
        return this.#repeat(node)
      default:
        return empty
    }
  }

  /** Few repetitions are written out: two of those that must be, two of those that may. Many are a loop. */
  #repeat({ part, least, most }: Extract<PatternNode, { readonly kind: 'repeat' }>): Fragment {
    const isLoop = most > (part.kind === 'character' ? MANY_CHARACTERS : MANY_GROUPS) && most > least
    let whole = empty
    for (let count = 0; count < Math.min(least, 2) - (isLoop ? 1 : 0); count++)
      whole = this.#join(whole, this.#build(part))
    if (isLoop) {
      const body = this.#build(part)
      this.#link(body.last, body.first)
      return this.#join(whole, { ...body, isEmpty: body.isEmpty || least === 0 })
    }
    for (let count = 0; count < Math.min(most - least, 2); count++) {
      whole = this.#join(whole, { ...this.#build(part), isEmpty: true })
    }
    return whole
  }

  #join(left: Fragment, right: Fragment): Fragment {
    this.#link(left.last, right.first)
    return {
      first: left.isEmpty ? [...left.first, ...right.first] : left.first,
      last: right.isEmpty ? [...left.last, ...right.last] : right.last,
      isEmpty: left.isEmpty && right.isEmpty,
    }
  }

  #link(last: readonly number[], first: readonly number[]): void {
    for (const from of last) {
      for (const to of first) {
        const ways = this.#next[from]
        ways?.set(to, (ways.get(to) ?? 0) + 1)
      }
    }
  }

  /** By one step that can be made in two ways, or by two states at once. */
  #comesBackTwice(state: number): boolean {
    for (const [to, ways] of this.#next[state] ?? []) if (ways > 1 && this.#reaches([to], [state])) return true
    const apart = (at: readonly number[]) => at[0] !== at[1]
    return this.#reaches([state, state], [state, state], apart)
  }

  /** Whether so many walkers get from one set of states to another, each step over the same character, and on the way through such a set. */
  #reaches(from: readonly number[], to: readonly number[], through?: (at: readonly number[]) => boolean): boolean {
    const seen = new Set<string>()
    const queue: (readonly [at: readonly number[], hasPassed: boolean])[] = [[from, through === undefined]]
    for (const [at, hasPassed] of queue) {
      for (const next of this.#stepsFrom(at)) {
        if (++this.#steps > MAX_STEPS) return false
        const passed = hasPassed || through?.(next) === true
        if (passed && next.every((state, index) => state === to[index])) return true
        const key = `${next.join()} ${passed}`
        if (seen.has(key)) continue
        seen.add(key)
        queue.push([next, passed])
      }
    }
    return false
  }

  *#stepsFrom(at: readonly number[]): Generator<readonly number[]> {
    const [first, ...rest] = at
    if (first === undefined) {
      yield []
      return
    }
    for (const to of this.#next[first]?.keys() ?? []) {
      for (const others of this.#stepsFrom(rest)) if (this.#share([to, ...others])) yield [to, ...others]
    }
  }

  /** Whether one character leads into all of them. */
  #share(states: readonly number[]): boolean {
    if (states.length < 2) return (this.#samples[states[0] ?? 0]?.size ?? 0) > 0
    const key = states.join()
    const known = this.#overlaps.get(key)
    if (known !== undefined) return known
    const [first, ...rest] = states.map((state) => this.#samples[state])
    const shared = [...(first ?? [])].some((sample) => rest.every((each) => each?.has(sample) === true))
    this.#overlaps.set(key, shared)
    return shared
  }
}

/** Whether a text may go on behind what has matched: then the first way that comes to the end is taken, and no other is tried. */
function endsOpen(node: PatternNode): boolean {
  switch (node.kind) {
    case 'end':
      return false
    case 'sequence':
      return node.parts.every(endsOpen)
    case 'choice':
      return node.options.every(endsOpen)
    case 'repeat':
      return endsOpen(node.part)
    default:
      return true
  }
}
