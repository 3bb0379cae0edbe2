/** Shows the offsets of one partition as runs of one state each. Pure: it reads the state and changes nothing, and looks at no more than it may. */
import type { OffsetRun, PartitionView, RunState, RunsLimits } from '../../model/partition-view.ts'
import type { RangeList } from '../offsets/range-list.ts'
import type { PartitionState } from './partition-state.ts'
import type { Pending } from './shard-queue.ts'

/** Of what is committed, so many offsets are shown before the rest, so that one sees where it ends. */
const COMMITTED_SHOWN = 16

export function partitionView(
  state: PartitionState,
  logEnd: number | undefined,
  { looks, runs: most }: RunsLimits,
): PartitionView {
  const { tracker, commits } = state
  const { position = 0, next = 0, restored } = tracker
  const committed = commits.committedPosition
  const isSampled = tracker.tracked > looks
  const runs = new Runs(Math.max(0, Math.min(committed ?? position, position) - COMMITTED_SHOWN), most)
  runs.to(Math.min(committed ?? runs.at, position), 'committed')
  runs.to(position, 'done')
  let looked = 0
  let before: Pending | undefined
  tracker.show(Math.max(1, looks), (offset, pending) => {
    if (looked > 0 && isSampled) runs.to(offset, stateOf(before), dueAtOf(before))
    else runs.past(offset, restored, 'hole')
    if (!isSampled) runs.to(offset + 1, stateOf(pending), dueAtOf(pending))
    before = pending
    looked += 1
  })
  if (looked > 0 && isSampled) runs.to(next, stateOf(before), dueAtOf(before))
  runs.past(next, restored, 'hole')
  runs.past(Math.max(next, logEnd ?? 0, restored.end ?? 0), restored, 'not-fetched')
  return {
    topic: state.topic,
    partition: state.partition,
    handlerId: state.route.handlerId,
    epoch: state.epoch,
    position: tracker.position ?? null,
    committedPosition: committed ?? null,
    nextOffset: tracker.next ?? null,
    logEnd: logEnd ?? null,
    metadataUsed: commits.metadataLength,
    metadataLimit: commits.metadataLimit,
    isTight: commits.isTight,
    runsAgain: state.runsAgain,
    runs: runs.all,
    cutAt: runs.cutAt ?? null,
    isSampled,
    looked,
  }
}

/** `undefined`: complete. */
function stateOf(pending: Pending | undefined): RunState {
  return pending?.state ?? 'done-above-gap'
}

function dueAtOf(pending: Pending | undefined): number | undefined {
  return pending?.state === 'waiting' || pending?.state === 'delayed' ? pending.retry?.dueAt : undefined
}

/** Put together from below, each from where the last one ends. */
class Runs {
  readonly all: OffsetRun[] = []
  at: number
  cutAt: number | undefined
  readonly #most: number

  constructor(from: number, most: number) {
    this.at = from
    this.#most = most
  }

  to(end: number, state: RunState, dueAt?: number): void {
    if (end <= this.at || this.cutAt !== undefined) return
    const last = this.all.at(-1)
    const from = last?.state === state ? last.from : this.at
    const due = Math.min(
      dueAt ?? Number.POSITIVE_INFINITY,
      (last?.state === state && last.dueAt) || Number.POSITIVE_INFINITY,
    )
    const run = due === Number.POSITIVE_INFINITY ? { from, to: end, state } : { from, to: end, state, dueAt: due }
    if (last?.state === state) this.all[this.all.length - 1] = run
    else if (this.all.length < this.#most) this.all.push(run)
    else {
      this.cutAt = this.at
      return
    }
    this.at = end
  }

  /** Nothing is tracked up to there: an earlier owner has completed it, or it is as `otherwise` says. */
  past(end: number, restored: RangeList, otherwise: RunState): void {
    if (end <= this.at) return
    for (const range of restored.within(this.at, end)) {
      if (this.cutAt !== undefined) return
      this.to(range.start, otherwise)
      this.to(range.end, 'done-above-gap')
    }
    this.to(end, otherwise)
  }
}
