/** Reads what one group has to do and what it does it with, out of what its parts say. Pure: changes nothing. */

import type { KafkaClient } from '../../kafka/kafka-client.ts'
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
    handlers: routes.map((route) => ({ ...handlerOf(route, parts), partitions: partitions.get(route.topic) ?? [] })),
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
    handlers: routes.map((route) => ({
      ...handlerOf(route, parts),
      isIntakeHeld,
      partitions: partitions.get(route.topic) ?? [],
    })),
  }
}

/** Brokers that do not answer have not told what has come since: what was heard of an end then may be too low. */
function logEndsOf({ manager, client }: Parts, now: number): LogEnd {
  return manager.permit.clock.isStale(now) ? () => undefined : (of) => client.logEnd(of)
}

function handlerOf(route: Route, { manager, engines }: Parts): Omit<HandlerReading, 'partitions'> {
  const { handlerId, topic, concurrency, adaptive, rateLimit } = route
  const engine = engines.get(handlerId)
  return {
    handlerId,
    topic,
    capacity: Math.min(engine?.capacity ?? 0, concurrency),
    adaptiveLimit: adaptive === undefined ? null : manager.limitOf(topic),
    threads: engine?.threads?.running ?? null,
    inFlight: engine?.inFlight ?? 0,
    busyMs: manager.readings.busyMsOf(topic),
    rateLimit: rateLimit ?? null,
    isPaused: manager.restraintOf(topic).isPaused,
  }
}
