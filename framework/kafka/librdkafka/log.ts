/** Writes librdkafka's own log into ours: what an operator must know as a sentence with the reason, all else for debugging. */
import type { Logger } from '../../model/logger.ts'
import { faultCodes } from '../faults/codes.ts'
import type { ErrorReport } from '../faults/error-report.ts'

/** One line of librdkafka's log. Severities are those of syslog: 4 is a warning, and lower is worse. */
export interface NativeLogEntry {
  readonly severity: number
  readonly fac: string
  readonly message: string
}

const WARNING = 4
const NOTICE = 5

/** By facility: warnings that no error and no rebalance callback explains. The others come as errors too. */
const sentences: ReadonlyMap<string, string> = new Map([
  ['OFFSET', 'a position is outside its log: reading goes on at the first record that there is'],
  ['SESSTMOUT', 'the group coordinator has not answered for the session time-out: the partitions are lost'],
  ['MAXPOLL', 'nothing was polled for max.poll.interval.ms: the group takes the partitions away'],
])

export function logNative(log: Logger, errors: Pick<ErrorReport, 'count'>, entry: NativeLogEntry): void {
  const { severity, fac, message } = entry
  const sentence = severity <= WARNING ? sentences.get(fac) : undefined
  if (sentence === undefined) {
    log.debug({ severity, fac, message }, 'librdkafka')
    return
  }
  log.warn({ why: message }, sentence)
  // The other two are told by the rebalance that follows.
  if (fac === 'OFFSET') errors.count({ code: faultCodes.OFFSET_OUT_OF_RANGE })
}

/** See `late-answers.ts`. Of new groups: there an answer to a heartbeat tells which partitions a member has. This is one of few signs. */
export function isLateAnswer({ severity, fac, message }: NativeLogEntry): boolean {
  return severity <= NOTICE && fac === 'REQTMOUT' && message.includes('Timed out ConsumerGroupHeartbeatRequest')
}
