/** Every error that Pyrallel itself raises: a stable code, a sentence with the facts, and the next step. */
import { isSecretName } from './secret-names.ts'

/**
 * Codes are stable and never reused. The text says when one is raised; `pyrallel docs <code>` and docs/errors.md are made from it.
 */
export const errorCodes = {
  PYR_BUG: 'A broken invariant inside Pyrallel. Please report it with the message.',
  PYR_ENGINE_NOT_STARTED: 'submit() was called before start() had settled.',
  PYR_ENGINE_FULL: 'submit() was called while all slots of the engine were in use.',
  PYR_ENGINE_CLOSED: 'submit() was called after close().',
  PYR_ATTEMPT_OVER: 'context.publish() or batch.fail() was called after the handler had returned, or was given up.',
  PYR_UNCAUGHT: 'An exception that nobody caught, and that belongs to no record, has ended the process in order.',
  PYR_WORKER_START: "A worker thread could not load its handler, or the handler's setup failed.",
  PYR_NATIVE_MISSING: 'The native Kafka client cannot be loaded on this machine.',
  PYR_CLIENT_MISSING:
    'The Kafka client in JavaScript cannot be loaded, and where the native one would do, that cannot either.',
  PYR_AUTH_FAILED: 'A broker and this process could not prove to each other who they are.',
  PYR_BROKER_UNREACHABLE: 'No broker answered at the configured addresses.',
  PYR_TOPIC_UNKNOWN: 'A topic does not exist on the broker, or the user may not see it.',
  PYR_NOT_OWNED: 'A commit named a partition that this member does not own any more.',
  PYR_COMMIT_FAILED: 'The group coordinator refused a commit, or has not answered it.',
  PYR_COMMIT_REFUSED: 'The group coordinator refused a commit because of one of its partitions.',
  PYR_COMMIT_TOO_LARGE: 'A commit is larger than the group coordinator can store at once.',
  PYR_PRODUCE_FAILED: 'A record could not be produced.',
  PYR_TRANSACTION_FAILED: 'A transaction was aborted, or nobody has answered whether it was committed.',
  PYR_TRANSACTION_FENCED: 'Another process has begun transactions under the same transactional id.',
  PYR_TRANSACTION_REFUSED: 'The brokers do not allow transactions, or not under this transactional id.',
  PYR_RECORD_INVALID: 'A record that is published has a key or a header that is neither text nor bytes.',
  PYR_RECORD_TOO_LARGE: 'A record is larger than the client or the broker accepts.',
  PYR_OUTPUTS_TOO_LARGE:
    'In an exactly-once group, an attempt has published more than a quarter of `limits.maxBytes`, all of which waits in memory for its commit.',
  PYR_OUTPUT_OWNER:
    'context.publish() names a record that its call does not have, or comes from a tick of an exactly-once group, which has none.',
  PYR_CLIENT_CLOSED: 'The Kafka client, or the runtime that has it, was used after it had been closed.',
  PYR_GROUP_TAKEN: 'A group of another type, such as a share group, has the name of this consumer group.',
  PYR_KAFKA: 'The Kafka client reported an error that has no code of its own here.',
  PYR_METADATA_TOO_LARGE: 'The commit metadata is longer than the broker accepts.',
  PYR_METADATA_UNREADABLE: 'A partition of an exactly-once group has commit metadata that cannot be read.',
  PYR_PORT_IN_USE: 'A port that was asked for is taken by another process.',
  PYR_STATUS_UNREACHABLE: 'No process of Pyrallel answers at the address where its state was asked for.',
  PYR_CONFIG_INVALID: 'pyrallel.config.ts, an environment variable or a flag has a value that is not allowed.',
  PYR_CONFIG_LOAD: 'pyrallel.config.ts could not be loaded.',
  PYR_SYNTAX: 'A file that the generator reads has a syntax error.',
  PYR_TSCONFIG: 'A warning: tsconfig.json, or one that it extends, cannot be read as a whole.',
  PYR_HANDLER_EXPORT: 'A file below handlers/ has no handler as its default export.',
  PYR_HANDLER_STATIC: 'A value that the generator must read without running code is computed at run time.',
  PYR_HANDLER_DUPLICATE: 'Two handlers of one group listen to the same topic, or have the same id.',
  PYR_HANDLER_OPTION: 'A handler has an option that does not exist or has a value that is not allowed.',
  PYR_TYPE: "A TypeScript type of a topic's values cannot be turned into a schema.",
  PYR_OUTSIDE_TRANSACTION: 'A warning: a handler publishes past the transaction of its record.',
  PYR_PATTERN: 'A warning: a pattern can take very long on a text that does not match it.',
  PYR_TOPIC_TYPE: 'A topic is declared twice, with different types.',
  PYR_IMPORT_CYCLE: 'Handlers or topics import each other, so that one may be used before it is there.',
  PYR_OFFSETS: 'A handler has changed so that its offsets would start afresh or mean something else.',
  PYR_GENERATED_STALE: 'generated/ does not match handlers/.',
  PYR_BUNDLE: 'A file of the project cannot be bundled: its syntax is wrong, or an import leads nowhere.',
  PYR_EXISTS: 'A file that would be written is there already.',
  PYR_DEV_RUNS: 'Another `pyrallel dev` runs in the same folder.',
  PYR_WATCH: 'Changes of files cannot be noticed any more.',
  PYR_WRITE: 'A file that Pyrallel makes cannot be written.',
  PYR_SCHEMA: 'A value does not satisfy the schema of its topic.',
  PYR_REGISTRY_UNREACHABLE: 'The schema registry has not answered, or not in time.',
  PYR_REGISTRY_REFUSED: 'The schema registry and this process could not prove to each other who they are.',
  PYR_REGISTRY: 'What answers at registry.url is no schema registry, or says what cannot be read.',
  PYR_SCHEMA_UNKNOWN: 'The schema registry has no schema with this id, or no such subject.',
  PYR_SCHEMA_REFUSED: 'A schema of a registry cannot be used: it has rules, cannot be read, or has another id there.',
  PYR_TRAFFIC: 'A traffic file threw, or yielded something that is no record.',
  PYR_REPLAY_TARGET: 'Headers of dead letters name topics to which a replay does not publish unasked.',
  PYR_USAGE: 'The command line is not understood.',
} as const

export type ErrorCode = keyof typeof errorCodes

export interface PyrallelErrorOptions {
  readonly cause?: unknown
  /** True when the same call may succeed later without anybody changing anything. */
  readonly retriable?: boolean
}

export class PyrallelError extends Error {
  readonly code: ErrorCode
  readonly retriable: boolean

  constructor(code: ErrorCode, message: string, options: PyrallelErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'PyrallelError'
    this.code = code
    this.retriable = options.retriable ?? false
  }
}

/** A broken invariant. Names the place, so that a report can be matched with the source. */
export function bug(place: string, facts: string): PyrallelError {
  return new PyrallelError('PYR_BUG', `${place}: ${facts}. This is a bug in Pyrallel.`)
}

/** Total: anything that was thrown becomes an `Error`; nothing is lost, but for values under names of secrets, and nothing throws. */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  try {
    if (typeof thrown === 'string') return new Error(thrown)
    const text = JSON.stringify(thrown, (name, value: unknown) => (isSecretName(name) ? '(hidden)' : value))
    return new Error(`thrown value: ${text ?? String(thrown)}`)
  } catch {
    return new Error('thrown value that cannot be shown')
  }
}
