/** The services of one simulated process: a call that answers later takes time to answer, fails as the schedule says, and is never made once the process is dead. */
import type { Services } from '../../api/handler.ts'
import type { Faults } from './faults.ts'
import { forever, type ProcessLife } from './process-life.ts'

export interface ServiceLife extends ProcessLife {
  sleep(ms: number): Promise<void>
}

/** Names of calls that have returned a promise. Only of those is it known that they can fail before they are made. */
export type AsyncCalls = Set<string>

export class ServiceCalls {
  readonly #life: ServiceLife
  readonly #faults: Faults
  readonly #asyncCalls: AsyncCalls
  /** So that what a handler compares is the same each time. */
  readonly #views = new WeakMap<object, object>()

  constructor(life: ServiceLife, faults: Faults, asyncCalls: AsyncCalls) {
    this.#life = life
    this.#faults = faults
    this.#asyncCalls = asyncCalls
  }

  viewOf(services: Services): Services {
    return this.#view(services, '')
  }

  /** Made over an object of its own, as one that is frozen may not be shown otherwise than it is. */
  #view(target: object, path: string): object {
    const known = this.#views.get(target)
    if (known !== undefined) return known
    const shownAt = (name: string | symbol) =>
      this.#shown(target, Reflect.get(target, name, target), `${path}${String(name)}`)
    const view = new Proxy(Object.create(Object.getPrototypeOf(target)), {
      get: (_, name) => shownAt(name),
      set: (_, name, value) => Reflect.set(target, name, value, target),
      has: (_, name) => Reflect.has(target, name),
      ownKeys: () => Reflect.ownKeys(target),
      getOwnPropertyDescriptor: (_, name) => {
        const own = Reflect.getOwnPropertyDescriptor(target, name)
        return own && { value: shownAt(name), enumerable: own.enumerable === true, configurable: true }
      },
    })
    this.#views.set(target, view)
    return view
  }

  #shown(target: object, value: unknown, path: string): unknown {
    if (typeof value === 'function')
      return (...args: unknown[]) => this.#call(() => Reflect.apply(value, target, args), path, args)
    return isMadeOfParts(value) ? this.#view(value, `${path}.`) : value
  }

  #call(make: () => unknown, path: string, args: readonly unknown[]): unknown {
    if (this.#life.isDead) return forever()
    if (this.#asyncCalls.has(path) && this.#faults.take('refuse-call') !== undefined) {
      this.#life.note(`${path}(${shown(args)}) fails before it has done anything`)
      return this.#fail(`${path} has failed`)
    }
    const result = make()
    if (!isThenable(result)) return result
    this.#asyncCalls.add(path)
    this.#life.note(`${path}(${shown(args)})`)
    return this.#answer(result, path)
  }

  async #fail(message: string): Promise<never> {
    await this.#life.travel()
    throw new Error(`${message}, as the simulation wants it.`)
  }

  async #answer(result: PromiseLike<unknown>, path: string): Promise<unknown> {
    const isLost = this.#faults.take('lose-call-answer') !== undefined
    const slowMs = this.#faults.take('slow-call')
    try {
      const answer = await result
      if (isLost) {
        this.#life.note(`the answer of ${path} is lost`)
        return await this.#fail(`The answer of ${path} is lost`)
      }
      return answer
    } finally {
      await this.#life.travel()
      if (slowMs !== undefined) await this.#life.sleep(slowMs)
    }
  }
}

const plainValues = [Array, Map, Set, Date, RegExp, Promise, Uint8Array, AbortSignal]

/** May have functions of its own. */
function isMadeOfParts(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !plainValues.some((each) => value instanceof each)
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

const LONGEST_TEXT = 80

function shown(args: readonly unknown[]): string {
  const texts = args.map((arg) => {
    try {
      return JSON.stringify(arg) ?? String(arg)
    } catch {
      return typeof arg
    }
  })
  const text = texts.join(', ')
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text
}
