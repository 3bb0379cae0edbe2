/** The fields of our own log lines: one name for each fact, so that one query finds all lines of a record, a partition or a handler. docs/operating.md shows this list. */
import { lineAt } from './source-scan.ts'
import type { SourceTree } from './source-tree.ts'

export const logFields: Readonly<Record<string, string>> = {
  // Where
  group: 'consumer group',
  handler: 'id of the handler',
  topic: 'topic of the record or partition',
  partition: 'number of the partition',
  offset: 'offset of the record',
  lastOffset: 'offset of the last record of a batch',
  record: 'place of a record, `orders[2]@18`',
  records: 'places of records',
  recordCount: 'how many records',
  partitions: 'places of partitions, `orders[2]`',
  partitionCount: 'how many partitions',
  epoch: 'number of the assignment, unique in the process',
  key: 'key of the record, cut at 256 bytes; in base64 where it is no text',
  topics: 'names of topics',
  deadLetterTopic: 'topic that has the dead letter',
  instanceId: 'static name of the member',
  transactionalId: 'the name under which a producer has transactions',
  broker: 'brokers of the connection',
  url: 'address of the pages for operators',
  client: 'address of the socket from which somebody asked',
  path: 'place in a value, or path of a page',
  // What happened
  attempt: 'number of the attempt, from 1',
  attempts: 'attempts made so far',
  isAlone: 'whether the key of a parked record goes on without it',
  err: 'an error with its stack',
  errorName: 'class of an error that is told without a stack',
  errorMessage: 'its message',
  code: 'error code',
  stack: 'stack of the failure that gave a record up',
  reason: 'kind of failure: thrown, timeout, invalid, ...',
  lastError: 'last failure of a record that still waits',
  why: 'the reason, in words or as a constant',
  event: 'kind of the event',
  what: 'kind of the answer that came too late, or of the action that was asked for',
  signal: 'signal that ended a process, or asked it to end',
  state: 'state of the record that blocks',
  target: 'topic that was to be published to',
  verb: 'what a handler has called after its end',
  line: 'log line that could not be written',
  message: 'text of librdkafka',
  severity: 'severity of librdkafka',
  fac: 'facility of librdkafka',
  version: 'version of the library of a Kafka client that was found',
  wanted: 'version of it that the client was tested with',
  registeredWith: 'version of the OpenTelemetry API that others have registered with',
  filtered: 'whether a filter left the record out',
  willRetry: 'whether it is tried again',
  // How much
  suppressed: 'lines of this kind that were not written since the last',
  inFlight: 'attempts that run',
  leftBehind: 'attempts that still ran when their partition was given up',
  abandoned: 'attempts that no engine waits for any more',
  undelivered: 'records that were not acknowledged',
  uncommitted: 'records that are done and not committed',
  failures: 'failures in a row',
  failuresInARow: 'threads in a row that died or did not start',
  limit: 'limit on attempts in flight',
  groups: 'how many groups',
  handlers: 'how many handlers',
  engines: 'how many engines',
  asked: 'partitions that were asked about',
  told: 'partitions that were told',
  missing: 'topics that are not there',
  right: 'what the user is not allowed to do, and on what',
  paused: 'handlers that are paused',
  service: 'Kubernetes Service that environment variables come from',
  variables: 'names of environment variables',
  timedOut: 'places of records that were overdue in a thread',
  interrupted: 'places of records that were interrupted with their thread',
  lastEnded: 'places of the records that their thread had ended last',
  runElsewhere: 'records of a dead thread that had not begun, and run in another',
  trueLag: 'log end minus position',
  gapOffsets: 'offsets done above the position',
  // Positions
  position: 'next offset to commit',
  restored: 'offsets above it that were done before',
  takenOverFrom: 'the other consumer that had stored them',
  from: 'position before',
  to: 'position after',
  at: 'step that took too long',
  // Times, in milliseconds
  tookMs: 'how long it took',
  waitedMs: 'how long was waited',
  waitMs: 'how long is waited at most',
  delayMs: 'pause before the next try',
  cooldownMs: 'how long records of the key go to the dead-letter topic unrun',
  limitMs: 'the limit that was reached',
  timeoutMs: 'time-out',
  ageMs: 'how long the record has been waiting',
  silentMs: 'time since the last acknowledged commit',
  stoppedMs: 'how long nothing started',
  outageMs: 'how long no commit was acknowledged',
}

/** Log calls, and objects that become the fields of one. */
const fieldsOf = /(?:\b(?:log|logger)\s*\??\.\s*(?:trace|debug|info|warn|error|fatal)\s*\(|\bfacts\s*=)\s*\{/g

/** Fields of lines of the framework that are not on the list. What `pyrallel dev` prints of itself as JSON is no log line. */
export function unknownFields(
  tree: SourceTree,
): readonly { readonly path: string; readonly line: number; readonly why: string }[] {
  return [...tree.values()]
    .filter(({ path }) => path.startsWith('framework/') || path.startsWith('cli/start/'))
    .flatMap(({ path, code }) =>
      [...code.matchAll(fieldsOf)].flatMap((match) =>
        keysOfLiteral(code, match.index + match[0].length)
          .filter((key) => !Object.hasOwn(logFields, key))
          .map((key) => ({ path, line: lineAt(code, match.index), why: `logs the field ${key}` })),
      ),
    )
}

/** The names of an object literal's own fields; `from` stands behind its brace. */
function keysOfLiteral(code: string, from: number): readonly string[] {
  const parts: string[] = ['']
  let depth = 1
  for (let at = from; at < code.length && depth > 0; at++) {
    const char = code.charAt(at)
    if ('({['.includes(char)) depth++
    else if (')}]'.includes(char)) depth--
    else if (depth === 1 && char === ',') parts.push('')
    else if (depth === 1) parts.push((parts.pop() ?? '') + char)
  }
  return parts.flatMap((part) => /^\s*(\w+)\s*(?::|$)/.exec(part)?.[1] ?? [])
}
