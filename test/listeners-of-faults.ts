/** For tests that leave faults behind on purpose: node:test would take each rejection and exception for the failure of the test that runs. */
import { after, before } from 'node:test'

const events = ['unhandledRejection', 'uncaughtException'] as const

/** In this suite, nobody listens to faults but whom the suite itself makes listen. What is left then ends the process, as without node:test. */
export function withoutListenersOfFaults(): void {
  const listeners = new Map<string, readonly ((...args: unknown[]) => void)[]>()
  before(() => {
    for (const event of events) {
      listeners.set(event, process.listeners(event as 'SIGINT') as never)
      process.removeAllListeners(event)
    }
  })
  after(() => {
    for (const event of events) for (const listener of listeners.get(event) ?? []) process.on(event, listener)
  })
}
