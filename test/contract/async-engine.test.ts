/** The async engine under the conformance suite. */

import type { HandlerDefinition } from '../../framework/api/handler.ts'
import { AsyncEngine } from '../../framework/execution-plane/engines/async-engine.ts'
import { systemClock } from '../../framework/time/clock.ts'
import { batched, checked, doesAsTold, nested } from './engine-handlers.ts'
import { describeExecutionEngine } from './execution-engine.suite.ts'

const handlers = { doesAsTold, checked, nested, batched }

describeExecutionEngine('AsyncEngine', { canKill: false }, ({ handlerName, ...setup }) => {
  // The suite's handlers have value types of their own; an engine validates before it calls.
  const definition = handlers[handlerName] as HandlerDefinition<unknown>
  return new AsyncEngine({ ...setup, handlerId: 'suite', definition, clock: systemClock() })
})
