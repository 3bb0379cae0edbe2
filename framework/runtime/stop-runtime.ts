/** The end of a runtime, in one place and in one order, whatever state it is in. Bounded as a whole. */
import type { KafkaConnection, RecordProducer } from '../kafka/kafka-client.ts'
import { allSettled } from '../model/all-settled.ts'
import { inOrder } from '../model/in-order.ts'
import type { Logger } from '../model/logger.ts'
import type { Clock } from '../time/clock.ts'
import { settlesWithin } from '../time/wait.ts'
import type { Operations } from './operations.ts'
import type { RunningGroup } from './running-group.ts'
import { CONNECTION_CLOSE_MS, STOP_SLACK_MS } from './shutdown-limit.ts'

/** What is still being started ends soon, as all that it waits for is being closed. It is not waited for longer. */
const BEGUN_MS = 5_000
const PRODUCER_CLOSE_MS = 5_000

export interface StopParts {
  /** Those that there are when it is called: what is being started may still open one. */
  readonly groups: () => Iterable<Pick<RunningGroup, 'stop'>>
  /** The start, and the updates, that are under way. */
  readonly begun: readonly Promise<unknown>[]
  readonly producer: () => Pick<RecordProducer, 'close'> | undefined
  readonly connection: Pick<KafkaConnection, 'close'>
  readonly operations: () => Pick<Operations, 'stop'> | undefined
  readonly drainMs: number
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Settles after `drainMs` and `STOP_SLACK_MS` at the latest. What is not closed by then is told, and left to the end of the process.
 * @throws what the first step to fail was rejected with; only once all have been tried
 */
export async function stopRuntime(parts: StopParts): Promise<void> {
  const { begun, producer, operations, drainMs, clock, log } = parts
  let step = ''
  const named =
    (name: string, run: () => unknown): (() => unknown) =>
    () => {
      step = name
      return run()
    }
  const stopGroups = () => allSettled([...parts.groups()].map((group) => group.stop()))
  const ended = inOrder([
    // First, and not after what is being started: that may wait for a thread whose `setup` hangs, which only this ends.
    named('groups', stopGroups),
    named('start', () => settlesWithin(clock, Promise.allSettled(begun), BEGUN_MS)),
    named('groups', stopGroups),
    named('producer', () => producer()?.close(PRODUCER_CLOSE_MS)),
    named('connection', () => closeConnection(parts)),
    // Last: until then, `/readyz` says that the process is stopping.
    named('operations', () => operations()?.stop()),
  ])
  const limitMs = drainMs + STOP_SLACK_MS
  if (await settlesWithin(clock, ended, limitMs)) return
  log.error({ waitedMs: limitMs, at: step }, 'stopping takes too long: what is not closed by now is left behind')
}

async function closeConnection({ connection, clock, log }: StopParts): Promise<void> {
  if (await settlesWithin(clock, connection.close(), CONNECTION_CLOSE_MS)) return
  log.warn({ waitedMs: CONNECTION_CLOSE_MS }, 'the connection is not closed by now, and left to the end of the process')
}
