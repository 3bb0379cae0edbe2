/** The public names of `pyrallel/testing`: what users need in the tests of their own handlers. */
export type { Clock, Timer } from '../time/clock.ts'
export { ManualClock } from './manual-clock.ts'
export type { AttemptInput, AttemptResult, LoggedLine, PublishedValue } from './run-attempt.ts'
export { runAttempt } from './run-attempt.ts'
export type { BatchInput, BatchResult, BatchRunOptions } from './run-batch.ts'
export { runBatch } from './run-batch.ts'
export type { RecordRunOptions } from './run-record.ts'
export { runRecord } from './run-record.ts'
