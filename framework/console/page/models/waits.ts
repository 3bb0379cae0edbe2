/** What a record is doing, and what it waits for, in plain words. */
import type { IncompleteState, RecordState, Wait } from '../../../model/explanation.ts'
import type { RecordView } from '../../protocol-records.ts'
import { clockTime, digits, plural, span } from './numbers.ts'

export const stateWords: { readonly [State in RecordState]: string } = {
  queued: 'queued',
  'in-flight': 'running',
  delayed: 'waiting for its time',
  waiting: 'waiting for its retry',
  parked: 'out of attempts, and parked',
  dead: 'given up, and waiting for its dead letter to be acknowledged',
  committed: 'done and committed',
  done: 'done, and not committed yet',
  'done-above-gap': 'done, above a record that is not',
  hole: 'not there: the offset does not exist',
  'not-fetched': 'not fetched yet',
  'not-written': 'not written yet: the log ends before it',
}

const aheadWords: { readonly [State in IncompleteState]: string } = {
  queued: 'is queued',
  'in-flight': 'runs',
  delayed: 'waits for its time',
  waiting: 'waits for its retry',
  parked: 'is parked',
  dead: 'waits for its dead letter',
}

export interface WaitText {
  readonly text: string
  /** What to do about it, where somebody can. */
  readonly next: string
  /** The record that must be over first. */
  readonly ahead: number | undefined
}

const startWords = {
  unacknowledged: 'no commit was acknowledged for so long that the group may have given the partitions to others',
  uncommitted: 'as much is done as may be without an acknowledged commit',
  outputs: 'records and outputs that wait for their transaction fill the memory for records',
} as const

/** @param now milliseconds since the Unix epoch, by the clock of the process */
export function waitText(wait: Wait, now: number): WaitText {
  const told = (text: string, next = '', ahead?: number): WaitText => ({ text, next, ahead })
  switch (wait.kind) {
    case 'record': {
      const { offset, state, attempt, ahead } = wait
      const before = ahead <= 1 ? '' : ` ${ahead >= 1_000 ? '1,000 or more' : digits(ahead)} are before it.`
      const tries = attempt > 1 ? `, attempt ${attempt}` : ''
      return told(
        `Records of its key run one after the other, and ${digits(offset)} ${aheadWords[state]}${tries}.${before}`,
        '',
        offset,
      )
    }
    case 'earlier-assignment':
      return told('A handler of an earlier assignment of this partition is still at work on its key.')
    case 'not-before':
      return told(`Its handler has notBefore: its time comes ${due(wait.at, now)}. It takes no slot.`)
    case 'not-ready':
      return told(
        `It cannot be read yet: ${wait.why}. It is looked at again ${due(wait.dueAt, now)}, which is no attempt. It takes no slot.`,
      )
    case 'retry':
      return wait.isPause
        ? told(`Its batch has failed, and runs again in parts ${due(wait.dueAt, now)}, or after the next success.`)
        : told(`Its next attempt is due ${due(wait.dueAt, now)}.`)
    case 'parked': {
      const { since, holdsKey, until } = wait
      const key = holdsKey ? 'Records of its key wait with it.' : 'Records of its key go on without it.'
      const end = until === null ? '' : ` It is given up ${due(until, now)}.`
      return told(
        `It is out of attempts, and was parked ${span(Math.max(0, Math.floor((now - since) / 1_000) * 1_000))} ago. ${key}${end}`,
        'Retry it when the cause is gone, or give it up.',
      )
    }
    case 'dead-letter':
      return told(
        wait.isSent
          ? `Its dead letter was sent to ${wait.topic}, which has not acknowledged it yet.`
          : `It is given up, and its dead letter is to be sent to ${wait.topic}.`,
      )
    case 'slots':
      return told(
        `All slots of its handler are taken: ${digits(wait.inFlight)} of ${digits(wait.capacity)} run.`,
        'A higher concurrency has more of them.',
      )
    case 'adaptive-limit':
      return told(`The adaptive limit is at ${digits(wait.limit)}, and ${digits(wait.inFlight)} run.`)
    case 'rate':
      return told(`Its handler may start ${digits(wait.perSecond)} a second; the next one ${due(wait.nextAt, now)}.`)
    case 'batch':
      return told(
        `Its batch is not full: ${digits(wait.size)} are there. It starts without others ${due(wait.dueAt, now)}.`,
      )
    case 'metadata':
      return told(
        wait.limit === 0
          ? `So much is done above the position (${plural(wait.span, 'offset')}) that nothing above it may start.`
          : `What is done above the position fills the commit's metadata: ${digits(wait.used)} of ${digits(wait.limit)} characters, ${plural(wait.span, 'offset')}.`,
        'It goes on when the record that holds the position is over.',
      )
    case 'memory':
      return told(
        wait.isHeld
          ? `Memory for records is full (${limitWords[wait.limit]}), over all partitions.`
          : `This partition has used its part of the memory for records (${limitWords[wait.limit]}).`,
        'It is fetched when others are over.',
      )
    case 'fetch':
      return told('The client has not handed it out yet. Nothing else keeps it.')
    case 'handler-paused':
      return told('Its handler was paused by hand.', 'Resume it in the overview.')
    case 'draining':
      return told('Its partition is being given up, or the process stops: nothing of it starts.')
    case 'starts-stopped':
      return told(`Nothing of this group starts: ${startWords[wait.why]}.`)
    case 'commits-refused':
      return told('Commits of its partition are refused.', 'The log says why.')
    case 'poisoned': {
      const until = wait.until > now ? ` for another ${span(wait.until - now)}` : ''
      return told(
        `Its key is poisoned${until}: its records are given up without running.`,
        'Close the breaker in the view of keys when the cause is gone.',
      )
    }
    case 'turn':
      return told('Nothing but its turn among the others of its handler.')
  }
}

const limitWords = { records: 'their number', bytes: 'their bytes' } as const

function due(at: number, now: number): string {
  return at <= now
    ? 'now'
    : `in ${span(at - now < 1_000 ? at - now : Math.ceil((at - now) / 1000) * 1000)}, at ${clockTime(at)}`
}

/** `running, attempt 2 of 4` */
export function recordStateText({
  state,
  attempt,
  attempts,
}: Pick<RecordView, 'state' | 'attempt' | 'attempts'>): string {
  if (attempt === null || attempt === 0) return stateWords[state]
  if (state === 'parked') return `${stateWords[state]} after attempt ${digits(Math.max(1, attempt - 1))}`
  const of = attempts === null || attempts === 0 || attempts >= Number.MAX_SAFE_INTEGER ? '' : ` of ${digits(attempts)}`
  return `${stateWords[state]}, attempt ${digits(attempt)}${of}`
}
