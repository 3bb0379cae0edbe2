/** Waits for several things that begin at once, so that none is still under way when the first failure is told. */

/** @throws what the first of them, in their order, was rejected with; only once all have settled */
export async function allSettled(promises: readonly Promise<unknown>[]): Promise<void> {
  const failure = (await Promise.allSettled(promises)).find(({ status }) => status === 'rejected')
  if (failure?.status === 'rejected') throw failure.reason
}
