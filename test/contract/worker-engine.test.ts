/** The worker engine under the conformance suite, with one thread and with two. */
import { WorkerEngine } from '../../framework/execution-plane/worker/worker-engine.ts'
import type { OutgoingRecord } from '../../framework/model/record.ts'
import { systemClock } from '../../framework/time/clock.ts'
import type { CreateEngine, EngineSetup } from './engine-harness.ts'
import { describeExecutionEngine } from './execution-engine.suite.ts'
import { bundledEntries } from './worker-entries/bundle.ts'

const entries = await bundledEntries('doesAsTold', 'checked', 'nested', 'batched')

for (const threads of [1, 2]) {
  describeExecutionEngine(`WorkerEngine with threads: ${threads}`, { canKill: true }, engineWith(threads))
}

function engineWith(threads: number): CreateEngine {
  return ({ handlerName, publish, ...setup }: EngineSetup) =>
    new WorkerEngine({
      ...setup,
      handlerId: 'suite',
      group: 'suite',
      entry: entries[handlerName],
      threads,
      clock: systemClock(),
      // The suite's publishes carry JSON; a thread hands over what is to be produced.
      produce: async ({ topic, value }: OutgoingRecord) => {
        await publish(topic, value === null ? null : (JSON.parse(value.toString()) as unknown))
        return { partition: 0, offset: 0 }
      },
    })
}
