/** Processes that a test starts cannot load the native Kafka client, as where it was never built. */
import type { TestContext } from 'node:test'

/** A module to import first. */
export const noNativeClient = new URL('../../integration/no-native-client.mjs', import.meta.url).href

export function withoutNativeClient(t: TestContext): void {
  const { NODE_OPTIONS } = process.env
  process.env.NODE_OPTIONS = `${NODE_OPTIONS ?? ''} --import ${noNativeClient}`
  t.after(() => {
    if (NODE_OPTIONS === undefined) delete process.env.NODE_OPTIONS
    else process.env.NODE_OPTIONS = NODE_OPTIONS
  })
}
