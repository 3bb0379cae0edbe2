/** A runtime as the console watches it. Not a test itself. */
import type { WatchedRuntime } from '../../../framework/console/watched-runtime.ts'
import type { ResolvedHandler, Runtime } from '../../../framework/runtime/runtime.ts'

export function boundTo(runtime: Runtime, handlers: readonly ResolvedHandler[]): WatchedRuntime {
  return {
    handlers,
    paused: runtime.paused,
    snapshot: () => runtime.snapshot(),
    pause: (id: string) => runtime.pause(id),
    resume: (id: string) => runtime.resume(id),
    inspection: runtime.inspection,
    values: runtime.values,
    retryNow: runtime.retryNow.bind(runtime),
    giveUp: runtime.giveUp.bind(runtime),
    discard: runtime.discard.bind(runtime),
    closeBreaker: runtime.closeBreaker.bind(runtime),
  }
}
