/** Remembers which handlers are paused, and tells it to groups that run and to those that begin later. */

import { suggestion } from '../config/nearest-name.ts'
import { PyrallelError } from '../model/errors.ts'
import type { RunningGroup } from './running-group.ts'

type PausableGroup = Pick<RunningGroup, 'handlers' | 'pause' | 'resume'>

export class PausedHandlers {
  readonly #groups: () => Iterable<PausableGroup>
  readonly #ids = new Set<string>()
  #isAll = false

  constructor(groups: () => Iterable<PausableGroup>) {
    this.#groups = groups
  }

  /**
   * Before the groups begin.
   * @throws PyrallelError PYR_USAGE when one of them is not among all handlers
   */
  beginWith(handlerIds: readonly string[], all: readonly string[]): void {
    for (const id of handlerIds) this.#ids.add(knownOf(id, all))
  }

  /** @throws PyrallelError PYR_USAGE when there is no such handler */
  pause(handlerId?: string): void {
    if (handlerId === undefined) this.#isAll = true
    else this.#ids.add(this.#known(handlerId))
    this.#applyToAll()
  }

  /** @throws PyrallelError PYR_USAGE when there is no such handler */
  resume(handlerId?: string): void {
    if (handlerId === undefined) this.#ids.clear()
    else {
      const known = this.#known(handlerId)
      // What was paused as a whole stays so, but for this one.
      if (this.#isAll) for (const id of this.#all()) this.#ids.add(id)
      this.#ids.delete(known)
    }
    this.#isAll = false
    this.#applyToAll()
  }

  /** A group begins: what is paused stays so in it. */
  apply(group: PausableGroup): void {
    for (const { route } of group.handlers) {
      if (this.#isPaused(route.handlerId)) group.pause(route.handlerId)
      else group.resume(route.handlerId)
    }
  }

  /** Sorted. */
  ids(): readonly string[] {
    return this.#all()
      .filter((id) => this.#isPaused(id))
      .sort()
  }

  #applyToAll(): void {
    for (const group of this.#groups()) this.apply(group)
  }

  #isPaused(id: string): boolean {
    return this.#isAll || this.#ids.has(id)
  }

  #all(): readonly string[] {
    const ids = [...this.#groups()].flatMap((group) => group.handlers.map(({ route }) => route.handlerId))
    return [...new Set(ids)]
  }

  #known(handlerId: string): string {
    return knownOf(handlerId, this.#all())
  }
}

function knownOf(handlerId: string, all: readonly string[]): string {
  if (all.includes(handlerId)) return handlerId
  throw new PyrallelError('PYR_USAGE', `There is no handler '${handlerId}'.${suggestion(handlerId, all)}`)
}
