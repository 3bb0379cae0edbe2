/** Says what follows from `commit.exactlyOnce`. Pure. */
import type { ResolvedConfig } from '../../framework/config/config.ts'
import { durationText } from '../../framework/config/option-schema.ts'
import { groupedDigits } from '../../framework/model/grouped-digits.ts'

/** `null` without it. */
export function exactlyOnceNote({ commit, limits }: Pick<ResolvedConfig, 'commit' | 'limits'>): string | null {
  if (!commit.exactlyOnce) return null
  return [
    'Together: only what is committed is read (isolation.level read_committed), and what is done above a gap is stored with its offsets (commit.recovery metadata).',
    `Outputs are seen within ${durationText(commit.minIntervalMs)} and the time of a commit, and count in limits.maxBytes (${groupedDigits(limits.maxBytes)} bytes) until then.`,
    'runtime.publish, connectPublisher and producers of your own are no part of it. `dev` runs on a cluster in memory; `doctor` says whether the brokers allow it.',
  ].join(' ')
}
