/** The runtime writes its events to the log, unless somebody shows them there already. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { handler } from '../../../framework/api/handler.ts'
import { configDefaults } from '../../../framework/config/resolve-config.ts'
import { memoryCluster } from '../../../framework/kafka/memory/client.ts'
import type { RuntimeEvent } from '../../../framework/model/events.ts'
import { createRuntime } from '../../../framework/runtime/create-runtime.ts'
import { recordedLog } from '../kafka/recorded-log.ts'

const sentence = 'a partition was assigned'

/** What was logged by the time that the first assignment was told. */
async function loggedOnAssignment(t: TestContext, logEvents?: boolean) {
  const cluster = memoryCluster()
  cluster.createTopic('orders', 1)
  const { log, lines } = recordedLog()
  const { limits, commit, shutdown, handlers } = configDefaults
  const route = {
    handlerId: 'charge',
    topic: 'orders',
    ordering: 'key',
    concurrency: 1,
    deadLetterTopic: null,
  } as const
  let assigned = (_event: RuntimeEvent): void => {}
  const assignment = new Promise<RuntimeEvent>((resolve) => {
    assigned = resolve
  })
  const runtime = createRuntime({
    connection: cluster.connection(),
    handlers: [
      {
        route: { ...route, retry: handlers.retry },
        group: 'billing',
        file: 'handlers/charge.ts',
        timeoutMs: 1_000,
        definition: handler<unknown>('orders', () => {}),
      },
    ],
    startFrom: 'earliest',
    limits,
    commit,
    shutdown,
    log,
    onEvent: (event) => event.kind === 'partition.assigned' && assigned(event),
    ...(logEvents === undefined ? {} : { logEvents }),
  })
  t.after(() => runtime.stop())
  await runtime.start()
  await assignment
  return lines.filter(({ message }) => message === sentence).map(({ level }) => level)
}

describe('a runtime', { timeout: 60_000 }, () => {
  it('writes its events to the log', async (t) => {
    assert.deepEqual(await loggedOnAssignment(t), ['info'])
  })

  it('leaves them to its listener when it is told to', async (t) => {
    assert.deepEqual(await loggedOnAssignment(t, false), [])
  })
})
