/** The flags of `pyrallel dev`, as the command line hands them over. */

export interface DevOptions {
  readonly brokers?: string
  readonly broker: 'embedded' | 'memory'
  /** Before `registry.url` of the config, and before its variable. */
  readonly registry?: string
  /** True: the standard file. */
  readonly traffic?: boolean | string
  readonly records?: number
  readonly rate?: number
  readonly seed: number
  readonly json?: boolean
}
