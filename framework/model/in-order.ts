/** For ends, where each step closes what is its own: one after the other, whatever became of the one before. */

/** @throws what the first step to fail was rejected with; only once all have been tried */
export async function inOrder(steps: readonly (() => unknown)[]): Promise<void> {
  const failures: unknown[] = []
  for (const step of steps) {
    try {
      await step()
    } catch (thrown) {
      failures.push(thrown)
    }
  }
  if (failures.length > 0) throw failures[0]
}
