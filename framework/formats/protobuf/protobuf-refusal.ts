/** The value is none of the message: where, and what is wanted there. Never tells the value. */
export class ProtobufRefusal extends Error {
  /** Innermost first. */
  readonly path: string[] = []

  get where(): string {
    const steps = [...this.path].reverse()
    return steps.length === 0 ? 'the value' : steps.join('.').replaceAll('.[', '[')
  }
}

/** @returns what is to be thrown on */
export function refusedAt(step: string, thrown: unknown): unknown {
  if (thrown instanceof ProtobufRefusal) thrown.path.push(step)
  return thrown
}
