/** Describes one partition for operators. Pure: it reads the state and changes nothing. Costs about as much as the partition's commit. */
import { keyLine } from '../../model/plain-text.ts'
import type { BlockingRecord, GapMetrics, LimitReached, PartitionMetrics, Ribbon } from '../../model/snapshot.ts'
import { blocksSince } from './blocking-limit.ts'
import type { PartitionState } from './partition-state.ts'
import type { Pending } from './shard-queue.ts'

const MAX_KEY_BYTES = 64
const MAX_BREAKER_KEYS = 10
const MAX_MESSAGE_LENGTH = 200
const RIBBON_CELLS = 48
const RIBBON_LOOKS = 4_096

export function partitionMetrics(
  state: PartitionState,
  now: number,
  logEnd: number | undefined,
  pausedBecause: LimitReached | null,
  logEndHeardAt?: number,
): PartitionMetrics {
  const { tracker, load, commits } = state
  const position = tracker.position
  const breakers = state.breakers.open(now, MAX_BREAKER_KEYS)
  return {
    topic: state.topic,
    partition: state.partition,
    epoch: state.epoch,
    position: position ?? null,
    committedPosition: commits.committedPosition ?? null,
    nextOffset: tracker.next ?? null,
    logEnd: logEnd ?? null,
    logEndAgeMs:
      logEnd === undefined || logEndHeardAt === undefined ? null : Math.max(0, Math.round(now - logEndHeardAt)),
    // What was heard of the log's end may be older than the records that have come since: they are there all the same.
    trueLag: logEnd === undefined ? null : lagOf(logEnd, position, tracker.next),
    records: load.records,
    bytes: load.bytes,
    inFlight: load.inFlight,
    queued: load.queued,
    retriesWaiting: load.retriesWaiting,
    parked: load.parked,
    delayed: load.delayed,
    deadLettersWaiting: load.deadLetters,
    gaps: gapsOf(state),
    blocking: blockingOf(state, now),
    metadataUsed: commits.metadataLength,
    metadataLimit: commits.metadataLimit,
    pausedBecause,
    isDraining: state.isDraining,
    isTight: commits.isTight,
    isRefused: state.isRefused,
    openBreakers: breakers.count,
    openBreakerKeys: breakers.keys.map(shortKey),
    ribbon: ribbonOf(state),
  }
}

/** Where nothing was ever written, nothing is left to do, though there is no position yet. */
function lagOf(logEnd: number, position: number | undefined, next = 0): number | null {
  if (position === undefined) return logEnd === 0 ? 0 : null
  return Math.max(0, Math.max(logEnd, next) - position)
}

function gapsOf({ tracker }: PartitionState): GapMetrics {
  if (tracker.span === 0) return { offsets: 0, stretches: 0, span: 0 }
  const ranges = tracker.completedRanges()
  const offsets = ranges.reduce((sum, { start, end }) => sum + end - start, 0)
  return { offsets, stretches: ranges.length, span: tracker.span }
}

function blockingOf(state: PartitionState, now: number): BlockingRecord | null {
  const pending = state.tracker.blocking
  if (pending === undefined) return null
  const { record, lastFailure } = pending
  return {
    offset: record.offset,
    key: record.key === null ? null : shortKey(record.key),
    state: pending.state,
    attempt: pending.attempt,
    ageMs: Math.max(0, Math.round(now - state.blockedSince)),
    unpausedMs: Math.max(0, Math.round(now - blocksSince(state))),
    lastError:
      lastFailure === undefined
        ? null
        : {
            reason: lastFailure.reason,
            name: lastFailure.name,
            message: wellFormed(lastFailure.message.slice(0, MAX_MESSAGE_LENGTH)),
          },
  }
}

export function shortKey(key: Buffer): string {
  return keyLine(key, MAX_KEY_BYTES)
}

/** Half of a surrogate pair is no Unicode text, and strict JSON readers refuse it. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString()
}

/** From the one that says least to the one that needs a look most. */
const CELL_LETTERS = 'dgwrxp'
const DONE = 0
const GAP = 1

function ribbonOf({ tracker, commits }: PartitionState): Ribbon {
  const position = tracker.position ?? 0
  const from = Math.min(commits.committedPosition ?? position, position)
  const to = Math.max(position, tracker.next ?? position)
  const count = Math.min(RIBBON_CELLS, to - from)
  const cells: number[] = new Array(count).fill(DONE)
  tracker.show(RIBBON_LOOKS, (offset, pending) => {
    const cell = Math.floor(((offset - from) / (to - from)) * count)
    cells[cell] = Math.max(cells[cell] ?? DONE, rankOf(pending))
  })
  return { from, to, cells: cells.map((rank) => CELL_LETTERS[rank]).join('') }
}

/** `undefined`: complete, above the position. */
function rankOf(pending: Pending | undefined): number {
  switch (pending?.state) {
    case undefined:
      return GAP
    case 'queued':
    case 'delayed':
      return 2
    case 'in-flight':
      return 3
    case 'waiting':
    case 'dead':
      return 4
    case 'parked':
      return 5
  }
}
