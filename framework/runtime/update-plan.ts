/** Compares the handlers that run with those that should: which only change their code, and which groups must subscribe anew. Pure. */
import type { GroupChange, ResolvedHandler, SubscriptionChange } from './runtime.ts'

export interface UpdatePlan {
  /** Their group's subscription stays as it is. */
  readonly replace: readonly ResolvedHandler[]
  /** Groups that end, or end and begin again, or begin; sorted by name. */
  readonly groups: readonly PlannedGroup[]
}

export interface PlannedGroup extends GroupChange {
  /** All handlers that the group is to have; empty when it ends. */
  readonly next: readonly ResolvedHandler[]
}

/** A handler that is the same object as before has not changed. */
export function planUpdate(current: readonly ResolvedHandler[], next: readonly ResolvedHandler[]): UpdatePlan {
  const before = new Map(current.map((handler) => [handler.route.handlerId, handler]))
  const after = new Map(next.map((handler) => [handler.route.handlerId, handler]))
  const names = [...new Set([...current, ...next].map(({ group }) => group))].sort()
  const groups = names.flatMap((group): PlannedGroup[] => {
    const had = current.filter((handler) => handler.group === group)
    const has = next.filter((handler) => handler.group === group)
    const handlers = [
      ...had.flatMap((handler) => leaving(handler, after.get(handler.route.handlerId)) ?? []),
      ...has.flatMap((handler) => coming(handler, before.get(handler.route.handlerId)) ?? []),
    ]
    if (handlers.length === 0) return []
    const change = had.length === 0 ? 'started' : has.length === 0 ? 'stopped' : 'restarted'
    return [{ group, change, handlers, next: has }]
  })
  const moved = new Set(groups.map(({ group }) => group))
  return {
    groups,
    replace: next.filter((handler) => !moved.has(handler.group) && before.get(handler.route.handlerId) !== handler),
  }
}

/** What becomes of a handler that was in the group; undefined when it stays and reads as before. */
function leaving(was: ResolvedHandler, is: ResolvedHandler | undefined): SubscriptionChange | undefined {
  const { handlerId } = was.route
  if (is === undefined) return { handlerId, what: 'removed', from: was.route.topic, to: null }
  if (is.group !== was.group) return { handlerId, what: 'group', from: was.group, to: is.group }
  if (is.route.topic !== was.route.topic) return { handlerId, what: 'topic', from: was.route.topic, to: is.route.topic }
  if (is.route.ordering === was.route.ordering) return undefined
  return { handlerId, what: 'ordering', from: was.route.ordering, to: is.route.ordering }
}

/** What a handler is to the group that was not in it. */
function coming(is: ResolvedHandler, was: ResolvedHandler | undefined): SubscriptionChange | undefined {
  const { handlerId, topic } = is.route
  if (was === undefined) return { handlerId, what: 'added', from: null, to: topic }
  return was.group === is.group ? undefined : { handlerId, what: 'group', from: was.group, to: is.group }
}
