/** A runtime on the in-memory cluster whose handlers a test exchanges and holds up; whatever happens can be waited for. Not a test itself. */
import type { TestContext } from 'node:test'
import { type HandlerFunction, handler } from '../../../framework/api/handler.ts'
import { configDefaults } from '../../../framework/config/resolve-config.ts'
import { type MemoryCluster, memoryCluster } from '../../../framework/kafka/memory/client.ts'
import type { RuntimeEvent } from '../../../framework/model/events.ts'
import type { WatchPoint } from '../../../framework/model/record-watch.ts'
import type { Route } from '../../../framework/model/settings.ts'
import { createRuntime } from '../../../framework/runtime/create-runtime.ts'
import type { ResolvedHandler, Runtime } from '../../../framework/runtime/runtime.ts'
import { type LoggedLine, recordedLog } from '../kafka/recorded-log.ts'

export interface HandlerParts extends Partial<Omit<Route, 'handlerId'>> {
  readonly group?: string
  readonly run?: HandlerFunction<unknown>
}

export function aHandler(
  handlerId: string,
  { group = 'shop', run = () => {}, ...route }: HandlerParts = {},
): ResolvedHandler {
  const { retry } = configDefaults.handlers
  const topic = route.topic ?? handlerId
  return {
    route: { handlerId, topic, ordering: 'key', concurrency: 10, deadLetterTopic: null, retry, ...route },
    group,
    file: `handlers/${handlerId}.ts`,
    timeoutMs: 10_000,
    definition: handler<unknown>(topic, run),
  }
}

/** A promise, and what settles it. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

export interface RunningApp {
  readonly runtime: Runtime
  readonly events: readonly RuntimeEvent[]
  readonly cluster: MemoryCluster
  /** What the runtime has logged, events not included. */
  readonly lines: readonly LoggedLine[]
  /** Settles once this is so; looked at after every event and every call of `changed`. */
  until(isSo: () => boolean): Promise<void>
  changed(): void
  send(topic: string, value: unknown, key?: string): Promise<void>
  /** Events of one kind, of one handler. */
  count(kind: RuntimeEvent['kind'], handlerId?: string): number
}

export async function aRunningApp(
  t: TestContext,
  handlers: readonly ResolvedHandler[],
  topics: readonly string[] = [],
  paused?: readonly string[],
  watchPoint?: WatchPoint,
): Promise<RunningApp> {
  const cluster = memoryCluster()
  for (const topic of new Set([...handlers.map(({ route }) => route.topic), ...topics])) cluster.createTopic(topic, 2)
  const { limits, commit, shutdown } = configDefaults
  const events: RuntimeEvent[] = []
  const { log, lines } = recordedLog()
  const waiters = new Set<() => void>()
  const changed = () => {
    for (const look of waiters) look()
  }
  const runtime = createRuntime({
    connection: cluster.connection(),
    handlers,
    startFrom: 'earliest',
    ...(paused === undefined ? {} : { paused }),
    ...(watchPoint === undefined ? {} : { watchPoint }),
    limits,
    commit,
    shutdown,
    log,
    logEvents: false,
    onEvent: (event) => {
      events.push(event)
      changed()
    },
  })
  const producer = await cluster.connection().producer()
  t.after(async () => {
    await runtime.stop()
    await producer.close(0)
  })
  await runtime.start()
  return {
    runtime,
    events,
    cluster,
    lines,
    changed,
    until: (isSo) => seen(isSo, waiters),
    send: async (topic, value, key) => {
      await producer.produce({
        topic,
        key: key === undefined ? null : Buffer.from(key),
        value: Buffer.from(JSON.stringify(value)),
        headers: [],
      })
    },
    count: (kind, handlerId) =>
      events.filter(
        (event) =>
          event.kind === kind && (handlerId === undefined || ('handlerId' in event && event.handlerId === handlerId)),
      ).length,
  }
}

/** Settles once it is so. @param waiters all are called when something may have changed */
export function seen(isSo: () => boolean, waiters: Set<() => void>): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!isSo()) return
      waiters.delete(look)
      resolve()
    }
    waiters.add(look)
    look()
  })
}
