/** Compares the handlers that run with those that should: which only change their code, and which groups must subscribe anew. Pure. */
import { byHandler, topicsText } from '../model/by-handler.ts'
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

/** A handler that is the same object as before has not changed; one of several topics comes once for each of them. */
export function planUpdate(current: readonly ResolvedHandler[], next: readonly ResolvedHandler[]): UpdatePlan {
  const before = byHandler(current, idOf)
  const after = byHandler(next, idOf)
  const names = [...new Set([...current, ...next].map(({ group }) => group))].sort()
  const groups = names.flatMap((group): PlannedGroup[] => {
    const had = [...before.values()].filter(([handler]) => handler.group === group)
    const has = [...after.values()].filter(([handler]) => handler.group === group)
    const handlers = [
      ...had.flatMap((handler) => leaving(handler, after.get(idOf(handler[0]))) ?? []),
      ...has.flatMap((handler) => coming(handler, before.get(idOf(handler[0]))) ?? []),
    ]
    if (handlers.length === 0) return []
    const change = had.length === 0 ? 'started' : has.length === 0 ? 'stopped' : 'restarted'
    return [{ group, change, handlers, next: has.flat() }]
  })
  const moved = new Set(groups.map(({ group }) => group))
  const changed = new Set(next.filter((handler) => !current.includes(handler)).map(idOf))
  return { groups, replace: next.filter((handler) => !moved.has(handler.group) && changed.has(idOf(handler))) }
}

/** One handler, once for each of its topics. */
type Entries = readonly [ResolvedHandler, ...ResolvedHandler[]]

function idOf({ route }: ResolvedHandler): string {
  return route.handlerId
}

function topicsOf(entries: Entries): string {
  return topicsText(entries.map(({ route }) => route))
}

/** What becomes of a handler that was in the group; undefined when it stays and reads as before. */
function leaving(had: Entries, has: Entries | undefined): SubscriptionChange | undefined {
  const [was, is] = [had[0], has?.[0]]
  const { handlerId } = was.route
  if (has === undefined || is === undefined) return { handlerId, what: 'removed', from: topicsOf(had), to: null }
  if (is.group !== was.group) return { handlerId, what: 'group', from: was.group, to: is.group }
  if (topicsOf(has) !== topicsOf(had)) return { handlerId, what: 'topic', from: topicsOf(had), to: topicsOf(has) }
  if (is.route.ordering === was.route.ordering) return undefined
  return { handlerId, what: 'ordering', from: was.route.ordering, to: is.route.ordering }
}

/** What a handler is to the group that was not in it. */
function coming(has: Entries, had: Entries | undefined): SubscriptionChange | undefined {
  const [is, was] = [has[0], had?.[0]]
  const { handlerId } = is.route
  if (was === undefined) return { handlerId, what: 'added', from: null, to: topicsOf(has) }
  return was.group === is.group ? undefined : { handlerId, what: 'group', from: was.group, to: is.group }
}
