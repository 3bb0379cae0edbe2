/** The async engine under the conformance suite. */

import type { HandlerDefinition } from '../../framework/api/handler.ts'
import { AsyncEngine } from '../../framework/execution-plane/engines/async-engine.ts'
import { systemClock } from '../../framework/time/clock.ts'
import {
  batched,
  checked,
  doesAsTold,
  inFormat,
  inFormatBatch,
  inJson,
  inProtobuf,
  keyed,
  keyedBatch,
  nested,
} from './engine-handlers.ts'
import { keepingOf } from './engine-harness.ts'
import { describeExecutionEngine } from './execution-engine.suite.ts'
import { scripted, scriptedBatch } from './scripted-handlers.ts'

const handlers = {
  doesAsTold,
  checked,
  nested,
  batched,
  scripted,
  scriptedBatch,
  inFormat,
  inFormatBatch,
  inJson,
  inProtobuf,
  keyed,
  keyedBatch,
}

describeExecutionEngine('AsyncEngine', { canKill: false }, (given) => {
  const { handlerName, ...setup } = given
  // The suite's handlers have value types of their own; an engine validates before it calls.
  const definition = handlers[handlerName] as HandlerDefinition<unknown>
  const keeping = keepingOf(given)
  return new AsyncEngine({ ...setup, handlerId: 'suite', definition, keeping, clock: systemClock() })
})
