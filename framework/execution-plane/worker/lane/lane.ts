/** What those who give work to threads know of them. Types only; `WorkerLane` and `LaneCrew` are the real ones. */
import type { WorkItem } from '../../../model/work.ts'

/** A thread that can be given items. */
export interface Lane {
  readonly isOverdue: boolean
  /** Not completed, started or not. */
  readonly size: number
  /** Not come to yet; those taken back count until the thread has passed over them. */
  readonly backlog: number
  /** Of the backlog, what may be taken back. */
  readonly unstarted: number
  add(item: WorkItem): void
  takeBack(max: number, isWanted?: (item: WorkItem) => boolean): readonly WorkItem[]
}

export interface Cells {
  /** The thread that is kept for records that run apart, when there is one that takes items. */
  readonly cell: Lane | undefined
  /** Begins it, if it is not there. */
  wantCell(): void
  endCell(): void
  onGiven(lane: Lane, records: number): void
}

export interface Crew extends Cells {
  /** Lanes that live. */
  readonly all: readonly Lane[]
  /** Those of them that take items, without the cell. */
  readonly open: readonly Lane[]
}

/** How a thread died, as far as it matters to what waits. */
export interface Death {
  readonly isOfCell: boolean
  /** They ran, and are the cause. */
  readonly guilty: readonly WorkItem[]
  /** They ran, and each of them may be the cause. */
  readonly suspected: readonly WorkItem[]
  /** They ran, and are not the cause, as far as is known. */
  readonly cut: readonly WorkItem[]
  /** Something has run on it, and may have left behind what ended it. */
  readonly hasRun: boolean
}
