/** Reads what one group has to do and what it does it with, out of what its parts say. Pure: changes nothing. */

import type { KafkaClient } from '../../kafka/kafka-client.ts'
import { byHandler, topicsText } from '../../model/by-handler.ts'
import type { Route } from '../../model/settings.ts'
import type { GroupReading, GroupWork, HandlerReading } from '../../model/workload.ts'
import type { LogEnd } from '../partition-readings.ts'
import type { GroupParts } from './group-snapshot.ts'

/** What is read of a group for its figures. */
type Parts = Pick<GroupParts, 'group' | 'manager' | 'routes' | 'engines'> & {
  readonly client: Pick<KafkaClient, 'logEnd'>
}

/** Cheap: nothing of it looks at records. */
export function groupReading(parts: Parts, now: number): GroupReading {
  const { group, manager, routes } = parts
  const partitions = manager.readings.amounts(logEndsOf(parts, now))
  return {
    group,
    handlers: handlersOf(routes).map((own) => ({
      ...handlerOf(own, parts),
      partitions: partitionsOf(own, partitions),
    })),
  }
}

/** @param mostPerKeyOf records of one key that one slot of this handler can do in the time in which the backlog is to be done */
export function groupWork(parts: Parts, now: number, mostPerKeyOf: (handlerId: string) => number): GroupWork {
  const { group, manager, routes } = parts
  const mostPerKey = new Map(routes.map(({ topic, handlerId }) => [topic, mostPerKeyOf(handlerId)]))
  const partitions = manager.readings.work(logEndsOf(parts, now), (topic) => mostPerKey.get(topic) ?? 1)
  const isIntakeHeld = manager.heldBecause !== null
  return {
    group,
    handlers: handlersOf(routes).map((own) => ({
      ...handlerOf(own, parts),
      isIntakeHeld,
      partitions: partitionsOf(own, partitions),
    })),
  }
}

/** Brokers that do not answer have not told what has come since: what was heard of an end then may be too low. */
function logEndsOf({ manager, client }: Parts, now: number): LogEnd {
  return manager.permit.clock.isStale(now) ? () => undefined : (of) => client.logEnd(of)
}

type RoutesOfOne = readonly [Route, ...Route[]]

function handlersOf(routes: readonly Route[]): readonly RoutesOfOne[] {
  return [...byHandler(routes, ({ handlerId }) => handlerId).values()]
}

function partitionsOf<T>(routes: RoutesOfOne, partitions: ReadonlyMap<string, readonly T[]>): readonly T[] {
  return routes.flatMap(({ topic }) => partitions.get(topic) ?? [])
}

function handlerOf(routes: RoutesOfOne, { manager, engines }: Parts): Omit<HandlerReading, 'partitions'> {
  const [{ handlerId, topic, concurrency, adaptive, rateLimit }] = routes
  const engine = engines.get(handlerId)
  return {
    handlerId,
    topic: topicsText(routes),
    capacity: Math.min(engine?.capacity ?? 0, concurrency),
    adaptiveLimit: adaptive === undefined ? null : manager.limitOf(topic),
    threads: engine?.threads?.running ?? null,
    inFlight: engine?.inFlight ?? 0,
    busyMs: manager.readings.busyMsOf(topic),
    rateLimit: rateLimit ?? null,
    isPaused: manager.restraintOf(topic).isPaused,
  }
}
