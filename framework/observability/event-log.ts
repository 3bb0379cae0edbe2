/** Writes what the runtime tells as log lines for operators: constant sentences, facts as fields, no payload. A fault that repeats is counted. */
import { PyrallelError } from '../model/errors.ts'
import { type EventSink, type RuntimeEvent, TIMES_UNTIL_NEWS } from '../model/events.ts'
import type { Logger } from '../model/logger.ts'
import { type KafkaRecord, partitionPlace, type TopicPartition } from '../model/record.ts'
import type { HandlerFailure } from '../model/work.ts'
import type { Clock } from '../time/clock.ts'
import { LogGate } from '../time/log-gate.ts'

/** The same fault is written at most so often; the next line says how many were not. At level debug all are written. */
export const REPEAT_INTERVAL_MS = 10_000

type Level = 'debug' | 'info' | 'warn'

/** @returns a sink that writes every event; `warn` means that someone should look today */
export function eventLog(log: Logger, clock: Clock): EventSink {
  const writer = new EventWriter(log, clock)
  return (event) => writer.write(event)
}

class EventWriter {
  readonly #log: Logger
  readonly #gate: LogGate

  constructor(log: Logger, clock: Clock) {
    this.#log = log
    this.#gate = new LogGate(clock, REPEAT_INTERVAL_MS)
  }

  write(event: RuntimeEvent): void {
    switch (event.kind) {
      case 'record.done':
      case 'record.retry':
      case 'record.parked':
      case 'record.dead':
      case 'dead-letter.failed':
        this.#ofRecord(event)
        return
      case 'records.left-out': {
        const { handlerId, records } = event
        const facts = { handler: handlerId, topic: records[0]?.topic, records: records.length }
        this.#log.debug(facts, 'records were left out: accept said no')
        return
      }
      case 'record.not-ready': {
        const { handlerId, record, attempt, times, delayMs, why } = event
        const facts = { handler: handlerId, ...where(record), attempt, delayMs, why }
        const sentence = 'a record cannot be read yet; it waits with its key, which is no attempt'
        // A registry answers in less time than that.
        if (times < TIMES_UNTIL_NEWS) this.#log.debug(facts, sentence)
        else this.#seldom(`not ready ${handlerId}`, 'warn', facts, sentence)
        return
      }
      case 'partition.assigned':
      case 'partition.revoked':
      case 'partition.lost':
      case 'partition.rewound':
      case 'metadata.dropped':
        this.#ofPartition(event)
        return
      case 'breaker.opened':
      case 'breaker.closed':
        this.#onBreaker(event)
        return
      case 'record.hurried':
      case 'record.given-up':
      case 'record.discarded':
        this.#onAction(event)
        return
      case 'concurrency.changed': {
        const { handlerId, limit } = event
        this.#seldom(
          `limit ${handlerId}`,
          'info',
          { handler: handlerId, limit },
          'the limit on attempts in flight has changed',
        )
        return
      }
      case 'tick.done':
        this.#log.debug({ handler: event.handlerId, ...event.of, tookMs: event.durationMs }, 'a tick is done')
        return
      case 'tick.failed': {
        const { handlerId, of, durationMs, failure } = event
        const facts = { handler: handlerId, ...of, tookMs: durationMs, ...failureOf(failure) }
        this.#seldom(`tick ${handlerId}`, 'warn', facts, 'a tick failed; the next one comes as always', failure.name)
        return
      }
      case 'batch.split': {
        const { handlerId, records, delayMs, epoch, failure } = event
        const facts = {
          handler: handlerId,
          ...partitionOf(event),
          epoch,
          recordCount: records,
          delayMs,
          ...failureOf(failure),
        }
        const sentence = 'a batch failed and is tried again in halves'
        this.#seldom(`split ${handlerId}`, 'info', facts, sentence, failure.name)
        return
      }
      case 'partitions.paused': {
        const partitions = event.partitions.map(partitionPlace)
        this.#seldom(
          'paused',
          'info',
          { partitions },
          'a limit is reached: nothing more is read until records are done',
        )
        return
      }
      case 'partitions.resumed': {
        const partitions = event.partitions.map(partitionPlace)
        this.#seldom('resumed', 'info', { partitions }, 'there is room again: reading goes on')
        return
      }
      case 'client.error':
        this.#log.debug({ code: event.code }, 'the Kafka client has met an error')
        return
      case 'commit.done':
        this.#log.debug({ partitionCount: event.partitions, tookMs: event.tookMs }, 'committed')
        return
      case 'commit.failed':
        this.#onCommitFailed(event)
        return
      case 'commit.recovered': {
        const { failures, outageMs } = event
        this.#log.info({ failures, outageMs }, 'commits are acknowledged again')
        return
      }
      case 'starts.stopped':
      case 'starts.resumed':
        this.#onStarts(event)
        return
      case 'stale.dropped': {
        const { what } = event
        this.#seldom(
          `stale ${what}`,
          'info',
          { what },
          'an answer to an earlier assignment came too late and was dropped',
        )
        return
      }
    }
  }

  #ofRecord(
    event: OfKind<'record.done' | 'record.retry' | 'record.parked' | 'record.dead' | 'dead-letter.failed'>,
  ): void {
    const { handlerId } = event
    switch (event.kind) {
      case 'record.done':
        // Comes for every record.
        if (this.#log.isLevelEnabled?.('debug') === false) return
        this.#log.debug({ ...placeOf(event), filtered: event.filtered }, 'a record is done')
        return
      case 'record.retry': {
        const { attempts, delayMs, failure } = event
        const facts = { ...placeOf(event), attempts, delayMs, ...failureOf(failure) }
        const sentence = 'a record failed and will be tried again'
        this.#seldom(`retry ${handlerId}`, 'info', facts, sentence, failure.name)
        return
      }
      case 'record.parked': {
        const { attempts, isAlone, failure } = event
        const facts = { ...placeOf(event), attempts, isAlone, ...failureOf(failure), stack: failure.stack }
        const sentence = 'a record is out of attempts and parked: it waits for somebody, or until it is in the way'
        this.#seldom(`parked ${handlerId} ${failure.reason}`, 'warn', facts, sentence, failure.name)
        return
      }
      case 'record.dead': {
        const { deadLetterTopic, failure } = event
        const kind = `dead ${handlerId} ${failure.reason}`
        const facts = { ...placeOf(event), ...failureOf(failure), stack: failure.stack }
        if (deadLetterTopic === null) {
          this.#seldom(kind, 'warn', facts, 'a record was given up and dropped', failure.name)
          return
        }
        const sentence = 'a record was given up: it is in the dead-letter topic'
        this.#seldom(kind, 'warn', { ...facts, deadLetterTopic }, sentence, failure.name)
        return
      }
      case 'dead-letter.failed': {
        const { error, delayMs, record } = event
        const facts = { handler: handlerId, ...where(record), delayMs, ...errorOf(error) }
        const sentence =
          'the dead-letter topic has not taken a record, which holds back its partition; it is sent again'
        this.#seldom(`dead letter ${handlerId}`, 'warn', facts, sentence)
        return
      }
    }
  }

  #ofPartition(
    event: OfKind<
      'partition.assigned' | 'partition.revoked' | 'partition.lost' | 'partition.rewound' | 'metadata.dropped'
    >,
  ): void {
    const at = { ...partitionOf(event), epoch: event.epoch }
    switch (event.kind) {
      case 'partition.assigned': {
        const { position, restored, takenOverFrom } = event
        const facts = { ...at, position, restored }
        if (takenOverFrom === undefined) this.#log.info(facts, 'a partition was assigned')
        else this.#log.info({ ...facts, takenOverFrom }, 'a partition was taken over from another consumer')
        return
      }
      case 'partition.revoked':
        this.#log.info({ ...at, leftBehind: event.leftBehind }, 'a partition was given back')
        return
      case 'partition.lost': {
        const facts = { ...at, leftBehind: event.leftBehind }
        this.#log.warn(facts, 'a partition was taken away; what is not committed runs again at its next owner')
        return
      }
      case 'partition.rewound': {
        const { from, to } = event
        this.#log.warn({ ...at, from, to }, 'the log of a partition begins anew below what was read')
        return
      }
      case 'metadata.dropped': {
        const sentence = 'the commit metadata of a partition is not believed; what it may have said is done runs again'
        this.#log.warn({ ...at, why: event.why }, sentence)
        return
      }
    }
  }

  #onBreaker(event: OfKind<'breaker.opened' | 'breaker.closed'>): void {
    const { kind, handlerId, key, epoch } = event
    const facts = { handler: handlerId, ...partitionOf(event), epoch, key }
    if (kind === 'breaker.closed' && event.isByHand) {
      this.#log.info(facts, 'the breaker of a poisoned key was closed by hand: its records run again')
      return
    }
    if (kind === 'breaker.closed') {
      this.#log.info(facts, 'a record of a poisoned key has succeeded: its records run again')
      return
    }
    const sentence =
      'records of a key are given up one after the other: they go to the dead-letter topic without running'
    this.#seldom(`breaker ${handlerId}`, 'warn', { ...facts, cooldownMs: event.cooldownMs }, sentence)
  }

  /** Each is written: somebody did it. */
  #onAction({
    kind,
    handlerId,
    record,
    attempt,
  }: OfKind<'record.hurried' | 'record.given-up' | 'record.discarded'>): void {
    const facts = { handler: handlerId, ...where(record), attempt }
    if (kind === 'record.hurried') this.#log.info(facts, 'the next attempt of a record was asked for by hand')
    else if (kind === 'record.discarded')
      this.#log.info(facts, 'a parked record was discarded by hand: it has no dead letter')
    else this.#log.info(facts, 'a record was given up by hand: it goes to the dead-letter topic')
  }

  #onCommitFailed({ error, willRetry }: OfKind<'commit.failed'>): void {
    const facts = { ...errorOf(error), willRetry }
    // A rebalance was faster, as can happen at any time; the new owner has what was committed before.
    if (facts.code === 'PYR_NOT_OWNED')
      this.#seldom('commit', 'info', facts, 'a commit came after its partition was given up', facts.code)
    else this.#seldom('commit', 'warn', facts, 'a commit failed; what it carried is committed again', facts.code)
  }

  #onStarts(event: OfKind<'starts.stopped' | 'starts.resumed'>): void {
    const { why } = event
    if (event.kind === 'starts.resumed') {
      this.#log.info({ why, stoppedMs: event.stoppedMs }, 'a commit was acknowledged: work starts again')
      return
    }
    const facts = { why, silentMs: event.silentMs, uncommitted: event.uncommitted }
    if (why === 'uncommitted') {
      const sentence =
        'limits.maxUncommitted records are done and not committed: nothing starts before a commit is acknowledged'
      this.#seldom('uncommitted', 'warn', facts, sentence)
      return
    }
    if (why === 'outputs') {
      const sentence =
        'outputs that wait for their transaction have reached limits.maxBytes: nothing starts before one is committed'
      this.#seldom('outputs', 'warn', facts, sentence)
      return
    }
    const sentence =
      'no commit was acknowledged for two thirds of the session time-out: nothing starts, as the group may give the partitions to others'
    this.#log.warn(facts, sentence)
  }

  /** Once in an interval at its level, with the number of those that were held back; the others at `debug`. The name is the user's to choose. */
  #seldom(kind: string, level: Level, facts: object, sentence: string, name?: string): void {
    const suppressed = this.#gate.pass(kind, name)
    if (suppressed === undefined) this.#log.debug(facts, sentence)
    else this.#log[level](suppressed === 0 ? facts : { ...facts, suppressed }, sentence)
  }
}

type OfKind<Kind extends RuntimeEvent['kind']> = RuntimeEvent extends infer Event
  ? Event extends { readonly kind: RuntimeEvent['kind'] }
    ? Extract<Event['kind'], Kind> extends never
      ? never
      : Event
    : never
  : never

function placeOf(of: {
  readonly handlerId: string
  readonly record: KafkaRecord
  readonly attempt: number
  readonly durationMs: number
}): object {
  const { handlerId, record, attempt, durationMs } = of
  return { handler: handlerId, ...where(record), attempt, tookMs: durationMs }
}

function partitionOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}

function where(record: KafkaRecord): object {
  return { ...partitionOf(record), offset: record.offset }
}

function failureOf({ reason, name, message }: HandlerFailure): object {
  return { reason, errorName: name, errorMessage: message }
}

function errorOf(error: Error): { readonly errorMessage: string; readonly code: string } {
  return { errorMessage: error.message, code: error instanceof PyrallelError ? error.code : error.name }
}
