/** The one line that says whether somebody must look: out of a snapshot and what is known of rates. Pure. */
import { LONG_TRANSACTION_MS } from '../model/long-transaction.ts'
import type { GroupMetrics, PartitionMetrics, SystemMetrics } from '../model/snapshot.ts'
import { BLOCKED_AFTER_MS } from '../observability/blocking-watch.ts'
import type { Verdict } from './protocol.ts'
import { backlogOf } from './throughput.ts'

export interface KnownRates {
  /** Records done in a second; `null`: nobody knows yet. */
  readonly rate: number | null
  /** By how many a second the backlog shrinks. */
  readonly shrinking: number | null
  /** Groups that have lost their partitions and have none again, and since when. */
  readonly fenced: ReadonlyMap<string, number>
}

/** What has failed needs a look sooner than what takes long. */
const FAILING_AFTER_MS = 10_000
/** As much work as is done in so many seconds is no backlog. */
const HEALTHY_SECONDS = 5

export function verdictOf(metrics: SystemMetrics, known: KnownRates): Verdict {
  const found = findings.map((find) => find(metrics, known)).find((each) => each !== undefined)
  const backlog = backlogOf(metrics)
  return {
    kind: 'healthy',
    group: null,
    place: null,
    key: null,
    handlerIds: [],
    sinceAt: null,
    backlog,
    rate: known.rate,
    secondsLeft: null,
    ...found,
  }
}

type Finding = Pick<Verdict, 'kind'> & Partial<Verdict>

/** What needs a look most comes first. */
const findings: readonly ((metrics: SystemMetrics, known: KnownRates) => Finding | undefined)[] = [
  ofState,
  cutOff,
  fenced,
  refused,
  outputsFull,
  transactionOpen,
  blocked,
  rebalancing,
  pausedByHand,
  catchingUp,
]

function ofState({ state }: SystemMetrics): Finding | undefined {
  switch (state) {
    case 'new':
    case 'starting':
      return { kind: 'starting' }
    case 'stopping':
    case 'stopped':
      return { kind: 'stopping' }
    case 'failed':
      return { kind: 'failed' }
    case 'running':
      return undefined
  }
}

function cutOff({ groups, takenAt }: SystemMetrics): Finding | undefined {
  const of = groups.find((each) => each.isCutOff || isForWantOfAnswers(each))
  if (of === undefined) return undefined
  return { kind: 'cut-off', group: of.group, sinceAt: of.sinceAnswerMs === null ? null : takenAt - of.sinceAnswerMs }
}

function isForWantOfAnswers({ stoppedBecause }: GroupMetrics): boolean {
  return stoppedBecause !== null && stoppedBecause !== 'outputs'
}

/** No place: what is refused is no fault of a record. */
function refused({ groups }: SystemMetrics): Finding | undefined {
  const of = groups.find(({ partitions }) => partitions.some(({ isRefused }) => isRefused))
  return of === undefined ? undefined : { kind: 'refused', group: of.group }
}

function outputsFull({ groups }: SystemMetrics): Finding | undefined {
  const of = groups.find(({ stoppedBecause }) => stoppedBecause === 'outputs')
  return of === undefined ? undefined : { kind: 'outputs-full', group: of.group }
}

function transactionOpen({ groups, takenAt }: SystemMetrics): Finding | undefined {
  const openMs = (of: GroupMetrics) => of.transactions?.openMs ?? 0
  const of = groups.find((each) => openMs(each) >= LONG_TRANSACTION_MS)
  return of === undefined ? undefined : { kind: 'transaction-open', group: of.group, sinceAt: takenAt - openMs(of) }
}

function fenced({ groups }: SystemMetrics, known: KnownRates): Finding | undefined {
  const of = groups.find(({ group, membership }) => membership === 'joining' && known.fenced.has(group))
  return of === undefined ? undefined : { kind: 'fenced', group: of.group, sinceAt: known.fenced.get(of.group) ?? null }
}

/** Time of a pause by hand does not count: who has paused knows. */
function blocked({ groups, takenAt }: SystemMetrics): Finding | undefined {
  const all = groups.flatMap((of) => of.partitions.map((partition) => ({ of, partition })))
  const longest = all
    .filter(({ partition }) => isBlocked(partition))
    .sort((a, b) => ageOf(b.partition) - ageOf(a.partition))[0]
  if (longest === undefined || longest.partition.blocking === null) return undefined
  const { of, partition } = longest
  const { offset, key } = longest.partition.blocking
  return {
    kind: 'blocked',
    group: of.group,
    place: { topic: partition.topic, partition: partition.partition, offset },
    key,
    sinceAt: takenAt - ageOf(partition),
  }
}

function isBlocked({ blocking }: PartitionMetrics): boolean {
  if (blocking === null) return false
  const isFailing = blocking.state === 'waiting' || blocking.state === 'parked' || blocking.state === 'dead'
  return blocking.unpausedMs >= (isFailing ? FAILING_AFTER_MS : BLOCKED_AFTER_MS)
}

function ageOf({ blocking }: PartitionMetrics): number {
  return blocking?.ageMs ?? 0
}

function rebalancing({ groups }: SystemMetrics): Finding | undefined {
  const of = groups.find(isRebalancing)
  return of === undefined ? undefined : { kind: 'rebalancing', group: of.group }
}

function isRebalancing({ membership, partitions }: GroupMetrics): boolean {
  return (membership !== 'assigned' && membership !== 'idle') || partitions.some(({ isDraining }) => isDraining)
}

function pausedByHand({ groups }: SystemMetrics): Finding | undefined {
  const handlerIds = groups.flatMap(({ handlers }) =>
    handlers.filter(({ isPaused }) => isPaused).map(({ handlerId }) => handlerId),
  )
  return handlerIds.length === 0 ? undefined : { kind: 'paused', handlerIds: [...handlerIds].sort() }
}

function catchingUp(metrics: SystemMetrics, { rate, shrinking }: KnownRates): Finding | undefined {
  const backlog = backlogOf(metrics)
  if (backlog === null || rate === null || backlog <= Math.max(1, rate) * HEALTHY_SECONDS) return undefined
  const secondsLeft = shrinking !== null && shrinking > 0 ? Math.ceil(backlog / shrinking) : null
  return { kind: 'catching-up', secondsLeft }
}
